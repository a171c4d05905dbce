"""Which stretch of sound each native frame hears."""

from __future__ import annotations

import numpy as np

from lipsync_colab.audio.mel import COLUMNS_PER_SECOND, MelSpectrogram
from lipsync_colab.engines.headmotion.track import NATIVE_FPS
from lipsync_colab.types import Array

COLUMNS = 16
"""Columns of one window: 0.2 s."""
FRAMES_BEFORE = 2


def window_start(frame: int) -> int:
    """Return the first mel column of a native frame; before the sound the division rounds towards zero."""
    return int(COLUMNS_PER_SECOND * (frame - FRAMES_BEFORE) / NATIVE_FPS)


class MelWindows:
    """The mel windows of a clip's native frames, computed when asked for."""

    def __init__(self, spectrogram: MelSpectrogram) -> None:
        self._mel = spectrogram

    def stack(self, first: int, count: int) -> Array:
        """Return consecutive windows, float32 (count, 1, 80, 16) in [-4, 4]; edge columns repeat beyond the ends."""
        starts = np.array([window_start(frame) for frame in range(first, first + count)])
        span = self._mel.window(int(starts[0]), int(starts[-1] - starts[0]) + COLUMNS)
        columns = (starts - starts[0])[:, None] + np.arange(COLUMNS)
        return np.ascontiguousarray(span[:, columns].transpose(1, 0, 2)[:, None])
