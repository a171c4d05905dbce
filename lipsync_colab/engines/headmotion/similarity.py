"""How a head lies after a move: the turn, scale and shift that carry points onto others."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from lipsync_colab.types import Array


def similarity(before: NDArray[np.floating], after: NDArray[np.floating]) -> Array:
    """Return the similarity that carries points onto others best (least squares), float32 (2, 3).

    Args:
        before: (N, 2), not all in one place.
        after: (N, 2).
    """
    middle, target = before.mean(0), after.mean(0)
    from_middle, from_target = before - middle, after - target
    size = max(float((from_middle**2).sum()), 1e-12)
    cosine = (from_middle * from_target).sum() / size
    sine = (from_middle[:, 0] * from_target[:, 1] - from_middle[:, 1] * from_target[:, 0]).sum() / size
    turn = np.array([[cosine, -sine], [sine, cosine]])
    return np.column_stack([turn, target - turn @ middle]).astype(np.float32)


def carried(motion: Array, transform: Array) -> Array:
    """Return a motion of crop pixels as one of still pixels, float32 (2, 3).

    Args:
        motion: (2, 3), crop to crop.
        transform: (2, 3), crop to still.
    """
    onto = np.vstack([transform, [0, 0, 1]]).astype(np.float64)
    inner = np.vstack([motion, [0, 0, 1]]).astype(np.float64)
    return np.asarray((onto @ inner @ np.linalg.inv(onto))[:2], np.float32)
