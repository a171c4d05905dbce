"""Where a face lies in the square that face restorers were trained on, and which part of the square is theirs."""

from __future__ import annotations

import cv2
import numpy as np

from lipsync_colab.finish.catalogue import FACE_SIZE
from lipsync_colab.types import Array, Face, Image

TEMPLATE = np.array(
    [
        [192.98138, 239.94708],
        [318.90277, 240.19360],
        [256.63416, 314.01935],
        [201.26117, 371.41043],
        [313.08905, 371.15118],
    ]
)
"""Eyes, nose tip and mouth corners of the mean FFHQ face at 512 × 512: what GFPGAN, RestoreFormer and CodeFormer
were trained on (facexlib's published values)."""
SOFT = 24
"""Width in template pixels over which the face mask falls to 0."""
MARGIN = 10
"""Template pixels at the square's border that are never used: restorers darken them."""


def similarity(source: Array, target: Array) -> Array:
    """Return the rotation, scale and shift that bring points nearest to others in the least-squares sense.

    Umeyama (1991) without reflection, in closed form: the same points give the same matrix to the last bit.

    Args:
        source: (N, 2).
        target: (N, 2).

    Returns:
        float64 (2, 3).
    """
    a, b = np.asarray(source, np.float64), np.asarray(target, np.float64)
    centred_a, centred_b = a - a.mean(axis=0), b - b.mean(axis=0)
    power = (centred_a**2).sum()
    cosine = (centred_a * centred_b).sum() / power
    sine = (centred_a[:, 0] * centred_b[:, 1] - centred_a[:, 1] * centred_b[:, 0]).sum() / power
    linear = np.array([[cosine, -sine], [sine, cosine]])
    return np.column_stack([linear, b.mean(axis=0) - linear @ a.mean(axis=0)])


def face_alignment(face: Face) -> Array:
    """Return float64 (2, 3): still pixels to template pixels (512 × 512)."""
    return similarity(face.points, TEMPLATE)


def inverse(transform: Array) -> Array:
    """Return the inverse of an affine transform, float64 (2, 3)."""
    linear = np.linalg.inv(np.asarray(transform, np.float64)[:, :2])
    return np.column_stack([linear, -linear @ np.asarray(transform, np.float64)[:, 2]])


def compose(outer: Array, inner: Array) -> Array:
    """Return the affine transform that applies ``inner`` first, float64 (2, 3)."""
    a, b = np.asarray(outer, np.float64), np.asarray(inner, np.float64)
    return np.column_stack([a[:, :2] @ b[:, :2], a[:, :2] @ b[:, 2] + a[:, 2]])


def scale_of(transform: Array) -> float:
    """Return how many target pixels one source pixel becomes, along one side."""
    return float(np.sqrt(abs(np.linalg.det(np.asarray(transform, np.float64)[:, :2]))))


def face_mask(face: Face, alignment: Array) -> Array:
    """Return where in the template the face is: 1 on the skin, 0 from the landmarks' hull outwards.

    The mask falls *inside* the hull, so hair, ears and background stay as they were.

    Args:
        face: with its landmarks on the still.
        alignment: still to template.

    Returns:
        float32 (512, 512) in [0, 1], 0 within ``MARGIN`` pixels of the border.
    """
    marks = face.landmarks[:468] @ np.asarray(alignment)[:, :2].T + np.asarray(alignment)[:, 2]
    canvas = np.zeros((FACE_SIZE, FACE_SIZE), np.uint8)
    cv2.fillConvexPoly(canvas, cv2.convexHull(np.round(marks).astype(np.int32)), 1)
    return soft_inside(canvas, SOFT)


def soft_inside(area: Array | Image, width: float) -> Array:
    """Return a mask that rises from 0 at an area's edge to 1 ``width`` pixels inside it.

    Args:
        area: (512, 512), not 0 inside.
        width: pixels.

    Returns:
        float32 in [0, 1], a smooth step, 0 within ``MARGIN`` pixels of the picture's border.
    """
    bounded = np.zeros(area.shape, np.uint8)
    inner = slice(MARGIN, -MARGIN)
    bounded[inner, inner] = np.asarray(area)[inner, inner] != 0
    depth = cv2.distanceTransform(bounded, cv2.DIST_L2, 5)
    share = np.clip((depth - 0.5) / width, 0, 1)
    return (share * share * (3 - 2 * share)).astype(np.float32)
