"""The log-mel spectrogram that Wav2Lip, SyncNet and SadTalker were trained on."""

from __future__ import annotations

import functools
from typing import cast

import numpy as np
import scipy.fft
from numpy.typing import NDArray

from lipsync_colab.types import Array

RATE = 16_000
WINDOW = 800
HOP = 200
COLUMNS_PER_SECOND = RATE // HOP
BANDS = 80
LOWEST, HIGHEST = 55.0, 7600.0
PRE_EMPHASIS = 0.97
SMALLEST = 1e-5
REFERENCE_DB = 20.0
FLOOR_DB = -100.0
LIMIT = 4.0
"""Values lie in [-4, 4]; silence is -4. All constants: the published Wav2Lip audio parameters."""
BLOCK = 2000


def log_mel(samples: Array, mirrored: bool = True) -> Array:
    """Return the whole spectrogram of a recording.

    Args:
        samples: float32 (N,), mono, 16 kHz.
        mirrored: see :class:`MelSpectrogram`.

    Returns:
        float32 (80, 1 + N // 200) in [-4, 4], 80 columns per second, column k centred on sample 200 k.
    """
    spectrogram = MelSpectrogram(samples, mirrored)
    return spectrogram.columns(0, len(spectrogram))


class MelSpectrogram:
    """Any columns of a recording's log-mel spectrogram, computed when asked for.

    Attributes:
        samples: float32 (N,), mono, 16 kHz; may be a memory map of hours.
        mirrored: what lies beyond either end: the sound mirrored (librosa before 0.10, which the networks were
            trained with) or silence (librosa since). Only the two outermost columns on each side differ.
    """

    def __init__(self, samples: Array, mirrored: bool = True) -> None:
        if samples.ndim != 1 or not len(samples):
            raise ValueError(f"samples must be a non-empty vector, not of shape {samples.shape}")
        self.samples = samples
        self.mirrored = mirrored

    def __len__(self) -> int:
        return 1 + len(self.samples) // HOP

    def columns(self, start: int, stop: int) -> Array:
        """Return columns ``start`` to ``stop - 1``, float32 (80, stop - start).

        Raises:
            IndexError: the span leaves the spectrogram.
        """
        if not 0 <= start <= stop <= len(self):
            raise IndexError(f"columns {start} to {stop} of {len(self)}")
        result = np.empty((BANDS, stop - start), np.float32)
        for first in range(start, stop, BLOCK):
            last = min(first + BLOCK, stop)
            result[:, first - start : last - start] = self._block(first, last)
        return result

    def window(self, start: int, count: int) -> Array:
        """Return ``count`` columns from ``start`` on, the edge columns repeated beyond either end."""
        wanted = np.clip(np.arange(start, start + count), 0, len(self) - 1)
        low, high = int(wanted[0]), int(wanted[-1]) + 1
        return self.columns(low, high)[:, wanted - low]

    def _block(self, start: int, stop: int) -> Array:
        first = start * HOP - WINDOW // 2
        emphasised = self._emphasised(first, (stop - 1) * HOP + WINDOW // 2)
        windows = np.lib.stride_tricks.sliding_window_view(emphasised, WINDOW)[::HOP]
        spectrum = np.abs(scipy.fft.rfft(windows * hann_window(), axis=1))
        mel = mel_filters() @ spectrum.T
        decibels = 20 * np.log10(np.maximum(mel, SMALLEST)) - REFERENCE_DB
        scaled = 2 * LIMIT * (decibels - FLOOR_DB) / -FLOOR_DB - LIMIT
        return cast(Array, np.clip(scaled, -LIMIT, LIMIT).astype(np.float32))

    def _emphasised(self, start: int, stop: int) -> NDArray[np.float64]:
        """Pre-emphasised samples ``start`` to ``stop - 1``, continued beyond both ends."""
        length = len(self.samples)
        wanted = np.arange(start, stop)
        period = max(2 * (length - 1), 1)
        index = wanted % period if self.mirrored else np.clip(wanted, 0, length - 1)
        index = np.where(index < length, index, period - index)
        low, high = int(index.min()), int(index.max()) + 1
        before = self.samples[low - 1] if low else 0.0
        span = np.concatenate([[before], self.samples[low:high]]).astype(np.float64)
        emphasised = (span[1:] - PRE_EMPHASIS * span[:-1])[index - low]
        return emphasised if self.mirrored else np.where((wanted >= 0) & (wanted < length), emphasised, 0.0)


@functools.cache
def hann_window() -> NDArray[np.float64]:
    """The periodic Hann window, float64 (800,)."""
    return 0.5 - 0.5 * np.cos(2 * np.pi * np.arange(WINDOW) / WINDOW)


@functools.cache
def mel_filters() -> NDArray[np.float64]:
    """Triangular filters with Slaney's mel scale and area normalisation, float64 (80, 401)."""
    frequencies = np.arange(WINDOW // 2 + 1) * RATE / WINDOW
    edges = slaney_hertz(np.linspace(slaney_mel(LOWEST), slaney_mel(HIGHEST), BANDS + 2))
    width = np.diff(edges)[:, None]
    rising = (frequencies - edges[:-2, None]) / width[:-1]
    falling = (edges[2:, None] - frequencies) / width[1:]
    area = 2.0 / (edges[2:] - edges[:-2])[:, None]
    return np.maximum(0, np.minimum(rising, falling)) * area


LINEAR_STEP = 200 / 3
"""Hz per mel below 1 kHz; above, 27 mels for each factor of 6.4 (Slaney, Auditory Toolbox, 1998)."""
LOG_STEP = np.log(6.4) / 27


def slaney_mel(hertz: float) -> float:
    """Return the mel number of a frequency."""
    if hertz < 1000:
        return hertz / LINEAR_STEP
    return float(1000 / LINEAR_STEP + np.log(hertz / 1000) / LOG_STEP)


def slaney_hertz(mel: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the frequencies in Hz of mel numbers."""
    knee = 1000 / LINEAR_STEP
    return cast(NDArray[np.float64], np.where(mel < knee, mel * LINEAR_STEP, 1000 * np.exp((mel - knee) * LOG_STEP)))
