"""The skin, hair and rims round one eye, laid straight to be measured."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter, gaussian_filter1d

from lipsync_colab.engines.viseme.eye_opening import SAMPLES, EyeOpening
from lipsync_colab.engines.viseme.floats import Floats
from lipsync_colab.engines.viseme.light import LUMA
from lipsync_colab.engines.viseme.ramp import smoothstep
from lipsync_colab.engines.viseme.sampling import sample
from lipsync_colab.types import Array, Image


class Surroundings:
    """The picture round an eye, straightened: rows along t, columns along s, one pixel apart.

    Args:
        image: uint8 (H, W, 3) RGB.
        opening: of the eye.
        s: float32 (columns,), places along the eye in pixels.
        rows: float32 (rows,), places across it.

    Attributes:
        pixels: float32 (rows, columns, 3).
        luma: float32 (rows, columns).
        skin: float32 (3,), the colour below the eye.
        upper: float32 (columns,), t of the upper lid's margin.
        lower: of the lower lid's.
        brow: of the brow's lower edge.
    """

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
