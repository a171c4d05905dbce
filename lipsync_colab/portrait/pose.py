"""How the head is turned, from the face mesh alone, so that every landmark backend gives the same angles."""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np

from lipsync_colab.types import Array, Face

# Vertex, x, y, z (centimetres, y up, z towards the camera) and weight of the rigid points that MediaPipe's geometry
# pipeline fits the head with: geometry_pipeline_metadata_landmarks.binarypb in face_landmarker.task (Apache-2.0).
RIGID_POINTS = (
    (4, 0.000, -0.463, 7.587, 0.0709),
    (6, 0.000, 2.473, 5.789, 0.0321),
    (10, 0.000, 8.262, 4.482, 0.0084),
    (33, -4.446, 2.664, 3.173, 0.0587),
    (54, -6.279, 6.615, 1.426, 0.0077),
    (67, -3.524, 8.006, 3.729, 0.0091),
    (117, -5.259, 0.946, 2.974, 0.0098),
    (119, -3.301, 0.862, 3.873, 0.0146),
    (121, -1.821, 1.468, 4.224, 0.0186),
    (127, -7.743, 2.365, -2.005, 0.0052),
    (129, -1.786, -0.978, 4.850, 0.1206),
    (132, -7.271, -2.891, -2.252, 0.0056),
    (133, -1.856, 2.585, 3.758, 0.0533),
    (136, -5.085, -7.179, 0.715, 0.0669),
    (143, -6.408, 2.236, 1.561, 0.0148),
    (147, -6.235, -1.944, 1.664, 0.0143),
    (198, -1.247, 0.230, 5.681, 0.0255),
    (205, -3.833, -1.537, 4.138, 0.0473),
    (263, 4.446, 2.664, 3.173, 0.0587),
    (284, 6.279, 6.615, 1.426, 0.0077),
    (297, 3.524, 8.006, 3.729, 0.0091),
    (346, 5.259, 0.946, 2.974, 0.0098),
    (348, 3.301, 0.862, 3.873, 0.0146),
    (350, 1.821, 1.468, 4.224, 0.0186),
    (356, 7.743, 2.365, -2.005, 0.0052),
    (358, 1.786, -0.978, 4.850, 0.1206),
    (361, 7.271, -2.891, -2.252, 0.0056),
    (362, 1.856, 2.585, 3.758, 0.0533),
    (365, 5.085, -7.179, 0.715, 0.0669),
    (372, 6.408, 2.236, 1.561, 0.0148),
    (376, 6.235, -1.944, 1.664, 0.0143),
    (420, 1.247, 0.230, 5.681, 0.0255),
    (425, 3.833, -1.537, 4.138, 0.0473),
)


class HeadPose(NamedTuple):
    """Angles of a head in degrees; all 0 when it looks straight into the camera.

    Attributes:
        yaw: positive when the nose points to the picture's right.
        pitch: positive when the nose points up.
        roll: positive when the head leans clockwise in the picture (its right-hand eye lower).
    """

    yaw: float
    pitch: float
    roll: float


def head_rotation(face: Face) -> Array:
    """Fit the head's rotation to the mesh by weighted Procrustes.

    Args:
        face: the mesh in pixels, z towards the camera negative.

    Returns:
        float32 (3, 3): canonical head axes (x picture right, y up, z to the camera) → the same axes of the picture.
    """
    table = np.asarray(RIGID_POINTS, np.float64)
    weight = table[:, 4:] / table[:, 4].sum()
    target = face.mesh[table[:, 0].astype(int)].astype(np.float64) * (1, -1, -1)
    model = table[:, 1:4] - (weight * table[:, 1:4]).sum(axis=0)
    target = target - (weight * target).sum(axis=0)
    left, _, right = np.linalg.svd((weight * target).T @ model)
    mirror = np.diag([1, 1, np.sign(np.linalg.det(left @ right))])
    return (left @ mirror @ right).astype(np.float32)


def head_pose(face: Face) -> HeadPose:
    """Return how the head is turned, in degrees.

    Args:
        face: any detected face.
    """
    rotation = head_rotation(face).astype(np.float64)
    nose, across = rotation[:, 2], rotation[:, 0]
    yaw = math.atan2(nose[0], math.hypot(nose[1], nose[2]))
    if nose[2] < 0:
        yaw = math.copysign(math.pi, yaw) - yaw
    pitch = math.atan2(nose[1], abs(nose[2]))
    # Roll is what is left in the picture plane once the nose direction is undone.
    level = np.cross((0.0, 1.0, 0.0), nose)
    level /= max(float(np.linalg.norm(level)), 1e-9)
    roll = math.atan2(-float(np.dot(across, np.cross(nose, level))), float(np.dot(across, level)))
    return HeadPose(*(math.degrees(angle) for angle in (yaw, pitch, roll)))
