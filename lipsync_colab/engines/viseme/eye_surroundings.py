"""The skin, hair and rims round one eye, laid straight to be measured."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter

from lipsync_colab.engines.viseme.eye_opening import SAMPLES, EyeOpening
from lipsync_colab.engines.viseme.light import LUMA
from lipsync_colab.engines.viseme.ramp import smoothstep
from lipsync_colab.engines.viseme.sampling import sample
from lipsync_colab.types import Array, Image

FILLED_UNIT = 64
"""Pixels an eye distance at which the skin behind the eye is worked out: it is smooth."""
FILM_STEPS = 400
BROAD = 0.10
"""Eye distances beyond which what stands before the lid is no rim."""
LINER = 0.80
"""Brightness beside the skin's around, below which what joins the lashes goes with them."""


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

    def emptied(self, front: Array) -> tuple[Array, Array]:
        """Return what would be there without the eye, float32 (rows, columns, 3), and where it differs, in [0, 1].

        The eye, its lashes and its liner are filled with the colours around them as a soap film is with heights: no
        edge shows where it ends, and each side keeps its own light.

        Args:
            front: from :meth:`front`; its colours are not skin and do not run into the lid.
        """
        full = self.luma.shape[::-1]
        scale = min(1.0, FILLED_UNIT / self.opening.unit)
        size = (max(8, round(full[0] * scale)), max(8, round(full[1] * scale)))
        eye, shaded = self._eye(front)
        pixels = np.asarray(cv2.resize(self.pixels, size, interpolation=cv2.INTER_AREA), np.float32)
        # Rims are thin and hide the skin; a brow or a deep socket is broad, and the lid runs into its shade.
        width = 2 * round(BROAD * self.opening.unit / 2) + 1
        broad = cv2.morphologyEx(front, cv2.MORPH_OPEN, np.ones((width, width), np.uint8))
        unknown = cv2.resize(np.maximum(eye, (front - broad) * shaded), size, interpolation=cv2.INTER_AREA) > 0.05
        filled = cv2.resize(_film(pixels, unknown, self.skin), full, interpolation=cv2.INTER_CUBIC)
        cover = smoothstep(1.5 * gaussian_filter(eye, max(0.8, 0.014 * self.opening.unit)))
        # What goes on beyond the corners, a wing of liner, comes in again slowly.
        cover *= smoothstep((0.60 - np.abs(self.s) / self.opening.width) / 0.14)
        before = np.maximum(front - broad, gaussian_filter(broad, 0.035 * self.opening.unit))
        return np.asarray(filled, np.float32), (cover * (1 - before)).astype(np.float32)

    def _eye(self, front: Array) -> tuple[Array, Array]:
        """Masks, float32: the eye with lashes and what is dark and joins them (liner, the fold); all that is dark."""
        unit = self.opening.unit
        off = np.abs(self.s) / self.opening.width
        inside = smoothstep((0.56 - off) / 0.16).astype(np.float32)
        core = self.between(self.upper - 0.045 * unit * inside, self.lower + 0.025 * unit * inside) & (off < 0.55)
        known = (1 - core) * (1 - front)
        spread = 0.12 * unit
        usual = gaussian_filter(self.luma * known, spread) / np.maximum(gaussian_filter(known, spread), 1e-3)
        shaded = self.luma < LINER * usual
        near = self.between(self.upper - 0.10 * unit, self.lower + 0.045 * unit) & (front < 0.5)
        near &= self.s * self.opening.outward > -0.5 * self.opening.width  # the nose's shadow is no liner
        dark = core | (near & shaded)
        count, labels = cv2.connectedComponents(dark.astype(np.uint8), connectivity=8)
        kept = np.zeros(count, bool)
        kept[np.unique(labels[core])] = True
        kept[0] = False
        width = 2 * round(0.012 * unit) + 1
        eye = cv2.dilate(kept[labels].astype(np.float32), np.ones((width, width), np.uint8))
        return np.asarray(eye, np.float32), shaded.astype(np.float32)

    def front(self) -> Array:
        """Mask of what stands before the lid (rims of glasses, the brow), float32 (rows, columns) in [0, 1].

        It differs clearly from skin, lies outside the opening, and reaches further away than lashes do.
        """
        unit = self.opening.unit
        reference = float(self.skin @ LUMA)
        local = gaussian_filter(self.luma, 0.10 * unit)
        dark = np.minimum(local, reference) - self.luma > 0.24 * reference
        odd = dark | (self.luma - np.maximum(local, reference) > 0.24 * reference)
        beyond = np.abs(self.s) > 0.5 * self.opening.width
        clear = ~self.between(self.upper - 0.015 * unit, self.lower + 0.012 * unit) | beyond
        count, labels = cv2.connectedComponents((odd & clear).astype(np.uint8), connectivity=8)
        far = ~self.between(self.upper - 0.17 * unit, self.lower + 0.14 * unit)
        kept = np.zeros(count, bool)
        kept[np.unique(labels[far & odd])] = True
        kept[0] = False
        mask = gaussian_filter(kept[labels].astype(np.float32), max(0.8, 0.008 * unit))
        return smoothstep(mask * 1.6).astype(np.float32)

    def in_picture(self, mask: Array) -> tuple[Array, tuple[int, int]]:
        """Return a mask (rows, columns) as the picture has it, and the place there of its first pixel."""
        x, y = self._maps
        left, top = int(x.min()), int(y.min())
        columns, rows = np.meshgrid(np.arange(left, int(x.max()) + 2), np.arange(top, int(y.max()) + 2))
        s, t = self.opening.local(columns.astype(np.float32), rows.astype(np.float32))
        scale = (len(self.s) - 1) / (self.s[-1] - self.s[0])
        found = sample(mask.astype(np.float32), (s - self.s[0]) * scale, t - self.rows[0], outside="zero")
        return found, (left, top)


def _film(pixels: Array, unknown: NDArray[np.bool_], skin: Array) -> Array:
    """Return pixels (h, w, 3) with the unknown ones at the mean of their neighbours (Laplace's equation, by Jacobi).

    Args:
        pixels: float32.
        unknown: (h, w).
        skin: (3,), for where nothing at all is known.
    """
    kernel = np.array([[0, 1, 0], [1, 0, 1], [0, 1, 0]], np.float32) / 4
    hole = np.repeat(unknown[..., None], 3, axis=2)
    weight = np.float32(1) - unknown
    colours = gaussian_filter(pixels * weight[..., None], (8, 8, 0)) + 1e-3 * skin
    film = np.where(hole, colours / (gaussian_filter(weight, 8) + 1e-3)[..., None], pixels).astype(np.float32)
    for _ in range(FILM_STEPS):
        np.copyto(film, cv2.filter2D(film, -1, kernel, borderType=cv2.BORDER_REPLICATE), where=hole)
    return film
