"""Where coefficients put a face in the head crop: tells a restorer how the head has moved."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from lipsync_colab.engines.sadtalker.alignment import CROP, TEMPLATE
from lipsync_colab.engines.sadtalker.coefficients import MEASURED_SIZE, PLACE, POSE
from lipsync_colab.types import Array

FOCAL, DISTANCE = 1015.0, 10.0
"""Of the camera that the coefficients were fitted with (Deep3DFaceRecon), for crops of 224 pixels."""


def rotation(angles: NDArray[np.floating]) -> NDArray[np.float64]:
    """Return the rotation of Euler angles in radians, about x, then y, then z, float64 (3, 3)."""
    (sx, sy, sz), (cx, cy, cz) = np.sin(angles), np.cos(angles)
    about_x = np.array([[1, 0, 0], [0, cx, -sx], [0, sx, cx]])
    about_y = np.array([[cy, 0, sy], [0, 1, 0], [-sy, 0, cy]])
    about_z = np.array([[cz, -sz, 0], [sz, cz, 0], [0, 0, 1]])
    return np.asarray(about_z @ about_y @ about_x, np.float64)


def face_points(coefficients: Array, size: int) -> NDArray[np.float64]:
    """Return five points of the mean face under a pose, in pixels of the head crop, float64 (5, 2).

    The crop that the pose was measured in lies somewhere in the head crop; that shift is left out, so only
    differences between poses mean anything.

    Args:
        coefficients: (73,).
        size: side of the head crop in pixels.
    """
    pose = coefficients[POSE].astype(np.float64)
    points = TEMPLATE @ rotation(pose[:3]).T + pose[3:]
    depth = np.maximum(DISTANCE - points[:, 2], 1.0)
    seen = FOCAL * points[:, :2] / depth[:, None] * [1, -1] + CROP / 2
    return seen / float(coefficients[PLACE][0]) * (size / MEASURED_SIZE)
