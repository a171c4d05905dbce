"""The thin-plate spline as a linear operator: computed once, then a matrix product per frame."""

from __future__ import annotations

import numpy as np
from scipy.spatial.distance import cdist

from lipsync_colab.engines.viseme.floats import Floats

STIFFNESS = 1e-3
"""Added to the diagonal: lets a control point give way a little instead of folding the plane."""


def _kernel(distance: Floats) -> Floats:
    return np.where(distance > 1e-9, distance**2 * np.log(np.maximum(distance, 1e-9)), 0)


def spline_operator(controls: Floats, points: Floats) -> Floats:
    """Return the matrix that turns displacements of control points into displacements of any points.

    Args:
        controls: float (N, 2), in units in which the face measures about 1.
        points: float (M, 2), in the same units.

    Returns:
        float64 (M, N). Thin-plate spline after Bookstein, "Principal Warps", 1989.
    """
    count = len(controls)
    system = np.zeros((count + 3, count + 3))
    system[:count, :count] = _kernel(cdist(controls, controls)) + STIFFNESS * np.eye(count)
    system[:count, count] = 1
    system[:count, count + 1 :] = controls
    system[count:, :count] = system[:count, count:].T
    weights = np.linalg.inv(system)[:, :count]
    basis = np.hstack([_kernel(cdist(points, controls)), np.ones((len(points), 1)), points])
    return basis @ weights
