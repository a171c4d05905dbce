"""The closed lid of one eye, made from the skin around it, drawn as far down as a blink has come."""

from __future__ import annotations

import cv2
import numpy as np
from scipy.ndimage import gaussian_filter1d

from lipsync_colab.engines.viseme.crease import crease
from lipsync_colab.engines.viseme.eye_opening import REACH, SAMPLES, EyeOpening
from lipsync_colab.engines.viseme.eye_surroundings import WING, Surroundings
from lipsync_colab.engines.viseme.lashes import LENGTH, Lashes
from lipsync_colab.engines.viseme.lid_grain import grain
from lipsync_colab.engines.viseme.light import Light
from lipsync_colab.engines.viseme.ramp import smoothstep
from lipsync_colab.engines.viseme.sampling import along, sample
from lipsync_colab.types import Array, Image

ABOVE, BELOW = 0.42, 0.90  # what of the picture around the eye is looked at, eye distances
FOLD = 0.095  # the lid turns over the ball from this far above the margin, eye distances
OVER_LASHES = 0.065  # how far above the open margin its lashes and its liner reach, eye distances
MEETING = 0.035  # eye distances between the lids at which they begin to meet
WET = (0.012, 0.040)  # the lower lid's wet edge reaches from the margin to here, eye distances
MEASURED = 0.8  # pixels of blur that the measuring of edges itself adds
BULGE = (1.0, 0.97, 1.07, 1.10, 1.04, 0.90)  # light on the ball under the lid, from the fold to the margin

LIGHT: Array = gaussian_filter1d(np.interp(np.linspace(0, 1, 32), np.linspace(0, 1, len(BULGE)), BULGE), 2.0).astype(
    np.float32
)


class Lid:
    """A painted upper lid.

    Its colour runs smoothly between the skin on all sides of the eye, with a crease where the source has its fold; its
    grain is the skin's below the eye; its lashes have the colour, the strength and the sharpness of the source's own.
    Glasses and brows in front of it are left as they are.

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
        skin, cover = around.emptied(front)
        blur = edge_blur(light, unit)
        skin *= 1 - crease(around, front, blur)[..., None] * light.shade
        self._skin = np.dstack([skin, cover]).astype(np.float32)
        self.box = self._extent(s, rows)
        self._first_row = float(rows[0])
        self._grain_light = np.float32(1 / max(float(around.skin[1]), 1.0))
        self._tips = int(np.ceil(LENGTH * 1.25 * unit))
        height = int(0.34 * unit) + self._tips + 1
        self._edge = np.float32(max(1.3, 2.2 * blur))
        lashes = Lashes.of(around, height, self._tips, blur)
        self._texture = np.dstack([grain(around, front, height), lashes.line, lashes.hairs])
        self._lash_colours = lashes.colours
        self._front, self._front_origin = around.in_picture(front)
        self._curves = np.stack([opening.upper, opening.closed, top, fade], -1).astype(np.float32)

    def _extent(self, s: Array, rows: Array) -> tuple[float, float, float, float]:
        """The box of the lid's skin over all closures, and of the lashes at its margin."""
        opening, skin = self._opening, self._skin[..., 3] > 0.002
        tips = 1.5 * LENGTH * opening.unit
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
        laid = self._laid(s, upper - t, closure)
        over = np.maximum(self._over(s, above), self._met(s, above, shut - margin, closure))
        cover = (skin[..., 3] * over * laid)[..., None]
        # Grain goes with the root of the light.
        fine = texture[..., :3] * cv2.sqrt(np.clip(skin[..., 1] * self._grain_light, 0, 1))[..., None]
        pixels = pixels + (skin[..., :3] * light[..., None] + fine - pixels) * cover
        lashes = texture[..., 3] * min(1.0, 8 * closure) + texture[..., 4] * closure**2
        lashes = (np.clip(lashes, 0, 0.92) * seen)[..., None]
        return pixels + (along(self._lash_colours, self._column(s)) - pixels) * lashes

    def _laid(self, s: Array, over_open: Array, closure: float) -> Array:
        """How far the skin of the lid is there, in [0, 1], at places so far over the open margin.

        The lashes' place is skin at once; the fold above them flattens as the lid is drawn from under it.
        """
        folded = smoothstep(over_open / np.float32(0.5 * OVER_LASHES * self._opening.unit) - 2)
        # At the corners lashes reach higher.
        folded *= smoothstep((0.5 - np.abs(s) / np.float32(self._opening.width)) / 0.12)
        at_once = min(1.0, 4 * closure)
        return at_once + (smoothstep(closure) - at_once) * folded

    def _over(self, s: Array, above: Array) -> Array:
        """1 over the margin and 0 below it.

        Beyond the corners nothing ends at the margin: what is left of a wing of liner runs out softly.
        """
        beyond = np.maximum(np.abs(s) - np.float32(0.5 * self._opening.width), 0)
        return smoothstep((above + 0.8 * beyond) / (self._edge + 0.8 * beyond) + 0.5)

    def _met(self, s: Array, above: Array, left: Array, closure: float) -> Array:
        """How far the lids have met, in [0, 1], where so many pixels are left between them.

        Under the lashes the lower lid's wet edge goes; at the corners all that the eye shows beyond its margins (the
        dark of the corner, liner) does.
        """
        unit = np.float32(self._opening.unit)
        met = smoothstep(1 - left / (MEETING * unit)) * float(smoothstep(1.5 * closure - 0.5))
        corner = smoothstep((np.abs(s) / np.float32(self._opening.width) - 0.32) / 0.16)
        edge = 1 - smoothstep((-above / unit - WET[0]) / (WET[1] - WET[0]))
        return met * np.maximum(corner, edge)

    def _column(self, s: Array) -> Array:
        """Place along the eye as a column of the straightened picture."""
        return (s / np.float32(self._opening.width) + WING) * ((self._texture.shape[1] - 1) / (2 * WING))

    def _textured(self, s: Array, above: Array) -> Array:
        """Grain (three channels), lash line and hairs at a place along the lid and above its margin."""
        across = self._column(s)
        down = len(self._texture) - 1 - np.float32(self._tips) - above
        planes = (self._texture[..., :4], self._texture[..., 4])
        return np.dstack([sample(plane, across, down, outside="zero") for plane in planes])

    def _shadow(self, above: Array, to_shut: Array, seen: Array, closure: float) -> Array:
        """The lid's shadow on the eyeball just below its margin: what gives it thickness."""
        near = np.exp(-np.maximum(-above, 0) / np.float32(0.028 * self._opening.unit)) * (above < 0.5 * self._edge)
        return 0.42 * near * smoothstep(to_shut / np.float32(0.02 * self._opening.unit)) * seen * min(1.0, 3 * closure)

    def uncovered(self, x: Array, y: Array) -> Array:
        """Return how much of each point of the face has nothing before it, float32 in [0, 1]."""
        left, top = self._front_origin
        return 1 - sample(self._front, x - np.float32(left), y - np.float32(top), outside="zero")


def edge_blur(light: Light, unit: float) -> float:
    """Return the blur of the picture's edges in pixels, without that of the slopes by which it was measured.

    Args:
        light: of the portrait.
        unit: distance of the eyes in pixels; shades of a small eye are no blurred edges.
    """
    return float(np.clip(np.sqrt(max(light.blur**2 - MEASURED**2, 0.0)), 0.4, 0.25 + 0.006 * max(unit, 25.0)))
