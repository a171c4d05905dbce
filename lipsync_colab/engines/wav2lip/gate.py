"""Closed lips in silence: how far each frame's mouth belongs to the network rather than to the still."""

from __future__ import annotations

from fractions import Fraction

import numpy as np

from lipsync_colab.audio.level import STEP, SpeechGate, frame_times
from lipsync_colab.types import Array, Speech

HYSTERESIS_DB = 4.0
"""Once open, the gate shuts only when the level has fallen this far below where it opens."""
OPENING = 0.10
"""Seconds before the first sound over which the mouth leaves the still: lips move before they are heard."""
CLOSING = 0.20
"""Seconds after the last sound over which it returns. Pauses shorter than both together never reach the still."""


def mouth_gate(speech: Speech, fps: Fraction, frames: int) -> Array:
    """Return the network's share at every frame.

    Args:
        speech: mono.
        fps: frames per second.
        frames: how many.

    Returns:
        float32 (frames,) in [0, 1]: exactly 1 in speech, exactly 0 well inside a pause and without any voice.
    """
    gate = SpeechGate.of(speech)
    if not gate.active.any():
        return np.zeros(frames, np.float32)
    speaking = held_open(gate.active, gate.level >= gate.threshold - HYSTERESIS_DB)
    spoken = np.flatnonzero(speaking)
    first, last = spoken * STEP, (spoken + 1) * STEP
    times = frame_times(fps, frames)
    following = np.searchsorted(last, times)
    before = np.append(first, np.inf)[following] - times
    after = times - np.append(-np.inf, last)[following]
    share = 1 - np.minimum(np.maximum(before, 0) / OPENING, np.maximum(after, 0) / CLOSING)
    share = np.clip(share, 0, 1)
    return (share * share * (3 - 2 * share)).astype(np.float32)


def held_open(opens: np.ndarray, holds: np.ndarray) -> np.ndarray:
    """Return a switch with hysteresis.

    Args:
        opens: bool (n,), where the switch closes the circuit.
        holds: bool (n,), where it stays as it was; elsewhere it opens again.

    Returns:
        bool (n,).
    """
    decided = opens | ~holds
    latest = np.maximum.accumulate(np.where(decided, np.arange(len(opens)), -1))
    return np.asarray((latest >= 0) & opens[latest])
