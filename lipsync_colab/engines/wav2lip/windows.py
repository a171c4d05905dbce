"""Which stretch of sound each frame hears, at any frame rate and over the whole length."""

from __future__ import annotations

import math
from fractions import Fraction

import numpy as np

from lipsync_colab.audio.mel import BANDS, COLUMNS_PER_SECOND, LIMIT, MelSpectrogram
from lipsync_colab.errors import InputError
from lipsync_colab.types import Array

COLUMNS = 16
"""Columns of one window: 0.2 s."""
TRAINING_LAG = Fraction(1, 25)
"""Seconds. The release trained with windows that begin one 25 fps frame before the frame, and renders with windows
that begin at the frame: pass ``lag=0.04`` for mouths this much later, as in training."""
LARGEST_LAG = 1


class MelWindows:
    """The mel windows of a clip's frames, computed when asked for.

    Attributes:
        fps: frames per second.
        lag: seconds by which the mouth is later than in the release, whose windows begin at their frame's start.
            0, the default, is the release's alignment: frame i begins at column floor(80 i / fps).
    """

    def __init__(self, samples: Array, fps: Fraction, lag: Fraction = Fraction(0)) -> None:
        self._mel = MelSpectrogram(samples)
        self.fps = fps
        self.lag = lag

    def start(self, frame: int) -> int:
        """Return the first column of a frame's window; it may lie before the sound or beyond its end."""
        return math.floor((frame / self.fps - self.lag) * COLUMNS_PER_SECOND)

    def stack(self, first: int, count: int) -> Array:
        """Return consecutive frames' windows, float32 (count, 1, 80, 16); silence beyond either end."""
        starts = np.array([self.start(frame) for frame in range(first, first + count)])
        span = self._padded(int(starts[0]), int(starts[-1]) + COLUMNS)
        columns = (starts - starts[0])[:, None] + np.arange(COLUMNS)
        return np.ascontiguousarray(span[:, columns].transpose(1, 0, 2)[:, None])

    def _padded(self, start: int, stop: int) -> Array:
        low, high = np.clip((start, stop), 0, len(self._mel))
        result = np.full((BANDS, stop - start), -LIMIT, np.float32)
        result[:, low - start : high - start] = self._mel.columns(int(low), int(high))
        return result


def parse_lag(text: str) -> Fraction:
    """Return seconds from an option such as ``"0.04"`` or ``"-1/25"``; 0 for an empty text.

    Raises:
        InputError: no number, or more than a second.
    """
    try:
        lag = Fraction(text or 0)
    except (ValueError, ZeroDivisionError):
        lag = Fraction(LARGEST_LAG + 1)
    if abs(lag) > LARGEST_LAG:
        raise InputError(f"lag = {text!r}: give seconds from -1 to 1, such as 0.04 for mouths 40 ms later")
    return lag
