"""13 cepstral coefficients and 26 log filter energies every 10 ms, as ``python_speech_features`` makes them."""

from __future__ import annotations

import functools

import numpy as np
import scipy.fft
from numpy.typing import NDArray

from lipsync_colab.types import Array

RATE = 16_000
WINDOW, STEP, TRANSFORM = 400, 160, 512
FILTERS, CEPSTRA = 26, 13
PRE_EMPHASIS = 0.97
LIFTER = 22
BLOCK = 2000
SMALLEST = np.finfo(np.float64).eps


def frame_count(samples: int) -> int:
    """Return how many windows cover a recording."""
    return 1 + max(0, -(-(samples - WINDOW) // STEP))


def spectral_features(samples: NDArray[np.float64]) -> Array:
    """Return the features of a recording.

    Args:
        samples: (N,), mono, 16 kHz.

    Returns:
        float32 (T, 39): 13 cepstra, the first replaced by the log energy, then 26 log filter energies.
    """
    count = frame_count(len(samples))
    result = np.empty((count, CEPSTRA + FILTERS), np.float32)
    for first in range(0, count, BLOCK):
        last = min(first + BLOCK, count)
        result[first:last] = _block(samples, first, last)
    return result


def _block(samples: NDArray[np.float64], first: int, last: int) -> NDArray[np.float64]:
    start, stop = first * STEP, (last - 1) * STEP + WINDOW
    before = samples[start - 1] if start else 0.0
    span = np.concatenate([[before], samples[start:stop]])
    emphasised = np.zeros(stop - start)
    emphasised[: len(span) - 1] = span[1:] - PRE_EMPHASIS * span[:-1]
    windows = np.lib.stride_tricks.sliding_window_view(emphasised, WINDOW)[::STEP]
    power = np.abs(scipy.fft.rfft(windows, TRANSFORM, axis=1)) ** 2 / TRANSFORM
    energy = np.log(_positive(power.sum(1)))
    bands = np.log(_positive(power @ filters().T))
    cepstra = scipy.fft.dct(bands, type=2, norm="ortho", axis=1)[:, :CEPSTRA]
    cepstra *= 1 + LIFTER / 2 * np.sin(np.pi * np.arange(CEPSTRA) / LIFTER)
    cepstra[:, 0] = energy
    return np.concatenate([cepstra, bands], axis=1)


def _positive(values: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.where(values == 0, SMALLEST, values)


@functools.cache
def filters() -> NDArray[np.float64]:
    """Triangles between whole transform bins, evenly spaced in mel from 0 to 8 kHz, float64 (26, 257)."""
    highest = 2595 * np.log10(1 + RATE / 2 / 700)
    hertz = 700 * (10 ** (np.linspace(0, highest, FILTERS + 2) / 2595) - 1)
    edges = np.floor((TRANSFORM + 1) * hertz / RATE)
    bins = np.arange(TRANSFORM // 2 + 1)
    bank = np.zeros((FILTERS, len(bins)))
    for index, (low, middle, high) in enumerate(zip(edges, edges[1:], edges[2:], strict=False)):
        rising, falling = (bins >= low) & (bins < middle), (bins >= middle) & (bins < high)
        bank[index, rising] = (bins[rising] - low) / (middle - low)
        bank[index, falling] = (high - bins[falling]) / (high - middle)
    return bank
