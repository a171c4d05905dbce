"""Making clean speech sound as if it came from elsewhere: rooms, microphones, noise, telephones, codecs."""

from __future__ import annotations

import numpy as np
import scipy.fft
import scipy.signal

from lipsync_colab.training.conditions import TELEPHONE, in_eight_bits
from lipsync_colab.types import Array

RATE = 16_000
NOISY, IN_A_ROOM, COMING_AND_GOING = 0.7, 0.4, 0.3
"""Shares of what is heard."""
SWELLS_DB = 3.0
"""Standard deviation of the loudness from one half second to the next: synthesis is more even than people are."""
DECAY_SECONDS, WET_DB = (0.15, 1.0), (-20.0, -2.0)
"""Of rooms: until an echo is 60 dB weaker, and of all echoes together against the voice."""
EQUALISER_DB = 9.0
SIGNAL_TO_NOISE = (4.0, 32.0)
"""In dB, against the louder two thirds of the voice."""
BABBLE_SHARE = 0.3
TILTS = ((-8.0, -1.5), (-1.5, 3.0))
"""In dB an octave: white is 0, pink -3, brown -6."""
NEARLY_WHITE = 0.5
"""Share of the noises that are no babble."""
QUIETEST = 1e-6
"""Mean square below which nobody speaks."""
POINTS = 6
"""Of the curve along which a noise comes and goes."""
TELEPHONES, POOR_CODECS = 0.15, 0.15
"""Shares of what is heard."""
CUTOFFS = (3000.0, 7000.0)
"""Hz above which a poor codec carries nothing."""


def sounding_elsewhere(samples: Array, others: Array, random: np.random.Generator) -> Array:
    """Return clean speech as it may be heard, float32 (N,).

    Args:
        samples: float32 (N,), 16 kHz.
        others: float32 (N,): several people talking at once, for babble.
        random: decides everything.
    """
    voice = samples * _swelling(len(samples), random)
    if random.random() < IN_A_ROOM:
        voice = in_a_room(voice, random)
    spectrum = scipy.fft.rfft(voice) * _equaliser(len(samples), random)
    if random.random() < NOISY:
        spectrum = spectrum + _noise(spectrum, others, random)
    return _through_a_line(spectrum, len(samples), random)


def in_a_room(voice: Array, random: np.random.Generator) -> Array:
    """Add late reverberation: noise that decays."""
    count, wet = round(random.uniform(*DECAY_SECONDS) * RATE), 10 ** (random.uniform(*WET_DB) / 10)
    tail = random.standard_normal(count) * 10 ** (-3 * np.linspace(0, 1, count))
    tail *= np.sqrt(wet / np.sum(tail**2))
    tail[0] += 1
    return np.asarray(scipy.signal.fftconvolve(voice, tail)[: len(voice)], np.float32)


def _swelling(count: int, random: np.random.Generator) -> Array:
    points = random.normal(0, SWELLS_DB, 2 * count // RATE + 2)
    decibels = np.interp(np.arange(count), np.linspace(0, count, len(points)), points)
    return np.asarray(10 ** (decibels / 20), np.float32)


def _hertz(count: int) -> np.ndarray:
    return np.asarray(scipy.fft.rfftfreq(count, 1 / RATE))


def _equaliser(count: int, random: np.random.Generator) -> np.ndarray:
    """Gains of a smooth curve over a scale like the ear's."""
    across = np.pi * np.log1p(_hertz(count) / 700) / np.log1p(RATE / 2 / 700)
    size = random.uniform(0, EQUALISER_DB)
    curve = sum(random.normal() * size / (order + 1) * np.cos(order * across) for order in range(1, 5))
    return np.asarray(10 ** (curve / 20))


def _noise(spectrum: np.ndarray, others: Array, random: np.random.Generator) -> np.ndarray:
    """The spectrum of coloured noise or babble, 4 to 32 dB under the louder two thirds of the voice."""
    count = len(others)
    noise: np.ndarray
    if random.random() < BABBLE_SHARE and float(np.abs(others).max(initial=0)) > 0:
        noise = others
        gains = _equaliser(count, random)
    else:
        noise = random.standard_normal(count).astype(np.float32)
        tilt = random.uniform(*TILTS[int(random.random() < NEARLY_WHITE)])
        gains = 10 ** (tilt * np.log2(np.maximum(_hertz(count), 50) / 1000) / 20)
    if random.random() < COMING_AND_GOING:
        points = random.uniform(-6, 6, POINTS)
        decibels = np.interp(np.arange(count), np.linspace(0, count, POINTS), points)
        noise = noise * 10 ** (decibels / 20)
    made = scipy.fft.rfft(noise) * gains
    powers = np.sort(_powers(scipy.fft.irfft(spectrum, count)))
    voiced, unwanted = powers[len(powers) // 3 :].mean(), _powers(scipy.fft.irfft(made, count)).mean()
    # Where nobody speaks the noise is all there is, and any level will do.
    wanted = voiced / 10 ** (random.uniform(*SIGNAL_TO_NOISE) / 10) if voiced > QUIETEST else QUIETEST
    return np.asarray(made * np.sqrt(wanted / max(unwanted, 1e-12)))


def _powers(samples: np.ndarray) -> np.ndarray:
    """Mean squares of every 10 ms."""
    return np.asarray((samples[: len(samples) // 160 * 160].reshape(-1, 160) ** 2).mean(axis=1))


def _through_a_line(spectrum: np.ndarray, count: int, random: np.random.Generator) -> Array:
    """Cut what a telephone or a poor codec cuts."""
    kind, hertz = random.random(), np.maximum(_hertz(count), 1)
    if kind < TELEPHONES:
        low, high = TELEPHONE
        lost = np.maximum(0, np.log2(low / hertz)) + 2 * np.maximum(0, np.log2(hertz / high))
        spectrum = spectrum * 10 ** (-random.uniform(20, 60) * lost / 20)
        return in_eight_bits(scipy.fft.irfft(spectrum, count))
    if kind < TELEPHONES + POOR_CODECS:
        spectrum = spectrum * np.where(hertz > random.uniform(*CUTOFFS), 1e-3, 1.0)
    return np.asarray(scipy.fft.irfft(spectrum, count), np.float32)
