"""Brings the network's colours to the still's where the two meet (Reinhard et al., "Color Transfer between Images")."""

from __future__ import annotations

import cv2
import numpy as np

from lipsync_colab.types import Array, Image

CONTRAST = (0.8, 1.25)
"""Limits of the change of spread: beyond them the two differ in content, not in colour."""


class SeamMatch:
    """Mean and spread of Lab in the mask's feather, taken from the still once.

    Args:
        still: uint8 (h, w, 3) RGB: the still under the patch, at the patch's size.
        mask: float32 (h, w) in [0, 1].
    """

    def __init__(self, still: Image, mask: Array) -> None:
        weight = mask * (1 - mask)
        self._weight = (weight / max(float(weight.sum()), 1e-6))[..., None]
        self._mean, self._spread = self._statistics(_lab(still))

    def _statistics(self, lab: Array) -> tuple[Array, Array]:
        mean = (lab * self._weight).sum(axis=(0, 1))
        variance = ((lab - mean) ** 2 * self._weight).sum(axis=(0, 1))
        return mean, np.sqrt(variance)

    def apply(self, pixels: Image) -> Image:
        """Return the picture with the still's mean and spread in the feather.

        Args:
            pixels: uint8 (h, w, 3) RGB.
        """
        lab = _lab(pixels)
        mean, spread = self._statistics(lab)
        gain = np.clip(self._spread / np.maximum(spread, 1e-3), *CONTRAST)
        matched = ((lab - mean) * gain + self._mean).astype(np.float32)
        rgb = cv2.cvtColor(matched, cv2.COLOR_LAB2RGB)
        return np.clip(np.rint(rgb * 255), 0, 255).astype(np.uint8)


def _lab(image: Image) -> Array:
    """Return float32 CIE Lab (L 0 to 100)."""
    return np.asarray(cv2.cvtColor(image.astype(np.float32) / 255, cv2.COLOR_RGB2LAB), np.float32)
