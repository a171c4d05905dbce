"""A head pose drawn as a box of wires, which is how the keypoint network sees it."""

from __future__ import annotations

import cv2
import numpy as np

from lipsync_colab.types import Array

SIZE = 256
FOCAL, CENTRE = 233.333, 128.0
REAR, FRONT = (75.0, 0.0), (100.0, 100.0)
"""Half side and depth of the two squares."""
CORNERS = ((-1, -1), (-1, 1), (1, 1), (1, -1), (-1, -1))
STRUTS = ((1, 6), (2, 7), (3, 8))
LINE = 2

LOWEST = np.array([-0.639, -0.501, -0.47, -102.6, -32.5, 184.6], np.float32)
HIGHEST = np.array([0.411, 0.547, 0.433, 159.1, 116.5, 376.5], np.float32)
"""Of the training set: rotation vector in radians, then translation."""


def in_space(pose: Array) -> Array:
    """Return network poses (…, 6), about [-1, 1], as rotation vectors and translations."""
    return (pose + 1) / 2 * (HIGHEST - LOWEST) + LOWEST


def draw_box(pose: Array) -> Array:
    """Return the drawing of a pose, float32 (256, 256), lines at 255 on 0.

    Args:
        pose: (6,) rotation vector and translation, from :func:`in_space`.
    """
    points = [(x * side, y * side, depth) for side, depth in (REAR, FRONT) for x, y in CORNERS]
    camera = np.array([[FOCAL, 0, CENTRE], [0, FOCAL, CENTRE], [0, 0, 1]])
    rotation, translation = pose[:3].astype(np.float64), pose[3:].astype(np.float64)
    flat, _ = cv2.projectPoints(np.array(points), rotation, translation, camera, np.zeros((4, 1)))
    corners = flat.reshape(-1, 2).astype(np.int32)
    # OpenCV smooths lines on 8-bit pictures only; the network was trained on hard ones.
    image = np.zeros((SIZE, SIZE), np.float64)
    cv2.polylines(image, [corners], True, (255,), LINE, cv2.LINE_AA)
    for first, last in STRUTS:
        start, end = (tuple(int(value) for value in corners[index]) for index in (first, last))
        cv2.line(image, start, end, (255,), LINE, cv2.LINE_AA)
    return image.astype(np.float32)
