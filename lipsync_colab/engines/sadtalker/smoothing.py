"""Head poses without the jumps between the chunks that they are drawn in."""

from __future__ import annotations

import numpy as np
from scipy.signal import savgol_filter

from lipsync_colab.types import Array

WINDOW = 13
ORDER = 2


def smooth_pose(pose: Array) -> Array:
    """Return poses smoothed over half a second (Savitzky and Golay, order 2).

    Args:
        pose: float32 (T, 6) at 25 frames per second. Short clips have a shorter window, and one or two frames are
            left as they are.
    """
    window = min(WINDOW, 2 * ((len(pose) - 1) // 2) + 1)
    if window <= ORDER:
        return pose
    return np.asarray(savgol_filter(pose, window, ORDER, axis=0), np.float32)
