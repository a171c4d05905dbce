"""What the viseme network puts out, and what it is to put out for phonemes that are known."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from lipsync_colab.engines.viseme.coarticulation import activity, blended, tongue
from lipsync_colab.engines.viseme.visemes import SHAPES, Gesture
from lipsync_colab.types import Array

STEP = 0.02
"""Seconds between two outputs."""
OUTPUTS = (*SHAPES, "tongue", "press", "tuck", "activity")
"""Shapes as neighbouring sounds blend them, before loudness and gate; the chances that lips close, and that the lower
lip meets the teeth; how far the mouth is awake."""
EVENTS = ("press", "tuck")


def step_times(count: int) -> np.ndarray:
    """Return the centre of every step in seconds, float64 (count,)."""
    return (np.arange(count) + 0.5) * STEP


def targets(gestures: Sequence[Gesture], count: int) -> Array:
    """Return the outputs for gestures that are known, float32 (count, len(OUTPUTS))."""
    times = step_times(count)
    result = np.zeros((count, len(OUTPUTS)), np.float32)
    result[:, : len(SHAPES)] = blended(gestures, times)
    result[:, OUTPUTS.index("tongue")] = tongue(gestures, times)
    for name in EVENTS:
        result[:, OUTPUTS.index(name)] = _share_within(gestures, times, name)
    result[:, OUTPUTS.index("activity")] = activity(gestures, times)
    return result


def _share_within(gestures: Sequence[Gesture], times: np.ndarray, name: str) -> Array:
    """The share of every step that lies within an event's sound."""
    share = np.zeros(len(times), np.float32)
    for gesture in gestures:
        if getattr(gesture.viseme, name):
            low, high = np.searchsorted(times, [gesture.start - STEP, gesture.end + STEP])
            starts, ends = times[low:high] - STEP / 2, times[low:high] + STEP / 2
            overlap = np.minimum(ends, gesture.end) - np.maximum(starts, gesture.start)
            share[low:high] = np.maximum(share[low:high], np.clip(overlap / STEP, 0, 1))
    return share
