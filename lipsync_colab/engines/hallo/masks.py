"""Where the voice's attention acts: outside the face, on it, and on the lips, at the four sizes of the network."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from PIL import Image as Picture

from lipsync_colab.types import Array, Image

OUTLINE = (
    *(10, 338, 297, 332, 284, 251, 389, 356, 454, 323, 361, 288),
    *(397, 365, 379, 378, 400, 377, 152, 148, 176, 149, 150, 136),
    *(172, 58, 132, 93, 234, 127, 162, 21, 54, 103, 67, 109),
)
LIPS = (*(61, 185, 40, 39, 37, 0, 267, 269, 270, 409, 291), *(146, 91, 181, 84, 17, 314, 405, 321, 375))
"""Vertices of MediaPipe's mesh: the face's outline, and the outer border of the lips."""
FACE_GROWTH, LIP_GROWTH = 1.2, 2.0
"""How much the landmarks' box grows: the defaults of the release's command line."""
GRID = 64
FACE_BLUR, LIP_BLUR = 51, 31
"""Side on which masks are blurred, and the kernels there, in pixels (the release's)."""
LEVELS = (8, 16, 32, 64)
"""Head pixels for one position of the network's four resolutions."""


@dataclass(frozen=True, eq=False)
class RegionMasks:
    """What of the head belongs to which region.

    Attributes:
        face: uint8 (size, size, 3), 255 in the face's box: what the face locator sees.
        full: float32 in [0, 1], by level (side · side,): outside the face.
        skin: the same: the face without the lips.
        lips: the same: the lips.
    """

    face: Image
    full: tuple[Array, ...]
    skin: tuple[Array, ...]
    lips: tuple[Array, ...]

    @classmethod
    def of_marks(cls, marks: Array, size: int) -> RegionMasks:
        """Draw the regions of a face.

        Args:
            marks: (468 or more, 2) mesh in head pixels, pixel centres at integers.
            size: side of the head in pixels, a multiple of 64.
        """
        # The release counts pixels from their corners.
        corners = np.asarray(marks, np.float64) + 0.5
        face = _box(corners[list(OUTLINE)], size, FACE_GROWTH)
        around = _blurred(face, FACE_BLUR)
        lips = _blurred(_box(corners[list(LIPS)], size, LIP_GROWTH), LIP_BLUR)
        outside = ((1.0 - around / 255.0) * 255).astype(np.uint8)
        full, skin, mouth = (
            tuple(_shrunk(mask, size // level) for level in LEVELS)
            for mask in (outside, cv2.subtract(around, lips), lips)
        )
        return cls(np.repeat(face[..., None], 3, axis=2), full, skin, mouth)


def _box(points: np.ndarray, size: int, growth: float) -> np.ndarray:
    """Return 255 in the box round points that was enlarged about its middle and pushed into the picture."""
    mask = np.zeros((size, size), np.uint8)
    low, high = np.round(points.min(axis=0)), np.round(points.max(axis=0))
    middle, half = (low + high) // 2, ((high - low) * growth) // 2
    (left, right), (top, bottom) = (
        _inside(first, last, size) for first, last in zip(middle - half, middle + half, strict=True)
    )
    mask[top:bottom, left:right] = 255
    return mask


def _inside(first: float, last: float, size: int) -> tuple[int, int]:
    if first < 0:
        first, last = 0, last - first
    if last > size:
        # A box that is wider than the picture fills it; the release would leave a few columns of it.
        first, last = max(0, first - (last - size)), size
    return int(first), int(last)


def _blurred(mask: np.ndarray, kernel: int) -> np.ndarray:
    small = cv2.resize(mask, (GRID, GRID))
    blurred = cv2.GaussianBlur(small, (kernel, kernel), 0)
    return np.asarray(cv2.normalize(blurred, np.empty(0), 0, 255, cv2.NORM_MINMAX), np.uint8)


def _shrunk(mask: np.ndarray, side: int) -> Array:
    small = Picture.fromarray(mask).resize((side, side), Picture.Resampling.BILINEAR)
    return np.asarray(small, np.float32).reshape(-1) / np.float32(255)
