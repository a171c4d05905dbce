"""How alike two pictures are."""

from __future__ import annotations

import cv2
import numpy as np

from lipsync_colab.types import Image

WINDOW = 1.5
"""Standard deviation of the Gaussian window (Wang et al. 2004)."""
STABILISERS = (0.01 * 255) ** 2, (0.03 * 255) ** 2


def decibels(first: Image, second: Image, where: np.ndarray) -> float:
    """Return the peak signal-to-noise ratio within a mask; 99 for equal pictures.

    Args:
        first: uint8 (H, W, 3).
        second: the same shape.
        where: bool (H, W).
    """
    error = ((first[where].astype(np.float64) - second[where]) ** 2).mean()
    return 99.0 if error == 0 else min(99.0, float(10 * np.log10(255**2 / error)))


def structure(first: Image, second: Image, where: np.ndarray) -> float:
    """Return the mean structural similarity (SSIM) of the luma within a mask, at most 1."""
    a, b = (cv2.cvtColor(picture, cv2.COLOR_RGB2GRAY).astype(np.float64) for picture in (first, second))

    def local(values: np.ndarray) -> np.ndarray:
        return cv2.GaussianBlur(values, (11, 11), WINDOW)

    mean_a, mean_b = local(a), local(b)
    spread_a, spread_b = local(a * a) - mean_a**2, local(b * b) - mean_b**2
    shared = local(a * b) - mean_a * mean_b
    first_term, second_term = STABILISERS
    top = (2 * mean_a * mean_b + first_term) * (2 * shared + second_term)
    bottom = (mean_a**2 + mean_b**2 + first_term) * (spread_a + spread_b + second_term)
    return float((top / bottom)[where].mean())
