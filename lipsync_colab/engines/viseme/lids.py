"""The closed lid of one eye, made from the skin around it, drawn as far down as a blink has come."""

from __future__ import annotations

import cv2
import numpy as np
from scipy.ndimage import gaussian_filter, gaussian_filter1d, median_filter

from lipsync_colab.engines.viseme.eye_opening import REACH, SAMPLES, EyeOpening
from lipsync_colab.engines.viseme.eye_surroundings import WING, Surroundings
from lipsync_colab.engines.viseme.light import LUMA, Light
from lipsync_colab.engines.viseme.ramp import smoothstep
from lipsync_colab.engines.viseme.sampling import along, sample
from lipsync_colab.types import Array, Image

ABOVE, BELOW = 0.42, 0.45  # what of the picture around the eye is looked at, eye distances
FOLD = 0.095  # the lid turns over the ball from this far above the margin, eye distances
OVER_LASHES = 0.065  # how far above the open margin its lashes and its liner reach, eye distances
LASH_LENGTH = 0.046
LASHES = 34
FREQUENCIES = 24  # bands in which the grain of skin is measured
BULGE = (1.0, 0.97, 1.07, 1.10, 1.04, 0.90)  # light on the ball under the lid, from the fold to the margin

LIGHT: Array = gaussian_filter1d(np.interp(np.linspace(0, 1, 32), np.linspace(0, 1, len(BULGE)), BULGE), 2.0).astype(
    np.float32
)


class Lid:
    """A painted upper lid.

    Its colour runs smoothly between the skin on all sides of the eye; its grain is the skin's below the eye; its
    lashes have the colour, the strength and the sharpness of the source's own. Glasses and brows in front of it are
    left as they are.

    Args:
        image: uint8 (H, W, 3) RGB.
        opening: of the eye.
        light: of the portrait.
        rims: glasses are worn.

    Attributes:
        box: where the lid and its lashes lie in the eye's frame: left, right, top and bottom in pixels.
    """

    def __init__(self, image: Image, opening: EyeOpening, light: Light, rims: bool) -> None:
        self._opening = opening
        unit, width = opening.unit, opening.width
        columns = max(24, round(2 * WING * width))
        rows = np.arange(-ABOVE * unit, BELOW * unit, dtype=np.float32)
        s = np.linspace(-WING, WING, columns, dtype=np.float32) * np.float32(width)
        top = np.maximum(opening.upper - FOLD * unit, opening.brow)
        across = np.linspace(-1, 1, SAMPLES) * REACH / 0.57
        fade = np.clip(1 - np.abs(across) ** 7, 0, 1)
        around = Surroundings(image, opening, s, rows, rims)
        front = around.front()
        self._skin = np.dstack(around.emptied(front)).astype(np.float32)
        self.box = self._extent(s, rows)
        self._first_row = float(rows[0])
        self._grain_light = np.float32(1 / max(float(around.skin[1]), 1.0))
        grain, line, hairs, self._lash_colour = _texture(around, front, unit, opening.outward, light)
        self._texture = np.dstack([grain, line, hairs]).astype(np.float32)
        self._front, self._front_origin = around.in_picture(front)
        self._curves = np.stack([opening.upper, opening.closed, top, fade], -1).astype(np.float32)

    def _extent(self, s: Array, rows: Array) -> tuple[float, float, float, float]:
        """The box of the lid's skin over all closures, and of the lashes at its margin."""
        opening, skin = self._opening, self._skin[..., 3] > 0.002
        tips = 1.5 * LASH_LENGTH * opening.unit
        across = np.append(s[skin.any(axis=0)], np.array([-REACH, REACH]) * opening.width)
        down = np.append(rows[skin.any(axis=1)], [opening.upper.min() - tips, opening.closed.max() + tips])
        return float(across.min()), float(across.max()), float(down.min()), float(down.max())

    def corners(self) -> Array:
        """Return the corners of :attr:`box` in the picture, float (4, 2)."""
        left, right, top, bottom = self.box
        places = np.array([left, right, left, right]), np.array([top, top, bottom, bottom])
        return np.stack(self._opening.picture(*places), axis=-1)

    def paint(self, pixels: Array, x: Array, y: Array, closure: float) -> Array:
        """Return pixels with the lid over them.

        Args:
            pixels: float32 (h, w, 3) in [0, 255].
            x: float32 (h, w), where in the still each pixel lies when nothing but the head moves.
            y: the same, downwards.
            closure: 0 open to 1 shut.
        """
        opening = self._opening
        s, t = opening.local(x, y)
        place = opening.position(s)
        curves = along(self._curves, place)
        upper, shut, top, fade = (curves[..., index] for index in range(4))
        margin = upper + (shut - upper) * np.float32(closure)
        above = margin - t
        seen = fade * self.uncovered(x, y)
        pixels = pixels * (1 - self._shadow(above, shut - t, seen, closure))[..., None]
        down = np.clip((t - top) / np.maximum(margin - top, 1), 0, 1).astype(np.float32)
        skin = sample(self._skin, self._column(s), t - np.float32(self._first_row), outside="zero")
        texture = self._textured(s, above)
        light = 1 + (along(LIGHT, down * np.float32(len(LIGHT) - 1)) - 1) * fade * closure
        # Beyond the corner nothing ends at the margin: what is left of a wing of liner runs out softly.
        beyond = np.maximum(np.abs(s) - np.float32(0.5 * opening.width), 0)
        over = smoothstep((above + 0.8 * beyond) / (1.3 + 0.8 * beyond) + 0.5)
        # The lashes' place is skin at once; the fold above them flattens as the lid is drawn from under it.
        folded = smoothstep((upper - t) / np.float32(0.5 * OVER_LASHES * opening.unit) - 2)
        folded *= smoothstep((0.5 - np.abs(s) / np.float32(opening.width)) / 0.12)  # at the end lashes reach higher
        laid = min(1.0, 4 * closure) + (smoothstep(closure) - min(1.0, 4 * closure)) * folded
        cover = (skin[..., 3] * over * laid)[..., None]
        # Grain goes with the root of the light.
        grain = texture[..., :3] * cv2.sqrt(np.clip(skin[..., 1] * self._grain_light, 0, 1))[..., None]
        pixels = pixels + (skin[..., :3] * light[..., None] + grain - pixels) * cover
        lashes = texture[..., 3] * min(1.0, 4 * closure) + texture[..., 4] * closure**2
        lashes = (np.clip(lashes, 0, 0.92) * seen)[..., None]
        return pixels + (self._lash_colour - pixels) * lashes

    def _column(self, s: Array) -> Array:
        """Place along the eye as a column of the straightened picture."""
        return (s / np.float32(self._opening.width) + WING) * ((self._texture.shape[1] - 1) / (2 * WING))

    def _textured(self, s: Array, above: Array) -> Array:
        """Grain (three channels), lash line and hairs at a place along the lid and above its margin."""
        across = self._column(s)
        down = len(self._texture) - 1 - LASH_LENGTH * 1.25 * self._opening.unit - above
        planes = (self._texture[..., :4], self._texture[..., 4])
        return np.dstack([sample(plane, across, down, outside="zero") for plane in planes])

    def _shadow(self, above: Array, to_shut: Array, seen: Array, closure: float) -> Array:
        """The lid's shadow on the eyeball just below its margin: what gives it thickness."""
        near = np.exp(-np.maximum(-above, 0) / np.float32(0.028 * self._opening.unit)) * (above < 0.5)
        return 0.42 * near * smoothstep(to_shut / np.float32(0.02 * self._opening.unit)) * seen * min(1.0, 3 * closure)

    def uncovered(self, x: Array, y: Array) -> Array:
        """Return how much of each point of the face has nothing before it, float32 in [0, 1]."""
        left, top = self._front_origin
        return 1 - sample(self._front, x - np.float32(left), y - np.float32(top), outside="zero")


def _texture(
    around: Surroundings, front: Array, unit: float, outward: int, light: Light
) -> tuple[Array, Array, Array, Array]:
    """Grain, lash line and hairs of the lid on rows from far above its margin to the tips, and the lashes' colour."""
    columns = len(around.s)
    tips = int(np.ceil(LASH_LENGTH * 1.25 * unit))
    height = int(0.34 * unit) + tips + 1
    above = np.arange(height, dtype=np.float32)[::-1, None] - tips
    grain = _grain(around, front, height, unit)
    darkness, colour = _lash_strength(around, unit)
    centre = np.linspace(-WING, WING, columns, dtype=np.float32)[None]
    ends = np.clip(1 - (np.abs(centre) / 0.53) ** 6, 0, 1)
    thick = (0.010 + 0.005 * centre * outward) * unit
    core = np.exp(-((above / np.where(above > 0, 1.25 * thick, 0.9 * thick)) ** 2))
    line = np.asarray(core * darkness * ends, np.float32)
    hairs = _hairs(columns, height, tips, unit, outward, 0.6 * light.blur) * np.clip(1.35 * darkness - 0.3, 0, 1)
    return grain, line, hairs, colour


def _grain(around: Surroundings, front: Array, height: int, unit: float) -> Array:
    """Grain like that of the skin below the eye, float32 (height, columns, 3): as fine, as strong, as coloured.

    It is noise with the skin's own spectrum over all directions: a copy would repeat creases and the edges of bags.
    """
    skin = _even_grain(around, front, unit)
    shape = (max(height, 2), len(around.s))
    spectrum = np.sqrt((np.abs(np.fft.fft2(skin, axes=(0, 1))) ** 2).mean(axis=-1))
    fineness = np.minimum(_fineness(*skin.shape[:2]) * FREQUENCIES, FREQUENCIES - 1).astype(int)
    count = np.bincount(fineness.ravel(), minlength=FREQUENCIES)
    amplitude = np.bincount(fineness.ravel(), spectrum.ravel(), minlength=FREQUENCIES) / np.maximum(count, 1)
    bands = (np.flatnonzero(count) + 0.5) / FREQUENCIES
    shaping = np.interp(_fineness(*shape), bands, amplitude[count > 0])
    white = np.random.default_rng(7).standard_normal((*shape, 3))
    drawn = np.fft.ifft2(np.fft.fft2(white, axes=(0, 1)) * shaping[..., None], axes=(0, 1)).real
    # The strength of most of the skin: what creases add to the deviation is no grain.
    usual = 1.4826 * float(np.median(np.abs(skin))) / max(float(skin.std()), 1e-6)
    drawn *= min(usual, 1.0) / max(float(drawn.std()), 1e-6)
    variances, axes = np.linalg.eigh(np.cov(skin.reshape(-1, 3).T))
    return np.asarray(drawn * np.sqrt(np.maximum(variances, 0)) @ axes.T, np.float32)


def _even_grain(around: Surroundings, front: Array, unit: float) -> Array:
    """The fine structure of the skin below the eye, float32 (rows, columns, 3), with no place stronger than usual."""
    width = max(1.5, 0.018 * unit)
    fine = (around.pixels - gaussian_filter(around.pixels, (width, width, 0))) * (1 - front)[..., None]
    reach = np.arange(0.05 * unit, 0.21 * unit, dtype=np.float32)[:, None]
    columns = np.flatnonzero(np.abs(around.s) < 0.5 * around.opening.width)
    row = np.clip(around.lower[columns] + reach - around.rows[0], 0, len(around.rows) - 1)
    grain = sample(fine, np.broadcast_to(columns, row.shape).astype(np.float32), row)
    limit = 1.6 * 1.4826 * np.median(np.abs(grain)) + 1
    # The edge of a bag or of a shadow is no grain: strong places are brought down to the usual strength.
    strength = np.sqrt(gaussian_filter((grain**2).mean(axis=-1), 2 * width))
    even = np.minimum(1, (np.median(strength) + 0.3) / np.maximum(strength, 1e-3))[..., None]
    return np.clip(grain * even, -limit, limit)


def _fineness(rows: int, columns: int) -> Array:
    """The frequency of each place of a picture's Fourier transform, (rows, columns), 1 where pixels alternate."""
    return 2 * np.hypot(np.fft.fftfreq(rows)[:, None], np.fft.fftfreq(columns)[None])


def _lash_strength(around: Surroundings, unit: float) -> tuple[Array, Array]:
    """How dark the source's own lashes make the margin along the eye, (1, columns) in [0, 1], and their colour."""
    band = around.between(around.upper - 0.022 * unit, around.upper + 0.006 * unit)
    skin = around.between(around.upper - 0.09 * unit, around.upper - 0.05 * unit)
    bright = np.percentile(around.luma[skin], 70) if skin.any() else around.skin @ LUMA
    darkest = np.where(band, around.luma, 255).min(axis=0)
    contrast = 1 - median_filter(darkest, 5, mode="nearest") / max(float(bright), 1)
    darkness = np.clip(gaussian_filter1d(contrast, max(1.0, 0.012 * unit)), 0.28, 0.75)
    dark = band & (around.luma <= np.percentile(around.luma[band], 20)) if band.any() else band
    colour = np.median(around.pixels[dark], axis=0) if dark.any() else 0.3 * around.skin
    return darkness[None].astype(np.float32), np.minimum(colour, 0.5 * around.skin).astype(np.float32)


def _hairs(columns: int, height: int, tips: int, unit: float, outward: int, blur: float) -> Array:
    """Single lashes, drawn at four times the size: float32 (height, columns) in [0, 1]."""
    random = np.random.default_rng(11)
    scale = 4
    canvas = np.zeros((height * scale, columns * scale), np.uint8)
    base = (height - 1 - tips) * scale
    half = columns * scale / (2 * WING)
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
    return gaussian_filter(fine, max(0.5, blur)) * (0.8 - 0.6 * fade).astype(np.float32)
