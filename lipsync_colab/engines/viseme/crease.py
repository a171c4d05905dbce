"""The fold over an open eye, which leaves a fine crease on the lid that is drawn from under it."""

from __future__ import annotations

import numpy as np
from scipy.ndimage import gaussian_filter, gaussian_filter1d

from lipsync_colab.engines.viseme.eye_surroundings import Surroundings
from lipsync_colab.engines.viseme.ramp import smoothstep
from lipsync_colab.types import Array

NEAREST, FURTHEST = 0.040, 0.14
"""Eye distances above the open margin between which a fold is looked for: lashes lie below, the brow above."""
WIDTH = 0.030
"""Eye distances from the fold's floor to the skin that it is compared with."""
FAINTEST = 0.05
"""Depth, as a share of the brightness beside it, that three quarters of a fold have at least."""
ROUGHEST = 0.25
"""Mean bend of a fold from a column to the next, in pixels: flecks and strokes are not in line."""
DEEPEST = 0.40
LEFT = 0.8
"""Of the fold's depth when the eye is shut: the skin is stretched, not smooth."""
BEND = 0.033
"""What a step up or down costs a path, in depths."""
THIN = 0.007  # eye distances, standard deviation


def crease(around: Surroundings, front: Array, blur: float) -> Array:
    """Return by what share the fold darkens a shut lid, float32 (rows, columns), all 0 where the source shows none.

    Behind glasses none is looked for: a rim would be taken for it.

    Args:
        around: the eye's surroundings.
        front: of what stands before the skin.
        blur: of the picture, in pixels.
    """
    unit = around.opening.unit
    offsets = np.arange(-FURTHEST * unit, -NEAREST * unit, dtype=np.float32)
    depth = _depth(around, front, offsets)
    path = _deepest_path(depth)
    found = depth[path, np.arange(len(path))]
    middle = np.abs(around.s) < 0.35 * around.opening.width
    bend = float(np.abs(np.diff(path[middle], 2)).mean())
    if around.rims or bend > ROUGHEST or float(np.quantile(found[middle], 0.25)) < FAINTEST:
        return np.zeros_like(around.luma)
    place = around.upper + gaussian_filter1d(offsets[path], 0.02 * unit)
    # It runs out towards the corners, where the socket's shade takes its place.
    ends = smoothstep((0.56 - np.abs(around.s) / around.opening.width) / 0.20)
    share = LEFT * gaussian_filter1d(np.clip(found, 0, DEEPEST), 0.05 * unit) * ends
    width = np.hypot(THIN * unit, blur)
    away = around.rows[:, None] - place
    return np.asarray(share * np.exp(-((away / np.where(away < 0, 1.6 * width, width)) ** 2) / 2), np.float32)


def _depth(around: Surroundings, front: Array, offsets: Array) -> Array:
    """Return how much darker than above and below it the skin is at some distances above the margin.

    Args:
        around: the eye's surroundings.
        front: of what stands before the skin.
        offsets: (n,) in pixels from the upper margin, negative.

    Returns:
        float32 (n, columns), shares of the brightness.
    """
    unit = around.opening.unit
    luma = gaussian_filter(around.luma, (max(0.5, 0.006 * unit), 0.018 * unit))
    rows = around.upper + offsets[:, None] - around.rows[0]
    columns = np.broadcast_to(np.arange(rows.shape[1]), rows.shape)

    def at(shift: float) -> Array:
        index = np.clip(np.rint(rows + shift), 0, len(luma) - 1).astype(int)
        return luma[index, columns]

    here, beside = at(0), np.minimum(at(-WIDTH * unit), at(WIDTH * unit))
    hidden = front[np.clip(np.rint(rows), 0, len(luma) - 1).astype(int), columns]
    return np.asarray(np.maximum(1 - here / np.maximum(beside, 1), 0) * (1 - hidden), np.float32)


def _deepest_path(depth: Array) -> np.ndarray:
    """Return the row at each column of the line along which the depth's sum is greatest, int (columns,).

    From a column to the next it goes at most one row up or down, at a price.
    """
    sums, steps = depth[:, 0].copy(), np.zeros(depth.shape, np.int8)
    reached = np.full((3, len(sums)), -np.inf, np.float32)
    places = np.arange(len(sums))
    for column in range(1, depth.shape[1]):
        reached[0, 1:], reached[1], reached[2, :-1] = sums[:-1] - BEND, sums, sums[1:] - BEND
        best = reached.argmax(axis=0)
        steps[:, column] = best - 1
        sums = depth[:, column] + reached[best, places]
    path = np.empty(depth.shape[1], int)
    path[-1] = int(sums.argmax())
    for column in range(len(path) - 1, 0, -1):
        path[column - 1] = path[column] + steps[path[column], column]
    return path
