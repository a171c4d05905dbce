"""Broad blurs at the price of narrow ones."""

from __future__ import annotations

import cv2
import numpy as np
from scipy.ndimage import gaussian_filter

from lipsync_colab.types import Array

FINE = 3.0
"""Standard deviation in pixels of a picture that is small enough for its blur."""


def blurred(values: Array, deviation: float) -> Array:
    """Return a picture under a Gaussian blur, worked out on a smaller one where that shows the same.

    Args:
        values: float32 (H, W) or (H, W, 3).
        deviation: in pixels.
    """
    height, width = values.shape[:2]
    size = max(2, round(width * min(1.0, FINE / deviation))), max(2, round(height * min(1.0, FINE / deviation)))
    if size == (width, height):
        return gaussian_filter(values, (deviation, deviation, 0)[: values.ndim])
    small = cv2.resize(np.asarray(values, np.float32), size, interpolation=cv2.INTER_AREA)
    across, down = deviation * size[0] / width, deviation * size[1] / height
    soft = gaussian_filter(small, (down, across, 0)[: values.ndim])
    return np.asarray(cv2.resize(soft, (width, height), interpolation=cv2.INTER_CUBIC), np.float32)
