"""BlazeFace's outputs decoded: anchors, boxes with six key points, and their merging.

The constants are those of MediaPipe's short-range face detector graph (Apache-2.0).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from lipsync_colab.portrait.search import overlap
from lipsync_colab.types import Array

SIDE = 128
"""Pixels a side of the detector's input."""
LAYERS = ((16, 2), (8, 6))
"""Cells a side of each feature map, and anchors in each cell (three maps of 8 × 8 with two each are one with six)."""
POINTS = 6
"""Right eye, left eye, nose tip, mouth, right ear, left ear (of the person, not of the picture)."""
LEAST_SCORE = 0.5
SAME_FACE = 0.5
"""Boxes that overlap by more are averaged into one."""
CLIP = 100.0
"""Largest logit, so that the exponential stays finite."""


@dataclass(frozen=True, eq=False)
class Detection:
    """One face seen by the detector.

    Attributes:
        box: ``(left, top, right, bottom)`` in units of the square input, 0 to 1.
        points: float32 (6, 2) in the same units.
        score: in [0, 1].
    """

    box: tuple[float, float, float, float]
    points: Array
    score: float


def anchors() -> Array:
    """Return the 896 anchor centres, float32 (896, 2), in units of the input."""
    centres = []
    for cells, repeats in LAYERS:
        line = (np.arange(cells) + 0.5) / cells
        grid = np.stack(np.meshgrid(line, line), axis=-1).reshape(-1, 2)
        centres.append(np.repeat(grid, repeats, axis=0))
    return np.concatenate(centres).astype(np.float32)


def decode(regressors: Array, logits: Array, centres: Array) -> list[Detection]:
    """Turn raw outputs into faces, best first.

    Args:
        regressors: float32 (896, 16): centre, size, then six points, relative to the anchors, in input pixels.
        logits: float32 (896,).
        centres: from :func:`anchors`.
    """
    scores = 1 / (1 + np.exp(-np.clip(logits.astype(np.float64), -CLIP, CLIP)))
    chosen = np.flatnonzero(scores >= LEAST_SCORE)
    chosen = chosen[np.argsort(-scores[chosen], kind="stable")]
    values = regressors[chosen].reshape(-1, 2 + POINTS, 2) / SIDE
    middle, size = values[:, 0] + centres[chosen], values[:, 1]
    points = values[:, 2:] + centres[chosen][:, None]
    rows = np.concatenate([middle - size / 2, middle + size / 2, points.reshape(-1, 2 * POINTS)], axis=1)
    return _merged(rows, scores[chosen].astype(np.float32))


def _merged(rows: Array, scores: Array) -> list[Detection]:
    """Average what overlaps the best remaining box, weighted by score."""
    found = []
    left = list(range(len(rows)))
    while left:
        best = left[0]
        group = [row for row in left if overlap(tuple(rows[row, :4]), tuple(rows[best, :4])) > SAME_FACE] or [best]
        mean = np.average(rows[group], axis=0, weights=scores[group])
        box = (float(mean[0]), float(mean[1]), float(mean[2]), float(mean[3]))
        found.append(Detection(box, mean[4:].reshape(-1, 2).astype(np.float32), float(scores[best])))
        left = [row for row in left if row not in group]
    return found
