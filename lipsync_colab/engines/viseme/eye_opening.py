"""Where one eye is: its own axes, its lids and its brow as curves along it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.ndimage import gaussian_filter1d

from lipsync_colab.engines.viseme.light import LUMA
from lipsync_colab.engines.viseme.sampling import along, sample
from lipsync_colab.types import Array, Face, Image

UPPER = (
    (33, 246, 161, 160, 159, 158, 157, 173, 133),
    (362, 398, 384, 385, 386, 387, 388, 466, 263),
)
LOWER = (
    (33, 7, 163, 144, 145, 153, 154, 155, 133),
    (362, 382, 381, 380, 374, 373, 390, 249, 263),
)
"""The lids' margins from the picture's left to its right, the picture's left eye first."""
BROW_LOW = ((46, 53, 52, 65, 55), (285, 295, 282, 283, 276))
BROW_HIGH = ((70, 63, 105, 66, 107), (336, 296, 334, 293, 300))
IRIS = (468, 473)

SAMPLES = 96
REACH = 0.62  # the curves run this far from the middle, in widths of the eye
LEAST_OPENING = 0.035  # eye distances
LEAST_CONTRAST = 0.07
"""Standard deviation of the brightness between the lids over the cheek's: 0.2 to 0.7 on open eyes, about 0.01 on dark
lenses."""
LOWER_RISE = 0.12  # the part of the opening that the lower lid closes


@dataclass(frozen=True, eq=False)
class EyeOpening:
    """One eye in its own frame: ``s`` along the corners' line, ``t`` downwards, in pixels from the middle.

    Attributes:
        origin: float64 (2,), the middle of the corners in the picture.
        along: float64 (2,), unit vector from the left corner to the right one.
        width: distance of the corners in pixels.
        unit: distance of the eyes in pixels.
        outward: -1 when the temple lies to the left in the picture, 1 when to the right.
        upper: float32 (SAMPLES,), t of the upper lid's margin along s.
        lower: the same for the lower lid.
        brow: the same for the lower edge of the brow.
        brow_top: the same for its upper edge.
    """

    origin: Array
    along: Array
    width: float
    unit: float
    outward: int
    upper: Array
    lower: Array
    brow: Array
    brow_top: Array

    @classmethod
    def of(cls, face: Face, side: int) -> EyeOpening:
        """Measure an eye, 0 for the picture's left one and 1 for its right one."""
        marks = face.landmarks.astype(np.float64)
        upper = marks[list(UPPER[side])]
        origin, span = (upper[0] + upper[-1]) / 2, upper[-1] - upper[0]
        width = max(float(np.hypot(*span)), 1.0)
        direction = span / width
        unit = face.eye_distance
        places = np.linspace(-REACH, REACH, SAMPLES) * width

        def curve(indices: tuple[int, ...], smoothing: float) -> Array:
            offset = marks[list(indices)] - origin
            s, t = offset @ direction, offset @ np.array([-direction[1], direction[0]])
            order = np.argsort(s)
            return gaussian_filter1d(np.interp(places, s[order], t[order]), smoothing).astype(np.float32)

        margin, below = curve(UPPER[side], 1.5), curve(LOWER[side], 1.5)
        below = np.maximum(below, margin)
        brow = np.clip(curve(BROW_LOW[side], 5), margin - 0.36 * unit, margin - 0.10 * unit)
        top = np.minimum(curve(BROW_HIGH[side], 5), brow - 0.04 * unit)
        return cls(origin, direction, width, unit, (-1, 1)[side], margin, below, brow, top)

    def visible(self, image: Image) -> bool:
        """Tell whether an open eye is to be seen: not shut, and not behind a dark lens, a patch or hair.

        Between the lids an eye has white, iris and pupil: a spread of brightness that nothing else there has.
        """
        if float((self.lower - self.upper).max()) < LEAST_OPENING * self.unit:
            return False
        s = np.linspace(-0.3, 0.3, 32, dtype=np.float32)[None] * np.float32(self.width)
        upper, lower = (along(curve, self.position(s)) for curve in (self.upper, self.lower))
        share = np.linspace(0.1, 0.9, 9, dtype=np.float32)[:, None]
        eye, cheek = (
            sample(image, *self.picture(np.broadcast_to(s, t.shape), t)) @ LUMA
            for t in (upper + share * (lower - upper), lower + (0.35 + 0.2 * share) * np.float32(self.unit))
        )
        return float(eye.std()) > LEAST_CONTRAST * float(np.median(cheek))

    @property
    def rise(self) -> Array:
        """How far the lower lid comes up in a full blink, float32 (SAMPLES,) in pixels."""
        return LOWER_RISE * (self.lower - self.upper)

    @property
    def closed(self) -> Array:
        """t of the upper lid's margin when the eye is shut: just over the raised lower lid."""
        opening = np.clip((self.lower - self.upper) / (0.02 * self.unit), 0, 1)
        return self.lower - self.rise + 0.012 * self.unit * opening

    def local(self, x: Array, y: Array) -> tuple[Array, Array]:
        """Return picture coordinates as (s, t), float32."""
        a, b = (np.float32(value) for value in self.along)
        dx, dy = x - np.float32(self.origin[0]), y - np.float32(self.origin[1])
        return a * dx + b * dy, a * dy - b * dx

    def picture(self, s: Array, t: Array) -> tuple[Array, Array]:
        """Return (s, t) as picture coordinates, float32."""
        a, b = (np.float32(value) for value in self.along)
        x, y = self.origin[0] + a * s - b * t, self.origin[1] + b * s + a * t
        return x.astype(np.float32), y.astype(np.float32)

    def position(self, s: Array) -> Array:
        """Return s as a place in the curves, float32 in [0, SAMPLES - 1]."""
        place = (s / np.float32(self.width) + REACH) * ((SAMPLES - 1) / (2 * REACH))
        return np.clip(place, 0, SAMPLES - 1).astype(np.float32)
