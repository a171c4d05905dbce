"""Where a test recording may come from: a quiet room, a noisy one, a telephone."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import scipy.signal

from lipsync_colab.types import Array

RATE = 16_000
BABBLERS = 6
TELEPHONE = (300, 3400)
"""Hz (ITU-T G.712)."""
MU = 255
"""Of the telephone's compressed 8 bits (ITU-T G.711)."""

Condition = Callable[[Array, Array, np.random.Generator], Array]


def clean(samples: Array, others: Array, random: np.random.Generator) -> Array:
    """Return the recording as it is."""
    return samples


def white_15(samples: Array, others: Array, random: np.random.Generator) -> Array:
    """Return the recording with white noise 15 dB below its voice."""
    return mixed(samples, random.standard_normal(len(samples)).astype(np.float32), 15.0)


def babble_10(samples: Array, others: Array, random: np.random.Generator) -> Array:
    """Return the recording with six voices at once, together 10 dB below its own."""
    babble = np.zeros(len(samples), np.float32)
    for _ in range(BABBLERS):
        start = int(random.integers(0, len(others)))
        babble += np.take(others, np.arange(start, start + len(samples)), mode="wrap")
    return mixed(samples, babble, 10.0)


def telephone(samples: Array, others: Array, random: np.random.Generator) -> Array:
    """Return the recording as an old telephone carries it: 300 to 3,400 Hz, 8 kHz, 8 bits."""
    sections = scipy.signal.butter(6, TELEPHONE, "bandpass", fs=RATE, output="sos")
    narrow = scipy.signal.resample_poly(scipy.signal.sosfiltfilt(sections, samples), 1, 2)
    return np.asarray(0.5 * scipy.signal.resample_poly(in_eight_bits(narrow), 2, 1)[: len(samples)], np.float32)


def in_eight_bits(samples: np.ndarray) -> Array:
    """Return samples, their peak brought to 1, as a telephone's compressed 8 bits keep them."""
    scaled = samples / max(float(np.abs(samples).max()), 1e-6)
    squeezed = np.sign(scaled) * np.log1p(MU * np.abs(scaled)) / np.log1p(MU)
    stepped = np.round(squeezed * 127) / 127
    return np.asarray(np.sign(stepped) * np.expm1(np.abs(stepped) * np.log1p(MU)) / MU, np.float32)


CONDITIONS: dict[str, Condition] = {
    "clean": clean,
    "white 15 dB": white_15,
    "babble 10 dB": babble_10,
    "telephone": telephone,
}


def mixed(samples: Array, noise: Array, decibels: float) -> Array:
    """Return samples with noise that lies so many dB below the loudest half of the voice's 10 ms spans."""
    spans = samples[: len(samples) // 160 * 160].reshape(-1, 160)
    power = np.sort((spans**2).mean(axis=1))[len(spans) // 2 :].mean()
    gain = np.sqrt(power / 10 ** (decibels / 10) / max(float((noise**2).mean()), 1e-12))
    result = samples + gain * noise
    return np.asarray(result / max(1.0, float(np.abs(result).max())), np.float32)
