"""How loud a voice is, moment by moment: what tells speech from a pause."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from typing import cast

import numpy as np
from scipy import ndimage

from lipsync_colab.types import Array, Speech

STEP = 0.01
"""Seconds between two levels."""
BLOCK_STEPS = 60_000
QUIETEST_DB = -100.0

REFERENCE_PERCENTILE = 95
"""The level that only the loudest 5 % of a recording exceed stands for its voice."""
GATE_DB = -38.0
"""Speech lies within this many dB of the reference; below is pause."""
INAUDIBLE_DB = -62.0
"""A recording whose reference lies under this (dBFS) holds no voice at all."""
NOISE_PERCENTILE = 8
NOISE_MARGIN_DB = 7.0
HIGHEST_GATE_DB = -17.0
"""In a noisy recording the gate rises to the margin above the noise, but never over this, so no voice is lost."""
SHORTEST_PAUSE = 0.12
"""Seconds; a shorter gap is the closure of a stop and belongs to the speech around it."""
SHORTEST_SPEECH = 0.03
SOFTENING = 0.03
"""Seconds (standard deviation) over which the gate opens and shuts."""


def levels(speech: Speech) -> Array:
    """Return the RMS level of every 10 ms, float32 (n,) in dBFS, at least -100; the last span may be shorter."""
    hop = round(speech.rate * STEP)
    samples = speech.samples
    result = np.empty(-(-len(samples) // hop), np.float32)
    for first in range(0, len(result), BLOCK_STEPS):
        block = np.asarray(samples[first * hop : (first + BLOCK_STEPS) * hop], np.float64)
        sums = np.add.reduceat(block**2, np.arange(0, len(block), hop))
        counts = np.diff([*range(0, len(block), hop), len(block)])
        power = np.maximum(sums / counts, 10 ** (QUIETEST_DB / 10))
        result[first : first + len(sums)] = 10 * np.log10(power)
    return result


@dataclass(frozen=True, eq=False)
class SpeechGate:
    """Where a recording speaks.

    Attributes:
        reference: the voice's level in dBFS.
        threshold: what counts as speech, in dB below the reference.
        level: float32 (n,), dB relative to the reference, every 10 ms.
        active: bool (n,), True in speech, short gaps included.
    """

    reference: float
    threshold: float
    level: Array
    active: np.ndarray

    @classmethod
    def of(cls, speech: Speech) -> SpeechGate:
        """Measure a recording."""
        measured = levels(speech)
        reference = float(np.percentile(measured, REFERENCE_PERCENTILE)) if len(measured) else QUIETEST_DB
        if reference < INAUDIBLE_DB:
            return cls(reference, 0.0, measured - reference, np.zeros(len(measured), bool))
        level = measured - np.float32(reference)
        noise = float(np.percentile(level, NOISE_PERCENTILE))
        threshold = min(max(GATE_DB, noise + NOISE_MARGIN_DB), HIGHEST_GATE_DB)
        return cls(reference, threshold, level, _without_blips(level > threshold))

    def opening(self, times: np.ndarray) -> Array:
        """Return how far the gate stands open at given seconds, float32 in [0, 1], exactly 0 well inside a pause."""
        if not self.active.any():
            return np.zeros(len(times), np.float32)
        soft = ndimage.gaussian_filter1d(self.active.astype(np.float64), SOFTENING / STEP, mode="constant", truncate=3)
        centres = (np.arange(len(soft)) + 0.5) * STEP
        opening = np.interp(times, centres, soft)
        return np.where(opening < 0.02, 0, np.minimum(opening, 1)).astype(np.float32)

    def pauses(self, shortest: float) -> list[tuple[float, float]]:
        """Return the silences of at least ``shortest`` seconds as (start, end) in seconds, in order."""
        edges = np.flatnonzero(np.diff(np.concatenate([[0], (~self.active).astype(np.int8), [0]])))
        spans = edges.reshape(-1, 2) * STEP
        return [(float(start), float(end)) for start, end in spans if end - start >= shortest - 1e-9]


def _without_blips(active: np.ndarray) -> np.ndarray:
    """Drop sounds too short to be speech, then close gaps too short to be pauses."""
    gap = round(SHORTEST_PAUSE / STEP)
    kept = ndimage.binary_opening(active, np.ones(round(SHORTEST_SPEECH / STEP)))
    closed = ndimage.binary_closing(np.pad(kept, gap), np.ones(gap))
    return cast(np.ndarray, closed[gap:-gap])


def frame_times(fps: Fraction, frames: int) -> np.ndarray:
    """Return the centre of every frame in seconds, float64 (frames,)."""
    return (np.arange(frames) + 0.5) * (fps.denominator / fps.numerator)


def speech_level_db(speech: Speech, fps: Fraction, frames: int) -> Array:
    """Return how loud the voice is at every frame's centre.

    Args:
        speech: the voice; read by blocks.
        fps: frames per second.
        frames: how many.

    Returns:
        float32 (frames,), dB relative to the voice's own reference level: about 0 in vowels, under
        :data:`GATE_DB` in pauses; -100 throughout when there is no voice, and after the end.
    """
    gate = SpeechGate.of(speech)
    if gate.reference < INAUDIBLE_DB:
        return np.full(frames, QUIETEST_DB, np.float32)
    centres = (np.arange(len(gate.level)) + 0.5) * STEP
    return np.interp(frame_times(fps, frames), centres, gate.level, right=QUIETEST_DB).astype(np.float32)
