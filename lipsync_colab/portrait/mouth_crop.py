"""The mouth and its surroundings out of a picture: what a person compares first."""

from __future__ import annotations

import numpy as np

from lipsync_colab.types import Face, Image

WIDTH, HEIGHT = 1.6, 1.1
"""Sides of the crop, in distances between the eyes: chin and both folds beside the mouth are in it."""


def mouth_crop(face: Face, image: Image) -> Image:
    """Return the mouth and its surroundings, uint8 (h, w, 3), cut off at the picture's border.

    Args:
        face: found in the picture, or in one of the same size.
        image: uint8 (H, W, 3).
    """
    x, y = face.points[3:].mean(axis=0)
    across, down = (face.eye_distance * side / 2 for side in (WIDTH, HEIGHT))
    height, width = image.shape[:2]
    top, bottom = int(max(0, y - down)), int(min(height, y + down))
    return np.ascontiguousarray(image[top:bottom, int(max(0, x - across)) : int(min(width, x + across))])
