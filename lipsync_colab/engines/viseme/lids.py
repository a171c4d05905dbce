"""The closed lid of one eye, made from the skin around it, drawn as far down as a blink has come."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter, gaussian_filter1d, median_filter

from lipsync_colab.engines.viseme.eye_opening import LUMA, REACH, SAMPLES, EyeOpening
from lipsync_colab.engines.viseme.floats import Floats
from lipsync_colab.engines.viseme.ramp import smoothstep
from lipsync_colab.engines.viseme.sampling import along, sample
from lipsync_colab.types import Array, Image

ABOVE, BELOW = 0.42, 0.45  # what of the picture around the eye is looked at, eye distances
FOLD = 0.095  # the painted lid begins this far above the margin, eye distances
FOLD_FADE = 0.055
LASH_LENGTH = 0.052
LASHES = 34
MEMBRANE_ROWS = 24
BULGE = (0.93, 1.04, 1.06, 1.0, 0.87)  # light on the ball under the lid, from the fold to the margin


class Lid:
    """A painted upper lid.

    Its colour is a smooth membrane between the skin above the fold and that below the eye; its grain is the skin's
    below the eye; its lashes have the colour and the strength of the source's own. Glasses and brows in front of it
    are left as they are.
    """

    def __init__(self, image: Image, opening: EyeOpening) -> None:
        self._opening = opening
        unit, width = opening.unit, opening.width
        columns = max(24, round(2 * REACH * width))
        rows = np.arange(-ABOVE * unit, BELOW * unit, dtype=np.float32)
        s = np.linspace(-REACH, REACH, columns, dtype=np.float32) * np.float32(width)
        self._top = np.maximum(opening.upper - FOLD * unit, opening.brow)
        self._fade = np.clip(1 - np.abs(np.linspace(-1, 1, SAMPLES) * REACH / 0.57) ** 7, 0, 1).astype(np.float32)
        around = _Surroundings(image, opening, s, rows)
        self._membrane = _membrane(around, self._top_at(s), unit)
        grain, line, hairs, self._lash_colour = _texture(around, unit, opening.outward)
        self._texture = np.dstack([grain, line, hairs]).astype(np.float32)
        self.front, self.front_origin = around.front()
        self._curves = np.stack([opening.upper, opening.closed, self._top, self._fade], -1).astype(np.float32)

    def _top_at(self, s: Array) -> Array:
        return np.interp(self._opening.position(s), np.arange(SAMPLES), self._top).astype(np.float32)

    def paint(self, pixels: Array, x: Array, y: Array, closure: float) -> Array:
        """Return pixels with the lid over them.

        Args:
            pixels: float32 (h, w, 3) in [0, 255].
            x: float32 (h, w), where in the still each pixel lies when nothing but the head moves.
            y: the same, downwards.
            closure: 0 open to 1 shut.
        """
        opening, unit = self._opening, np.float32(self._opening.unit)
        s, t = opening.local(x, y)
        place = opening.position(s)
        curves = along(self._curves, place)
        upper, shut, top, fade = (curves[..., index] for index in range(4))
        margin = upper + (shut - upper) * np.float32(closure)
        top = np.maximum(top, upper - (upper - top) * min(1.0, 1.6 * closure))
        above = margin - t
        seen = fade * self.uncovered(x, y)
        pixels = pixels * (1 - self._shadow(above, shut - t, seen, closure))[..., None]
        skin = self._skin(place, t, top, margin)
        texture = self._textured(s, above)
        cover = smoothstep((t - top) / (FOLD_FADE * unit)) * smoothstep(above / 1.3 + 0.5)
        cover = (cover * seen * min(1.0, 4 * closure))[..., None]
        pixels = pixels + (skin + texture[..., :3] - pixels) * cover
        lashes = texture[..., 3] * min(1.0, 4 * closure) + texture[..., 4] * closure**2
        lashes = (np.clip(lashes, 0, 0.92) * seen)[..., None]
        return pixels + (self._lash_colour - pixels) * lashes

    def _skin(self, place: Array, t: Array, top: Array, margin: Array) -> Array:
        depth = np.clip((t - top) / np.maximum(margin - top, 1), 0, 1) * (MEMBRANE_ROWS - 1)
        return sample(self._membrane, place, depth)

    def _textured(self, s: Array, above: Array) -> Array:
        """Grain (three channels), lash line and hairs at a place along the lid and above its margin."""
        rows, columns = self._texture.shape[:2]
        across = (s / np.float32(self._opening.width) + REACH) * ((columns - 1) / (2 * REACH))
        down = rows - 1 - LASH_LENGTH * 1.25 * self._opening.unit - above
        planes = (self._texture[..., :4], self._texture[..., 4])
        return np.dstack([sample(plane, across, down, outside="zero") for plane in planes])

    def _shadow(self, above: Array, to_shut: Array, seen: Array, closure: float) -> Array:
        """The lid's shadow on the eyeball just below its margin: what gives it thickness."""
        near = np.exp(-np.maximum(-above, 0) / np.float32(0.028 * self._opening.unit)) * (above < 0.5)
        return 0.42 * near * smoothstep(to_shut / np.float32(0.02 * self._opening.unit)) * seen * min(1.0, 3 * closure)

    def uncovered(self, x: Array, y: Array) -> Array:
        """Return how much of each point of the face has nothing before it, float32 in [0, 1]."""
        left, top = self.front_origin
        return 1 - sample(self.front, x - np.float32(left), y - np.float32(top), outside="zero")


class _Surroundings:
    """The picture round an eye, straightened: rows along t, columns along s, one pixel apart."""

    def __init__(self, image: Image, opening: EyeOpening, s: Array, rows: Array) -> None:
        self.opening, self.s, self.rows = opening, s, rows
        grid = np.meshgrid(s, rows)
        self._maps = opening.picture(*grid)
        self.pixels = sample(image, *self._maps)
        self.luma = self.pixels @ LUMA
        place = opening.position(s)
        self.upper, self.lower, self.brow = (
            np.interp(place, np.arange(SAMPLES), curve).astype(np.float32)
            for curve in (opening.upper, opening.lower, opening.brow)
        )
        below = self.between(self.lower + 0.05 * opening.unit, self.lower + 0.15 * opening.unit)
        self.skin = np.median(self.pixels[below], axis=0) if below.any() else np.median(self.pixels, axis=(0, 1))
        self._shape = image.shape[:2]

    def between(self, low: Array, high: Array) -> NDArray[np.bool_]:
        """Mask of the pixels whose t lies between two curves."""
        return (self.rows[:, None] >= low) & (self.rows[:, None] < high)

    def row(self, low: Array, high: Array, fallback: Array) -> Array:
        """Colour along the eye between two curves, float32 (columns, 3), without hairs, rims and highlights."""
        mask = self.between(low, high)
        skin = float(self.skin @ LUMA)
        # A socket may lie in deep shadow as a whole: what is odd is judged by the band itself, within reason.
        reference = float(np.clip(np.median(self.luma[mask]) if mask.any() else skin, 0.5 * skin, 1.2 * skin))
        plain = mask & (np.abs(self.luma - reference) < 0.38 * reference)
        count = plain.sum(axis=0)
        total = np.where(plain[..., None], self.pixels, 0).sum(axis=0)
        trust = gaussian_filter1d(np.minimum(1, count / np.maximum(0.5 * mask.sum(axis=0), 1)), len(self.s) / 24)
        weight = gaussian_filter1d(count.astype(np.float32), len(self.s) / 16)[:, None]
        colour = gaussian_filter1d(total, len(self.s) / 16, axis=0) / np.maximum(weight, 1e-3)
        return colour * trust[:, None] + fallback * (1 - trust[:, None])

    def fleshy(self, colour: Floats, below: Floats, least: float) -> Floats:
        """Bring a colour (columns, 3), mixed with hairs, liner or rims, towards the skin's hue and the light below.

        A lid faces the light that the skin below the eye gets; it is at least ``least`` as bright.
        """
        luma, light = (colour @ LUMA)[:, None], (below @ LUMA)[:, None]
        hued = 0.65 * colour + 0.35 * self.skin * luma / max(float(self.skin @ LUMA), 1)
        short = np.maximum(least * light - luma, 0) / np.maximum(light, 1)
        return hued + short * below

    def front(self) -> tuple[Array, tuple[int, int]]:
        """Mask of what stands before the lid (rims of glasses, the brow), float32, and its place in the picture.

        It differs clearly from skin, lies outside the opening, and reaches further away than lashes do.
        """
        unit = self.opening.unit
        reference = float(self.skin @ LUMA)
        local = gaussian_filter(self.luma, 0.10 * unit)
        odd = np.abs(self.luma - np.minimum(local, reference)) > 0.24 * reference
        clear = ~self.between(self.upper - 0.015 * unit, self.lower + 0.012 * unit)
        count, labels = cv2.connectedComponents((odd & clear).astype(np.uint8), connectivity=8)
        far = ~self.between(self.upper - 0.17 * unit, self.lower + 0.14 * unit)
        kept = np.zeros(count, bool)
        kept[np.unique(labels[far & odd])] = True
        kept[0] = False
        mask = gaussian_filter(kept[labels].astype(np.float32), max(0.8, 0.008 * unit))
        mask = smoothstep(mask * 1.6)
        return self._to_picture(mask)

    def _to_picture(self, mask: Array) -> tuple[Array, tuple[int, int]]:
        x, y = self._maps
        left, top = int(x.min()), int(y.min())
        columns, rows = np.meshgrid(np.arange(left, int(x.max()) + 2), np.arange(top, int(y.max()) + 2))
        s, t = self.opening.local(columns.astype(np.float32), rows.astype(np.float32))
        scale = (len(self.s) - 1) / (self.s[-1] - self.s[0])
        found = sample(mask.astype(np.float32), (s - self.s[0]) * scale, t - self.rows[0], outside="zero")
        return found, (left, top)


def _membrane(around: _Surroundings, top: Array, unit: float) -> Array:
    """Colour of the shut lid, float32 (MEMBRANE_ROWS, SAMPLES, 3): rows from the fold to the margin."""
    low = around.row(around.lower + 0.03 * unit, around.lower + 0.075 * unit, around.skin)
    high = around.row(top - 0.03 * unit, top + 0.02 * unit, 0.95 * low)
    strip = around.row(around.upper - 0.055 * unit, around.upper - 0.02 * unit, 0.5 * (low + high))
    high, strip = (around.fleshy(colour, low, least) for colour, least in ((high, 0.74), (strip, 0.86)))
    middle = 0.15 * strip + 0.45 * low + 0.4 * high
    v = np.linspace(0, 1, MEMBRANE_ROWS, dtype=np.float32)[:, None, None]
    colour = high * (1 - v) ** 2 + 2 * middle * v * (1 - v) + (0.55 * middle + 0.45 * low) * v**2
    light = np.interp(v[:, 0, 0], np.linspace(0, 1, len(BULGE)), BULGE)
    light = gaussian_filter1d(light, MEMBRANE_ROWS / 12)[:, None, None]
    across = np.linspace(-1, 1, colour.shape[1], dtype=np.float32)[None, :, None]
    colour = colour * (1 + (light - 1) * (1 - across**4)) * (1 - 0.06 * across**2)
    resized = cv2.resize(colour.astype(np.float32), (SAMPLES, MEMBRANE_ROWS), interpolation=cv2.INTER_AREA)
    return np.asarray(resized, np.float32)


def _texture(around: _Surroundings, unit: float, outward: int) -> tuple[Array, Array, Array, Array]:
    """Grain, lash line and hairs of the lid on rows from far above its margin to the tips, and the lashes' colour."""
    columns = len(around.s)
    tips = int(np.ceil(LASH_LENGTH * 1.25 * unit))
    height = int(0.34 * unit) + tips + 1
    above = np.arange(height, dtype=np.float32)[::-1, None] - tips
    grain = _grain(around, np.maximum(above, 0), unit)
    darkness, colour = _lash_strength(around, unit)
    centre = np.linspace(-REACH, REACH, columns, dtype=np.float32)[None]
    ends = np.clip(1 - (np.abs(centre) / 0.53) ** 6, 0, 1)
    thick = (0.010 + 0.005 * centre * outward) * unit
    core = np.exp(-((above / np.where(above > 0, 1.25 * thick, 0.9 * thick)) ** 2))
    line = np.asarray(core * darkness * ends, np.float32)
    hairs = _hairs(columns, height, tips, unit, outward) * np.clip(1.35 * darkness - 0.2, 0, 1)
    return grain, line, hairs, colour


def _grain(around: _Surroundings, above: Array, unit: float) -> Array:
    """The fine structure of the skin below the eye, turned over so that it runs up from the margin."""
    width = max(1.5, 0.018 * unit)
    fine = around.pixels - gaussian_filter(around.pixels, (width, width, 0))
    reach = 0.16 * unit
    fold = reach - np.abs(np.mod(above, 2 * reach) - reach)
    row = np.clip(around.lower[None] + 0.05 * unit + fold - around.rows[0], 0, len(around.rows) - 1)
    grain = sample(fine, np.broadcast_to(np.arange(len(around.s)), row.shape), row)
    limit = 2.2 * 1.4826 * np.median(np.abs(grain)) + 1
    # The edge of a bag or of a shadow is no grain: strong places are brought down to the usual strength.
    strength = np.sqrt(gaussian_filter((grain**2).mean(axis=-1), 2 * width))
    even = np.minimum(1, (np.median(strength) + 0.3) / np.maximum(strength, 1e-3))[..., None]
    return np.clip(grain * even, -limit, limit)


def _lash_strength(around: _Surroundings, unit: float) -> tuple[Array, Array]:
    """How dark the source's own lashes make the margin along the eye, (1, columns) in [0, 1], and their colour."""
    band = around.between(around.upper - 0.022 * unit, around.upper + 0.006 * unit)
    skin = around.between(around.upper - 0.09 * unit, around.upper - 0.05 * unit)
    bright = np.percentile(around.luma[skin], 70) if skin.any() else around.skin @ LUMA
    darkest = np.where(band, around.luma, 255).min(axis=0)
    contrast = 1 - median_filter(darkest, 5, mode="nearest") / max(float(bright), 1)
    darkness = np.clip(gaussian_filter1d(contrast, max(1.0, 0.012 * unit)), 0.38, 0.85)
    dark = band & (around.luma <= np.percentile(around.luma[band], 20)) if band.any() else band
    colour = np.median(around.pixels[dark], axis=0) if dark.any() else 0.3 * around.skin
    return darkness[None].astype(np.float32), np.minimum(0.85 * colour, 0.45 * around.skin).astype(np.float32)


def _hairs(columns: int, height: int, tips: int, unit: float, outward: int) -> Array:
    """Single lashes, drawn at four times the size: float32 (height, columns) in [0, 1]."""
    random = np.random.default_rng(11)
    scale = 4
    canvas = np.zeros((height * scale, columns * scale), np.uint8)
    base = (height - 1 - tips) * scale
    half = columns * scale / (2 * REACH)
    for place in np.linspace(-0.40, 0.47, LASHES):
        root = (place + random.normal(0, 0.008)) * outward
        length = LASH_LENGTH * unit * scale * random.uniform(0.65, 1.1) * (0.62 + 0.5 * (place + 0.45))
        lean = outward * (0.15 + 1.1 * (place + 0.3)) + random.normal(0, 0.12)
        steps = np.linspace(0, 1, 7)
        x = columns * scale / 2 + root * half + lean * length * steps**1.6
        y = base + length * steps * (1 - 0.25 * steps * abs(lean))
        stroke = np.round(np.stack([x, y], -1) * 16).astype(np.int32)
        cv2.polylines(canvas, [stroke], False, 255, max(1, round(0.006 * unit * scale)), cv2.LINE_AA, 4)
    fine = cv2.resize(canvas, (columns, height), interpolation=cv2.INTER_AREA).astype(np.float32) / 255
    fade = np.clip((np.arange(height)[:, None] - (height - 1 - tips)) / max(LASH_LENGTH * unit, 1), 0, 1)
    return gaussian_filter(fine, 0.5) * (0.8 - 0.6 * fade).astype(np.float32)
