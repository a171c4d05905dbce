"""How high the voice is, every 10 ms."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from lipsync_colab.errors import MachineError

RATE = 16_000
PERIOD_MS = 10.0


def harvest(samples: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the fundamental frequency in Hz, float64 (T,), 0 where the voice has none (WORLD's Harvest).

    Args:
        samples: float64 (N,), mono, 16 kHz.

    Raises:
        MachineError: pyworld is not installed.
    """
    try:
        import pyworld
    except ModuleNotFoundError as error:
        raise MachineError(
            "the engine audio2head measures pitch with pyworld: pip install 'lipsync-colab[audio2head]'"
        ) from error
    frequency, _ = pyworld.harvest(np.ascontiguousarray(samples), RATE, frame_period=PERIOD_MS)
    return np.asarray(frequency, np.float64)


def bridged(frequency: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return frequencies with the gaps between voiced parts filled: linearly, and level at both ends."""
    voiced = np.flatnonzero(frequency)
    if not len(voiced):
        return np.zeros_like(frequency)
    return np.interp(np.arange(len(frequency)), voiced, frequency[voiced])
