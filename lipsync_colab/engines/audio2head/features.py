"""What Audio2Head hears: 41 columns every 10 ms, four rows for each native frame."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from lipsync_colab.engines.audio2head.cepstra import CEPSTRA, FILTERS, spectral_features
from lipsync_colab.engines.audio2head.pitch import bridged, harvest
from lipsync_colab.types import Array

ROWS = 4
COLUMNS = CEPSTRA + FILTERS + 2
"""Cepstra, log filter energies, pitch in Hz, whether the voice has one."""

Pitch = Callable[[NDArray[np.float64]], NDArray[np.float64]]


def normalised(samples: Array) -> NDArray[np.float64]:
    """Return a recording without its mean, its largest sample at 1; silence stays silence."""
    centred = samples.astype(np.float64)
    centred -= centred.mean()
    return np.asarray(centred / max(float(np.abs(centred).max()), np.finfo(np.float64).tiny), np.float64)


def voice_features(samples: Array, pitch: Pitch = harvest) -> Array:
    """Return the features of a recording, float32 (T, 41).

    Args:
        samples: float32 (N,), mono, 16 kHz.
        pitch: samples to Hz every 10 ms, 0 where unvoiced.
    """
    sound = normalised(samples)
    spectra = spectral_features(sound)
    frequency = pitch(sound)
    count = min(len(spectra), len(frequency))
    voiced = (frequency != 0).astype(np.float64)
    columns = (spectra[:count], bridged(frequency)[:count, None], voiced[:count, None])
    return np.concatenate(columns, axis=1).astype(np.float32)


def framed(features: Array, frames: int) -> Array:
    """Return four rows for each native frame, float32 (frames, 4, 41); zeros after the end of the sound."""
    padded = np.zeros((frames * ROWS, COLUMNS), np.float32)
    kept = features[: len(padded)]
    padded[: len(kept)] = kept
    return padded.reshape(frames, ROWS, COLUMNS)
