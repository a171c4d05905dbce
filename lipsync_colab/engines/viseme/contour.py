"""Lip contours moved from where the landmark model guesses them to the edges that the picture shows."""

from __future__ import annotations

import cv2
import numpy as np

from lipsync_colab.engines.viseme.facing import Facing
from lipsync_colab.engines.viseme.floats import Floats
from lipsync_colab.engines.viseme.light import LUMA
from lipsync_colab.types import Image

REACH = 0.022
"""How far a landmark may be wrong, in eye distances: 1.4 mm."""
OFFSETS, COLUMNS = 31, 41
DISTRUST = 1.0
"""What it costs to move by the whole reach, in standard deviations of the score."""
STIFFNESS = 40.0
"""What it costs neighbouring columns to move differently, per squared reach."""


def snap_seam(image: Image, facing: Facing, seam: Floats) -> Floats:
    """Return closed lips' line, (11, 3) in face coordinates, moved to the darkest line nearby."""
    band = _band(image, facing, seam)
    return _moved(seam, -(band @ LUMA))


def snap_outer(image: Image, facing: Facing, contour: Floats, upper: bool) -> Floats:
    """Return an outer contour, (11, 3) in face coordinates, moved to where skin turns into lip.

    Lips are redder than skin, and darker.
    """
    band = _band(image, facing, contour)
    total = band.sum(axis=-1) + 24
    lip = 3 * (band[..., 0] - band[..., 1]) / total - 0.35 * (band @ LUMA) / max(float((band @ LUMA).mean()), 8.0)
    lip = cv2.GaussianBlur(lip.astype(np.float32), (0, 0), sigmaX=1.0, sigmaY=2.0)
    return _moved(contour, np.gradient(lip, axis=0) * (1 if upper else -1))


def _band(image: Image, facing: Facing, contour: Floats) -> Floats:
    """Return the picture along a contour, float32 (OFFSETS, COLUMNS, 3), from above it to below it."""
    points = np.arange(len(contour))
    places = np.linspace(0, len(contour) - 1, COLUMNS)
    line = np.stack([np.interp(places, points, contour[:, axis]) for axis in range(3)], axis=1)
    shifts = np.linspace(-REACH, REACH, OFFSETS)[:, None, None] * np.array([0.0, 1.0, 0.0])
    where = facing.picture(line[None] + shifts).astype(np.float32)
    band = cv2.remap(image, where[..., 0], where[..., 1], cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    return cv2.GaussianBlur(band.astype(np.float32), (0, 0), sigmaX=1.2, sigmaY=0.8)


def _moved(contour: Floats, score: Floats) -> Floats:
    """Return the contour along the path of highest score, its ends where they are."""
    spread = float(score.std())
    if spread < 1e-6:
        return contour
    shifts = np.linspace(-1, 1, OFFSETS)
    free = np.sin(np.linspace(0, np.pi, COLUMNS)) ** 0.5
    cost = -(score - score.mean()) / spread * free + DISTRUST * shifts[:, None] ** 2 / np.maximum(free, 0.05)
    path = shifts[_cheapest_path(cost, STIFFNESS * (shifts[:, None] - shifts) ** 2)]
    kernel = np.array([1, 2, 3, 2, 1]) / 9
    smooth = np.convolve(np.pad(path, 2, mode="edge"), kernel, mode="valid")
    moved = contour.copy()
    moved[:, 1] += (
        REACH
        * smooth[np.linspace(0, COLUMNS - 1, len(contour)).round().astype(int)]
        * (np.arange(len(contour)) % (len(contour) - 1) > 0)
    )
    return moved


def _cheapest_path(cost: Floats, step: Floats) -> Floats:
    """Return one row per column (dynamic programming); ``step`` is the cost of going from row to row."""
    total = cost[:, 0]
    came_from = np.zeros(cost.shape, np.int64)
    for column in range(1, cost.shape[1]):
        reached = total[:, None] + step
        came_from[:, column] = reached.argmin(axis=0)
        total = reached.min(axis=0) + cost[:, column]
    path = [int(total.argmin())]
    for column in range(cost.shape[1] - 1, 0, -1):
        path.append(int(came_from[path[-1], column]))
    return np.array(path[::-1])
