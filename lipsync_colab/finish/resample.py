"""Plain resampling of pictures, and the upscaler that is nothing else."""

from __future__ import annotations

import cv2
import numpy as np

from lipsync_colab.types import Image


def resize(image: Image, size: tuple[int, int]) -> Image:
    """Return the picture at ``size`` (w, h): by area when it shrinks, by Lanczos when it grows."""
    if (image.shape[1], image.shape[0]) == size:
        return image
    shrinks = size[0] <= image.shape[1] and size[1] <= image.shape[0]
    resized = cv2.resize(image, size, interpolation=cv2.INTER_AREA if shrinks else cv2.INTER_LANCZOS4)
    return np.asarray(resized, np.uint8)


def size_times(image: Image, scale: float) -> tuple[int, int]:
    """Return ``(w, h)`` of the picture ``scale`` times as large, in whole pixels."""
    return max(1, round(image.shape[1] * scale)), max(1, round(image.shape[0] * scale))


class LanczosUpscaler:
    """Plain resampling: what ``--upscale none`` does."""

    def __call__(self, image: Image, scale: float) -> Image:
        """Return the picture ``scale`` times as large."""
        return resize(image, size_times(image, scale))
