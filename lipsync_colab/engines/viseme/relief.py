"""How light on the skin changes when the lips are pushed forward and a smile goes: added to what is read."""

from __future__ import annotations

from collections.abc import Mapping

import cv2
import numpy as np

from lipsync_colab.engines.viseme import landmarks
from lipsync_colab.engines.viseme.area import Rectangle
from lipsync_colab.engines.viseme.facing import Facing
from lipsync_colab.engines.viseme.floats import Floats
from lipsync_colab.engines.viseme.light import LUMA, Light
from lipsync_colab.engines.viseme.lips import Lips
from lipsync_colab.engines.viseme.ramp import smoothstep
from lipsync_colab.types import Image, Portrait

CREASE, AROUND = 0.012, 0.08
"""Blurs, in eye distances, between which a crease differs from the skin around it."""
FOLD_REACH = 0.10
"""How far from the line of the nasolabial fold its crease is looked for, in eye distances."""
DRAWN = (0.3, 0.6)
"""Pixels that a crease's blur must have to be told from an edge of the nose: nothing up to the first, all from the
second."""
VISIBLE = 0.02
NO_CHANGE = 128
"""The byte that adds nothing."""


class Relief:
    """How the still is relit around the mouth.

    Args:
        portrait: gives the mesh.
        still: uint8 (H, W, 3) RGB, the picture to relight.
        facing: of the face.
        lips: of the face.
        light: of the portrait.

    Attributes:
        rectangle: what relighting can change.
    """

    def __init__(self, portrait: Portrait, still: Image, facing: Facing, lips: Lips, light: Light) -> None:
        self._smile = float(smoothstep(lips.parted / 0.05))
        marks = portrait.face.landmarks.astype(np.float64)
        every = np.concatenate([marks[list(fold)] for fold in landmarks.FOLDS] + [facing.picture(lips.source.lower)])
        reach = 0.25 * facing.unit
        low = np.maximum(np.floor(every.min(axis=0) - reach).astype(int), 0)
        high = np.minimum(np.ceil(every.max(axis=0) + reach).astype(int), portrait.size)
        self.rectangle: Rectangle = (int(low[0]), int(low[1]), int(high[0]), int(high[1]))
        part = still[low[1] : high[1], low[0] : high[0]].astype(np.float32)
        x, y = np.meshgrid(np.arange(low[0], high[0], dtype=np.float32), np.arange(low[1], high[1], dtype=np.float32))
        lines = [marks[list(line)] for line in landmarks.FOLDS] + _corner_creases(facing, lips)
        fold = _fold_change(part, [line - low for line in lines], facing.unit)
        gain = _pout_gain(*facing.plane(x, y), facing, lips)[..., None]
        pout = part * np.where(gain < 0, gain * light.shade, gain)
        self._fold, self._pout = (_as_bytes(change) for change in (fold, pout))

    def change(self, pose: Mapping[str, float]) -> np.ndarray | None:
        """Return what a pose's light adds to the still in ``rectangle``, or None for nothing.

        Returns:
            uint8 (h, w, 4): red, green and blue, each ``NO_CHANGE`` where nothing is added; the fourth channel only
            lets OpenCV read a pixel at once.
        """
        rounding = pose.get("round", 0.0)
        smiling = pose.get("smile", 0.0)
        relaxed = float(np.clip(0.35 * self._smile + (0.3 + 0.35 * self._smile) * rounding - 0.3 * smiling, 0, 1))
        if max(rounding, relaxed) < VISIBLE:
            return None
        return cv2.addWeighted(self._fold, relaxed, self._pout, rounding, NO_CHANGE * (1 - relaxed - rounding))


def _as_bytes(change: Floats) -> np.ndarray:
    """Return additions of -128 to 127, float (h, w, 3), as uint8 (h, w, 4) around ``NO_CHANGE``."""
    bytes_ = np.clip(np.rint(change) + NO_CHANGE, 0, 255).astype(np.uint8)
    return cv2.cvtColor(bytes_, cv2.COLOR_RGB2RGBA)


def _corner_creases(facing: Facing, lips: Lips) -> list[Floats]:
    """Return where a smile's dimples lie, (2, 2) each in the picture: from the corners of the mouth outwards and up."""
    creases = []
    for end, side in ((0, -1), (-1, 1)):
        corner = lips.source.outer_upper[end]
        steps = np.array([[0.03 * side, 0.0, 0.0], [0.14 * side, -0.07, 0.02]])
        creases.append(facing.picture(corner + steps))
    return creases


def _fold_change(part: Floats, lines: list[Floats], unit: float) -> Floats:
    """Return what to add, float32 (h, w, 3), when the nasolabial folds go flat: their shade goes, texture stays."""
    mask = np.zeros(part.shape[:2], np.uint8)
    for line in lines:
        cv2.polylines(mask, [np.round(line).astype(np.int32)], False, 1, 1)
    distance = np.minimum(cv2.distanceTransform(1 - mask, cv2.DIST_L2, 5), 1e6)
    near = smoothstep(1.6 - 1.6 * distance / (FOLD_REACH * unit))
    fine = cv2.GaussianBlur(part, (0, 0), CREASE * unit)
    around = cv2.GaussianBlur(part, (0, 0), AROUND * unit)
    darker = smoothstep(((around - fine) @ LUMA) / np.maximum(0.08 * (around @ LUMA), 1))
    drawn = smoothstep((CREASE * unit - DRAWN[0]) / (DRAWN[1] - DRAWN[0]))
    return (drawn * (around - fine) * (near * darker)[..., None]).astype(np.float32)


def _pout_gain(across: Floats, down: Floats, facing: Facing, lips: Lips) -> Floats:
    """Return by how much of itself each pixel brightens when the lips are pushed forward, float32 (h, w).

    Light comes from above: the lower lip catches it and shades the hollow below, the upper lip turns under.
    """
    contours = [facing.flatten(contour) for contour in _contours(lips)]
    upper_out, upper_in, lower_in, lower_out = (
        np.interp(across, contour[:, 0], contour[:, 1]).astype(np.float32) for contour in contours
    )
    half = lips.width / 2
    off = np.abs(across) / half
    beside = smoothstep((1.05 - off) / 0.45)
    lower = (down - lower_in) / np.maximum(lower_out - lower_in, 0.02)
    upper = (upper_in - down) / np.maximum(upper_in - upper_out, 0.02)
    gain = 0.12 * _ridge(lower, 0.50, 0.32) - 0.14 * _ridge(lower, 1.28, 0.30)
    gain += 0.07 * _ridge(upper, 1.15, 0.30) - 0.10 * _ridge(upper, 0.35, 0.35)
    corner = -0.10 * _ridge(off, 1.06, 0.16) * np.exp(-(((down - lips.seam) / 0.09) ** 2))
    return (gain * beside + corner).astype(np.float32)


def _contours(lips: Lips) -> tuple[Floats, Floats, Floats, Floats]:
    source = lips.source
    return source.outer_upper, source.inner_upper, source.inner_lower, source.outer_lower


def _ridge(values: Floats, centre: float, width: float) -> Floats:
    return np.exp(-(((values - centre) / width) ** 2))
