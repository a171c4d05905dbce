"""Making clean band energies sound as if they came from elsewhere: throats, rooms, noise, telephones, codecs.

Everything happens on energies, so that every sentence is heard differently each time at hardly any cost.
"""

from __future__ import annotations

import functools

import numpy as np
import scipy.signal

from lipsync_colab.audio.bands import BANDS, FINE_BANDS, HIGHEST, LOWEST, fine_energies, pooling
from lipsync_colab.audio.heard import level_of, squeezed
from lipsync_colab.audio.mel import slaney_hertz, slaney_mel
from lipsync_colab.types import Array

WARPS = (0.88, 1.12)
EQUALISER_DB = 9.0
NOISE_SECONDS = 40
NOISY, IN_A_ROOM, COMING_AND_GOING, WITH_A_GAP = 0.7, 0.4, 0.3, 0.2
"""Shares of what is heard."""
SIGNAL_TO_NOISE = (4.0, 32.0)
"""In dB, against the louder two thirds of the voice."""
BABBLE_SHARE = 0.3
TILTS = ((-8.0, -1.5), (-1.5, 3.0))
"""In dB an octave: white is 0, pink -3, brown -6."""
NEARLY_WHITE = 0.5
"""Share of the noises that are no babble."""
TELEPHONE = (300.0, 3400.0)
"""Hz (ITU-T G.712)."""
ROWS_PER_SECOND = 100


@functools.cache
def band_hertz() -> np.ndarray:
    """Return the centre of each of the 40 bands in Hz, float64 (40,)."""
    edges = slaney_hertz(np.linspace(slaney_mel(LOWEST), slaney_mel(HIGHEST), FINE_BANDS + 2))
    return np.asarray(np.interp(2 * np.arange(BANDS) + 0.5, np.arange(FINE_BANDS), edges[1:-1]))


@functools.cache
def white_noise() -> Array:
    """Return the band energies of white noise of power 1, float32 (rows, 40)."""
    samples = np.random.default_rng(0).standard_normal(16_000 * NOISE_SECONDS).astype(np.float32)
    energies = fine_energies(samples, 2, ROWS_PER_SECOND * NOISE_SECONDS - 2)
    return np.asarray(energies @ pooling().T, np.float32)


def heard_elsewhere(energies: Array, others: Array, random: np.random.Generator) -> Array:
    """Return clean fine energies as a network may hear them, float32 (rows, 40) in its range.

    Args:
        energies: linear, (rows, 80).
        others: linear, (rows, 80): several people talking at once, for babble.
        random: decides everything.
    """
    bands = energies @ pooling(round(random.uniform(*WARPS), 2)).T
    if random.random() < IN_A_ROOM:
        bands = in_a_room(bands, random)
    bands = bands * equaliser(random)
    if random.random() < NOISY:
        bands = with_noise(bands, others @ pooling().T, random)
    bands = through_a_line(bands, random)
    level = level_of(bands.sum(axis=1)) + random.normal(0, 2.5)
    heard = squeezed(bands, level)
    if random.random() < WITH_A_GAP:
        first = int(random.integers(0, BANDS - 4))
        heard[:, first : first + int(random.integers(1, 5))] = 0
    return heard


def in_a_room(bands: Array, random: np.random.Generator) -> Array:
    """Add an exponential tail: energies of late reverberation add up."""
    decay = 10 ** (-6 / (random.uniform(0.15, 1.0) * ROWS_PER_SECOND))
    wet = 10 ** (random.uniform(-20, -2) / 10)
    tail = scipy.signal.lfilter([0.0, 1 - decay], [1.0, -decay], bands, axis=0)
    return np.asarray(bands + wet * tail, np.float32)


def equaliser(random: np.random.Generator) -> Array:
    """Return gains of a smooth curve over the bands, float32 (40,): microphones and voices differ."""
    across = np.linspace(0, np.pi, BANDS)
    size = random.uniform(0, EQUALISER_DB)
    curve = sum(random.normal() * size / (order + 1) * np.cos(order * across) for order in range(1, 5))
    return np.asarray(10 ** (curve / 10), np.float32)


def with_noise(bands: Array, others: Array, random: np.random.Generator) -> Array:
    """Add coloured noise or babble, 4 to 32 dB under the voice."""
    babble = random.random() < BABBLE_SHARE and float(others.sum()) > 0
    if babble:
        noise = others * equaliser(random)
    else:
        start = int(random.integers(0, len(white_noise()) - len(bands)))
        tilt = random.uniform(*TILTS[int(random.random() < NEARLY_WHITE)])
        colour = 10 ** (tilt * np.log2(band_hertz() / 1000) / 10)
        noise = white_noise()[start : start + len(bands)] * colour
    if random.random() < COMING_AND_GOING:  # it comes and goes
        points = random.uniform(-6, 6, 6)
        gain = np.interp(np.arange(len(bands)), np.linspace(0, len(bands), 6), points)
        noise = noise * 10 ** (gain[:, None] / 10)
    voiced = np.sort(bands.sum(axis=1))[len(bands) // 3 :].mean()
    if voiced > 0:
        noise = noise * (voiced / noise.sum(axis=1).mean() / 10 ** (random.uniform(*SIGNAL_TO_NOISE) / 10))
    # Voice and noise meet in random phase.
    crossing = 2 * np.sqrt(bands * noise) * random.normal(0, 0.35, bands.shape)
    return np.asarray(np.maximum(bands + noise + crossing, 0.05 * (bands + noise)), np.float32)


def through_a_line(bands: Array, random: np.random.Generator) -> Array:
    """Cut what a telephone or a poor codec cuts."""
    kind = random.random()
    hertz = band_hertz()
    if kind < 0.15:
        steep = random.uniform(20, 60)
        low = np.maximum(0, np.log2(TELEPHONE[0] / hertz)) * steep
        high = np.maximum(0, np.log2(hertz / TELEPHONE[1])) * 2 * steep
        return np.asarray(bands * 10 ** (-(low + high) / 10), np.float32)
    if kind < 0.3:
        cutoff = random.uniform(3000, 7000)
        return np.asarray(bands * np.where(hertz > cutoff, 1e-6, 1.0), np.float32)
    return bands
