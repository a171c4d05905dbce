"""What the picture tells of its light: colours of skin and lips, white, grain and sharpness."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from lipsync_colab.engines.viseme import landmarks
from lipsync_colab.engines.viseme.floats import Floats
from lipsync_colab.engines.viseme.ramp import smoothstep
from lipsync_colab.types import Portrait

LUMA = np.array([0.299, 0.587, 0.114], np.float32)
"""Rec. 601 luma of RGB."""
SOFT_SHADE = 0.2
"""Of the skin's brightness: where a twentieth of a face is darker, the picture's contrast was raised."""
HARDEST = 1.5
"""By how much the exponent of a picture whose shades are black exceeds 1."""
HALF_SHADE = (0.3, 0.5)
"""Of the skin's brightness."""
WARMTH = np.array([0.3, 0.0, -0.1], np.float32)
"""How much less deep each channel's shade is where light has been through skin."""
PLAIN_WHITE, BRIGHTEST = 0.8, 1.2
"""Of white: what contrast leaves as it is; by how much it may brighten what is lighter."""


def _cut(image: Floats, points: Floats, margin: float = 0.0) -> tuple[Floats, Floats]:
    """Return the part of a picture around points (M, 2), at least one pixel of it, and its top left corner."""
    limit = np.array(image.shape[1::-1])
    low = np.clip(np.floor(points.min(axis=0) - margin).astype(int), 0, limit - 1)
    high = np.clip(np.ceil(points.max(axis=0) + margin).astype(int) + 1, low + 1, limit)
    return np.ascontiguousarray(image[low[1] : high[1], low[0] : high[0]]), low


def _pixels(image: Floats, polygon: Floats) -> Floats:
    """Return the pixels, float32 (N, 3), inside a polygon (M, 2); those of its box where the picture cuts it off."""
    part, corner = _cut(image, polygon)
    mask = np.zeros(part.shape[:2], np.uint8)
    cv2.fillPoly(mask, [np.round(polygon - corner).astype(np.int32)], 1)
    return part[mask > 0 if mask.any() else mask == 0].astype(np.float32)


@dataclass(frozen=True, eq=False)
class Light:
    """Colours are float32 (3,) RGB in [0, 255].

    Attributes:
        skin: of the lit cheek.
        lips: of the lips between highlight and shadow.
        white: what a white thing such as a tooth would look like in this light.
        saturation: 1 for a colour photograph, 0 for a grey one.
        dusk: to which power each channel takes a part of the light: below 1 for red where shades are warm.
        contrast: exponent of what the picture does to light, 1 for a soft one; shades turn black beyond 2.
        blur: standard deviation, in pixels, of the blur that the picture's sharpest edges show.
        grain: float32 (h, w), a tile of noise as strong as the picture's own.
    """

    skin: Floats
    lips: Floats
    white: Floats
    saturation: float
    dusk: Floats
    contrast: float
    blur: float
    grain: Floats

    @classmethod
    def of(cls, portrait: Portrait) -> Light:
        """Measure a portrait."""
        image, marks = portrait.image, portrait.face.landmarks.astype(np.float64)
        cheeks = _pixels(image, cv2.convexHull(marks[list(landmarks.CHEEKS)].astype(np.float32))[:, 0])
        skin = np.percentile(cheeks, 85, axis=0).astype(np.float32)
        lips = np.concatenate([_pixels(image, marks[list(upper + lower[::-1])]) for upper, lower in _LIPS])
        colour = np.median(lips, axis=0).astype(np.float32)
        # Pale skin does not make a photograph grey while the lips are red.
        saturation = float(smoothstep(max(np.ptp(tone) / max(tone.max(), 1) for tone in (skin, colour)) / 0.22))
        blur = _blur(image, marks, portrait.face.eye_distance)
        white, contrast = _white(image, marks, skin), _contrast(image, marks, skin)
        # What contrast does to a shade makes it redder by itself.
        dusk = 1 - (1 - _dusk(image, marks, skin, saturation)) / np.float32(contrast**2)
        return cls(skin, colour, white, saturation, dusk, contrast, blur, _grain(image, marks))

    def tinted(self, colour: Floats) -> Floats:
        """Return a colour with the picture's saturation."""
        luma = colour @ LUMA
        return luma + (colour - luma) * self.saturation

    def developed(self, colours: Floats) -> Floats:
        """Return colours (h, w, 3), made for a soft picture, with the picture's contrast; what is white stays so."""
        if self.contrast == 1:
            return colours
        white = np.float32(PLAIN_WHITE) * self.white
        part = np.maximum(colours / white, 0)
        return np.minimum(cv2.pow(part, self.contrast), BRIGHTEST * part) * white

    @property
    def shade(self) -> Floats:
        """How strongly each channel darkens in a shadow on skin: light that has been through skin is red."""
        return 1 - np.float32(self.saturation) * np.array([0.25, 0.0, -0.06], np.float32)

    def noise(self, shape: tuple[int, int]) -> Floats:
        """Return grain, float32 (h, w), for a patch of a shape."""
        rows, columns = (-(-want // have) for want, have in zip(shape, self.grain.shape, strict=True))
        return np.tile(self.grain, (rows, columns))[: shape[0], : shape[1]]


_LIPS = (
    (landmarks.OUTER_UPPER, landmarks.INNER_UPPER),
    (landmarks.INNER_LOWER, landmarks.OUTER_LOWER),
)


def _white(image: Floats, marks: Floats, skin: Floats) -> Floats:
    """Judge white by the sclera and the skin: both see the same light as the teeth."""
    pixels = np.concatenate([_pixels(image, marks[list(outline)]) for outline in landmarks.EYE_OUTLINES])
    sclera = float(np.percentile(pixels @ LUMA, 85))
    from_skin = 1.15 * float(skin @ LUMA)
    luma = np.clip(0.55 * from_skin + 0.45 * max(sclera, 0.7 * from_skin), 20, 228)
    # Of the whites' pixels, not the glints and not the iris; what is redder than the skin is no white at all.
    by_lightness = pixels[np.argsort(pixels @ LUMA)]
    cast = np.median(by_lightness[int(0.65 * len(pixels)) : int(0.9 * len(pixels)) + 1], axis=0)
    colour = np.array([250, 241, 224], np.float32) * _hue(skin) ** 0.15 * np.maximum(_hue(cast), _hue(skin)) ** 0.35
    return np.minimum(colour * luma / (colour @ LUMA), 245).astype(np.float32)


def _dusk(image: Floats, marks: Floats, skin: Floats, saturation: float) -> Floats:
    """Judge by what colour the lower face's half-shades have, as far as they are not a beard's or a cast's own."""
    lower = _pixels(image, cv2.convexHull(marks[[*landmarks.JAW_LINE, landmarks.NOSE_BRIDGE]].astype(np.float32))[:, 0])
    level = lower @ LUMA / max(float(skin @ LUMA), 1.0)
    shade = lower[(level > HALF_SHADE[0]) & (level < HALF_SHADE[1])]
    if len(shade) < 0.02 * len(lower):
        return 1 - np.float32(saturation) * WARMTH
    part = np.clip(np.median(shade, axis=0) / np.maximum(skin, 1), 0.05, 0.95)
    measured = np.clip(np.log(part) / np.log(part @ LUMA), 0.6, 1.4)
    return ((1 - saturation * WARMTH + measured) / 2).astype(np.float32)


def _contrast(image: Floats, marks: Floats, skin: Floats) -> float:
    """Judge by how dark the face's shades are beside its lit skin."""
    face = _pixels(image, cv2.convexHull(marks[:468].astype(np.float32))[:, 0])
    shade = float(np.percentile(face @ LUMA, 5)) / max(float(skin @ LUMA), 1.0)
    return 1 + HARDEST * float(smoothstep(1 - shade / SOFT_SHADE))


def _hue(colour: Floats) -> Floats:
    return np.clip(colour / max(float(colour.max()), 1.0), 0.4, 1)


def _blur(image: Floats, marks: Floats, unit: float) -> float:
    """Measure the steepest edges of the eyes: a step of height h blurred by s rises by h / (s √2π) per pixel."""
    steepest = []
    for outline in landmarks.EYE_OUTLINES:
        grey = cv2.cvtColor(_cut(image, marks[list(outline)], 0.1 * unit)[0], cv2.COLOR_RGB2GRAY)
        slopes = cv2.magnitude(*(cv2.Sobel(grey, cv2.CV_32F, *axes, scale=1 / 8) for axes in ((1, 0), (0, 1))))
        contrast = float(np.percentile(grey, 98) - np.percentile(grey, 2))
        steepest.append(contrast / (max(float(np.percentile(slopes, 99.5)), 0.5) * np.sqrt(2 * np.pi)))
    return float(np.clip(min(steepest), 0.6, 0.02 * unit + 0.6))


def _grain(image: Floats, marks: Floats) -> Floats:
    """Return noise whose strength and fineness follow the cheeks' own."""
    grey = cv2.cvtColor(_cut(image, marks[list(landmarks.CHEEKS)])[0], cv2.COLOR_RGB2GRAY)
    detail = grey.astype(np.float32) - cv2.GaussianBlur(grey.astype(np.float32), (0, 0), 2.0)
    strength = 1.4826 * float(np.median(np.abs(detail)))
    noise = np.random.default_rng(0).normal(0, 1, (160, 320)).astype(np.float32)
    soft = cv2.GaussianBlur(noise, (0, 0), 1.2)
    return np.asarray(soft * np.float32(strength / soft.std()))
