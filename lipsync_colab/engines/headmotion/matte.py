"""Which part of a drawn head goes into the picture: the person and a margin, fading out along the crop's border."""

from __future__ import annotations

import cv2
import numpy as np

from lipsync_colab.engines.headmotion.crop import HeadCrop
from lipsync_colab.types import Array, Face, Image

GRID = 128
"""The matte is found at this size; its edge is wider than a pixel there anyway."""
ROUNDS = 4
RIM = 0.09
BOTTOM_RIMS = (0.06, 0.25)
"""Width of the fade in crop sides. Below, where a neck that moved meets shoulders that did not, it is as long as the
chin leaves room for, between these two."""
MARGIN = 0.07
"""How far the head may move out of its own outline, in crop sides; beyond, the still's background stays."""
MARGIN_FADE = 0.07
HEAD_GROWTH = (1.25, 1.5)
"""The surely possible head: the mesh's box, widened and heightened about the chin for hair."""


def person(crop: Image, face: Array) -> Array:
    """Return which pixels belong to the person.

    Args:
        crop: uint8 (h, w, 3) RGB.
        face: (468 or more, 2) mesh in crop pixels.

    Returns:
        float32 (GRID, GRID), 0 or 1. Where the colours tell nothing apart, the shape of head and shoulders.
    """
    small = cv2.resize(crop, (GRID, GRID), interpolation=cv2.INTER_AREA)
    scale = GRID / crop.shape[0]
    outline = cv2.convexHull(((face[:468] + 0.5) * scale - 0.5).astype(np.float32))[:, 0]
    labels = _prior(outline)
    # The seed makes the colour clusters, and so the video, the same on every run.
    cv2.setRNGSeed(0)
    blank, nowhere = np.zeros((1, 65)), (0, 0, 1, 1)
    picture = np.ascontiguousarray(small[..., ::-1])
    cv2.grabCut(picture, labels, nowhere, blank.copy(), blank, ROUNDS, cv2.GC_INIT_WITH_MASK)
    return np.isin(labels, (cv2.GC_FGD, cv2.GC_PR_FGD)).astype(np.float32)


def _prior(outline: Array) -> np.ndarray:
    """What is known before the colours are looked at: the face, probably head and shoulders, surely not the corners."""
    labels = np.full((GRID, GRID), cv2.GC_PR_BGD, np.uint8)
    low, high = outline.min(0), outline.max(0)
    width, height = high - low
    middle = (low + high) / 2
    centre = (int(middle[0]), int(high[1] - height * HEAD_GROWTH[1] / 2))
    axes = (int(width * HEAD_GROWTH[0] / 2), int(height * HEAD_GROWTH[1] / 2))
    cv2.ellipse(labels, centre, axes, 0, 0, 360, (cv2.GC_PR_FGD,), -1)
    shoulders = [
        (middle[0] - width * 0.3, high[1] - height * 0.2),
        (middle[0] + width * 0.3, high[1] - height * 0.2),
        (middle[0] + width * 1.1, GRID),
        (middle[0] - width * 1.1, GRID),
    ]
    cv2.fillPoly(labels, [np.array(shoulders, np.int32)], (cv2.GC_PR_FGD,))
    cv2.fillConvexPoly(labels, outline.astype(np.int32), (cv2.GC_FGD,))
    return labels


def smooth_step(value: Array) -> Array:
    """Return 0 below 0, 1 above 1, and a cubic with level ends between."""
    value = np.clip(value, 0, 1)
    return np.asarray(value * value * (3 - 2 * value), np.float32)


def border_fade(size: int, bottom: float) -> Array:
    """Return a mask (size, size) that is 0 in the outermost pixels and 1 inside the rims.

    Args:
        size: pixels.
        bottom: width of the lower rim in crop sides.
    """
    position = np.arange(size, dtype=np.float32)
    near, far = position / (RIM * size), size - 1 - position
    across = smooth_step(np.minimum(near, far / (RIM * size)))
    down = smooth_step(np.minimum(near, far / (bottom * size)))
    return np.minimum(down[:, None], across[None, :])


def head_mask(still: Image, face: Face, crop: HeadCrop, size: int) -> Array:
    """Return the mask of a patch of ``size`` pixels.

    Args:
        still: the picture, uint8 (H, W, 3) RGB.
        face: on the picture.
        crop: of the head on the picture.
        size: of the patch.

    Returns:
        float32 (size, size) in [0, 1], 0 at the border: 1 over face, hair and neck, falling off towards the
        background and, more slowly, towards the shoulders.
    """
    marks = crop.locate(face.landmarks, size)
    figure = person(crop.cut(still, size), marks)
    away = cv2.distanceTransform(1 - figure.astype(np.uint8), cv2.DIST_L2, cv2.DIST_MASK_PRECISE)
    reach = smooth_step((1 - (away / GRID - MARGIN) / MARGIN_FADE).astype(np.float32))
    reach = np.asarray(cv2.resize(reach, (size, size), interpolation=cv2.INTER_LINEAR), np.float32)
    room = 1 - float(marks[:468, 1].max()) / size
    fade = border_fade(size, float(np.clip(room, *BOTTOM_RIMS)))
    return (np.clip(reach, 0, 1) * fade).astype(np.float32)
