"""Band energies as the viseme network hears them: relative to the voice, in a fixed range."""

from __future__ import annotations

from typing import cast

import numpy as np

from lipsync_colab.audio.bands import BLOCK, fine_energies, pooling, row_count
from lipsync_colab.types import Array

RANGE_DB = 70.0
HIGHEST_DB = 20.0
SCALE_DB = 20.0
"""Bands from 70 dB below the voice's level to 20 dB above it become 0 to 4.5; 0 is also what lies beyond the ends."""
LEVEL_PERCENTILE = 95
SMALLEST = 1e-9


def squeezed(energies: np.ndarray, level: float) -> Array:
    """Return energies in the network's range, float32 like the input.

    Args:
        energies: linear, (rows, 40).
        level: in dB, from :func:`level_of`.
    """
    decibels = 10 * np.log10(energies + SMALLEST) - level
    return cast(Array, ((np.clip(decibels, -RANGE_DB, HIGHEST_DB) + RANGE_DB) / SCALE_DB).astype(np.float32))


def level_of(totals: np.ndarray) -> float:
    """Return a voice's level in dB from the sums over all bands of each row: only 5 % of the rows exceed it."""
    return 10 * float(np.log10(np.percentile(totals, LEVEL_PERCENTILE) + SMALLEST))


class HeardSpeech:
    """Any rows of a recording's energies in the network's range, computed when asked for.

    Attributes:
        samples: float32 (N,), mono, 16 kHz; may be a memory map of hours.
        level: of the voice in dB.
    """

    def __init__(self, samples: Array) -> None:
        self.samples = samples
        totals = np.empty(len(self), np.float32)
        for start in range(0, len(self), BLOCK):
            stop = min(start + BLOCK, len(self))
            totals[start:stop] = self._energies(start, stop).sum(axis=1)
        self.level = level_of(totals)

    def __len__(self) -> int:
        return row_count(self.samples)

    def rows(self, start: int, stop: int, warp: float = 1.0) -> Array:
        """Return rows ``start`` to ``stop - 1``, float32 (stop - start, 40).

        Args:
            start: the first.
            stop: one past the last.
            warp: as of :func:`~lipsync_colab.audio.bands.pooling`: another length of the speaker's throat.
        """
        return squeezed(self._energies(start, stop, warp), self.level)

    def _energies(self, start: int, stop: int, warp: float = 1.0) -> Array:
        return fine_energies(self.samples, start, stop) @ pooling(warp).T
