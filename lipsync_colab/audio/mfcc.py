"""Mel-frequency cepstra as SyncNet hears them (the defaults of python_speech_features 0.6)."""

from __future__ import annotations

import functools

import numpy as np
import scipy.fft
from numpy.typing import NDArray

from lipsync_colab.types import Array

RATE = 16_000
WINDOW = 400
HOP = 160
TRANSFORM = 512
FILTERS = 26
CEPSTRA = 13
PRE_EMPHASIS = 0.97
LIFTER = 22
FULL_SCALE = 32_768.0
"""Samples are counted as 16-bit integers: the first coefficient is the logarithm of the energy."""
BLOCK = 2000
_SMALLEST = np.finfo(np.float64).eps


def mfcc(samples: Array) -> Array:
    """Return the cepstra of a recording.

    Args:
        samples: float32 (N,), mono, 16 kHz, in [-1, 1].

    Returns:
        float32 (13, n): 100 columns per second, column k over samples 160 k to 160 k + 399, silence after the end.
        Row 0 is the logarithm of the energy.
    """
    count = 1 + max(0, -(-(len(samples) - WINDOW) // HOP))
    result = np.empty((CEPSTRA, count), np.float32)
    for first in range(0, count, BLOCK):
        last = min(first + BLOCK, count)
        result[:, first:last] = _columns(samples, first, last).T
    return result


def _columns(samples: Array, first: int, last: int) -> NDArray[np.float64]:
    """Return columns ``first`` to ``last - 1``, float64 (n, 13)."""
    start, stop = first * HOP, (last - 1) * HOP + WINDOW
    before = samples[start - 1] if start else 0.0
    span = np.concatenate([[before], samples[start:stop]]).astype(np.float64) * FULL_SCALE
    emphasised = np.zeros(stop - start)
    emphasised[: len(span) - 1] = span[1:] - PRE_EMPHASIS * span[:-1]
    windows = np.lib.stride_tricks.sliding_window_view(emphasised, WINDOW)[::HOP]
    power = np.abs(scipy.fft.rfft(windows, TRANSFORM, axis=1)) ** 2 / TRANSFORM
    bands = np.maximum(power @ triangles().T, _SMALLEST)
    cepstra = scipy.fft.dct(np.log(bands), type=2, axis=1, norm="ortho")[:, :CEPSTRA]
    cepstra *= 1 + LIFTER / 2 * np.sin(np.pi * np.arange(CEPSTRA) / LIFTER)
    cepstra[:, 0] = np.log(np.maximum(power.sum(axis=1), _SMALLEST))
    return cepstra


@functools.cache
def triangles() -> NDArray[np.float64]:
    """Triangular filters between whole bins of the transform, evenly spaced in mel, float64 (26, 257)."""
    top = 2595 * np.log10(1 + RATE / 2 / 700)
    hertz = 700 * (10 ** (np.linspace(0, top, FILTERS + 2) / 2595) - 1)
    edges = np.floor((TRANSFORM + 1) * hertz / RATE)[:, None]
    bins = np.arange(TRANSFORM // 2 + 1)
    rising = (bins - edges[:-2]) / (edges[1:-1] - edges[:-2])
    falling = (edges[2:] - bins) / (edges[2:] - edges[1:-1])
    return np.maximum(0, np.minimum(rising, falling))
