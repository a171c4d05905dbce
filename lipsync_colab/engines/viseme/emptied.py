"""The still without what an open mouth shows: lips carried on over teeth and gap, so that none of it can be dragged."""

from __future__ import annotations

import cv2
import numpy as np

from lipsync_colab.engines.viseme import landmarks
from lipsync_colab.engines.viseme.facing import Facing
from lipsync_colab.engines.viseme.floats import Floats
from lipsync_colab.engines.viseme.light import LUMA
from lipsync_colab.types import Image, Portrait

MARGIN = 0.014
"""How far beyond the inner contours the lips' edge is unsure, in eye distances."""
SMALLEST_SIDE = 48
"""Pixels to which a large mouth is reduced to find the colours: they are smooth."""


def emptied(portrait: Portrait, facing: Facing, blur: float) -> Image:
    """Return a copy of the still whose mouth opening is filled with the colours of the lips around it.

    Args:
        portrait: the still.
        facing: of its face.
        blur: of the still's edges, standard deviation in pixels: about as far, the opening darkens the lips.
    """
    image = portrait.image.copy()
    outline = _outline(portrait.face.landmarks, facing)
    reach = int(np.ceil(0.1 * facing.unit))
    low = np.floor(outline.min(axis=0)).astype(int) - reach
    high = np.ceil(outline.max(axis=0)).astype(int) + reach + 1
    low, high = np.maximum(low, 0), np.minimum(high, portrait.size)
    part = image[low[1] : high[1], low[0] : high[0]]
    mask = np.zeros(part.shape[:2], np.uint8)
    cv2.fillPoly(mask, [np.round((outline - low) * 16).astype(np.int32)], 255, shift=4)
    mask |= _dark_corners(part, mask, facing)
    width = 2 * round(MARGIN * facing.unit + 0.5 * blur) + 1
    spread = cv2.dilate(mask, cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (width, width)))
    soft = cv2.GaussianBlur(spread, (0, 0), max(0.5, 0.004 * facing.unit))[..., None].astype(np.float32) / 255
    part[:] = np.rint(part + (_filled(part, spread) - part) * soft)
    return image


def _outline(marks: Floats, facing: Facing) -> Floats:
    """Return the inner contours as a polygon that reaches a little past the corners, where it is darkest."""
    contour = marks[list(landmarks.INNER_UPPER + landmarks.INNER_LOWER[-2:0:-1])].astype(np.float64)
    centre = contour.mean(axis=0)
    along = facing.axes[:2, 0] / np.linalg.norm(facing.axes[:2, 0])
    return contour + 0.06 * ((contour - centre) @ along)[:, None] * along


def _dark_corners(part: Image, mask: Floats, facing: Facing) -> Floats:
    """Return a mask, 0 or 255, of the shadows in the mouth's corners that join the opening."""
    brightness = part.astype(np.float32) @ LUMA
    around = cv2.GaussianBlur(brightness, (0, 0), 0.10 * facing.unit)
    width = 2 * round(0.07 * facing.unit) + 1
    near = cv2.dilate(mask, cv2.getStructuringElement(cv2.MORPH_RECT, (width, max(1, width // 3))))
    dark = ((brightness < 0.72 * around) & (near > 0)) | (mask > 0)
    _, labels = cv2.connectedComponents(dark.astype(np.uint8))
    return np.where(np.isin(labels, np.unique(labels[mask > 0])) & dark, 255, 0).astype(np.uint8)


def _filled(part: Image, mask: Floats) -> Floats:
    """Return float32 pixels with the masked ones continued from around (Telea, 2004), found at a small scale."""
    scale = min(1.0, SMALLEST_SIDE / min(part.shape[:2]))
    size = (max(1, round(part.shape[1] * scale)), max(1, round(part.shape[0] * scale)))
    small_mask = (cv2.resize(mask, size, interpolation=cv2.INTER_AREA) > 0).astype(np.uint8)
    small = cv2.inpaint(cv2.resize(part, size, interpolation=cv2.INTER_AREA), small_mask, 3, cv2.INPAINT_TELEA)
    return cv2.resize(small, part.shape[1::-1], interpolation=cv2.INTER_CUBIC).astype(np.float32)
