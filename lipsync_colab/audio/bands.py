"""Energies in mel bands, a hundred times a second: what the viseme network hears."""

from __future__ import annotations

import functools
from typing import cast

import numpy as np
import scipy.fft

from lipsync_colab.audio.mel import slaney_hertz, slaney_mel
from lipsync_colab.types import Array

RATE = 16_000
HOP = 160
WINDOW = 400
TRANSFORM = 512
FINE_BANDS = 80
"""Bands of the stored training data, fine enough to be stretched as if the speaker's throat were longer."""
BANDS = 40
"""Bands that the network hears."""
LOWEST, HIGHEST = 60.0, 7800.0
BLOCK = 2000
SMALLEST = 1e-10


def fine_energies(samples: Array, start: int, stop: int) -> Array:
    """Return energies in the fine bands, float32 (stop - start, 80), linear.

    Row k is centred on second (k + 0.5) / 100; beyond either end of the recording there is silence.

    Args:
        samples: float32 (N,), mono, 16 kHz; may be a memory map of hours.
        start: the first row.
        stop: one past the last row.
    """
    result = np.empty((stop - start, FINE_BANDS), np.float32)
    for first in range(start, stop, BLOCK):
        last = min(first + BLOCK, stop)
        result[first - start : last - start] = _power(samples, first, last) @ filters().T
    return result


def row_count(samples: Array) -> int:
    """Return how many rows a recording has; the last may reach beyond its end."""
    return -(-len(samples) // HOP)


@functools.cache
def pooling(warp: float = 1.0) -> Array:
    """Return the weights that make 40 bands of the fine ones, float32 (40, 80).

    Args:
        warp: 1.1 moves what lies at one band 10 % of the mel scale higher, as a shorter throat does.
    """
    centres = (2 * np.arange(BANDS) + 0.5) / warp
    distance = np.abs(np.arange(FINE_BANDS)[None] - centres[:, None])
    return np.maximum(0, 1 - distance / 2).astype(np.float32)


@functools.cache
def filters() -> Array:
    """Triangular filters of height 1, evenly spaced on Slaney's mel scale, float32 (80, 257)."""
    frequencies = np.arange(TRANSFORM // 2 + 1) * RATE / TRANSFORM
    edges = slaney_hertz(np.linspace(slaney_mel(LOWEST), slaney_mel(HIGHEST), FINE_BANDS + 2))
    # In the lowest bands, narrower than the transform's lines, a triangle must reach at least one line.
    width = np.maximum(np.diff(edges), RATE / TRANSFORM)
    centres = edges[1:-1, None]
    rising = (frequencies - centres) / width[:-1, None] + 1
    falling = (centres - frequencies) / width[1:, None] + 1
    return np.maximum(0, np.minimum(rising, falling)).astype(np.float32)


def _power(samples: Array, start: int, stop: int) -> Array:
    """Power spectra of rows ``start`` to ``stop - 1``, float32 (n, 257)."""
    first = start * HOP + HOP // 2 - WINDOW // 2
    last = (stop - 1) * HOP + HOP // 2 + WINDOW // 2
    inside = np.asarray(samples[max(first, 0) : max(last, 0)], np.float32)
    padded = np.pad(inside, (max(-first, 0), 0))
    padded = np.pad(padded, (0, max(last - first - len(padded), 0)))
    windows = np.lib.stride_tricks.sliding_window_view(padded, WINDOW)[::HOP]
    taper = np.hanning(WINDOW + 1)[:-1].astype(np.float32)
    spectrum = scipy.fft.rfft(windows * taper, TRANSFORM, axis=1)
    return cast(Array, spectrum.real**2 + spectrum.imag**2)
