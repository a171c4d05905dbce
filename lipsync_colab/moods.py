"""What expression tags mean: how strongly each is felt at an instant, and how much the head moves meanwhile."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from lipsync_colab.types import Array, Mood

EMPHASIS = "emphasis"
"""The tag of a stressed word."""
RAMP = 0.35
"""Seconds (half a transition) in which one mood gives way to the next."""
QUICK_RAMP = 0.10
"""The same for a stressed word."""
LAST = 0.1
"""Seconds: a mood that ends this close to a clip's end lasts; sound and last frame rarely end together."""

EXPRESSION = {"happy": 1.1, "sad": 0.8, "serious": 0.9, "surprised": 1.2, "angry": 1.2, EMPHASIS: 1.15}
"""Factors of articulation and expression, for engines whose coefficients know no smile."""
HEAD = {"happy": 1.15, "sad": 0.6, "serious": 0.7, "surprised": 1.1, "angry": 1.25}
"""Factors of head motion."""


def felt(moods: Sequence[Mood], tag: str, times: np.ndarray, *, end: float) -> Array:
    """Return how strongly a tag is felt at given seconds, float32 (n,), 0 where it is not.

    A mood that begins at 0 is there in the first frame, one that lasts until ``end`` in the last; between two moods
    the shares of both add up to 1.

    Args:
        moods: in any order.
        tag: which.
        times: seconds.
        end: of the clip, in seconds.
    """
    total = np.zeros(len(times))
    for mood in moods:
        if mood.tag == tag:
            total = np.maximum(total, mood.amount * _window(mood, times, end))
    return total.astype(np.float32)


def expression_factor(moods: Sequence[Mood], times: np.ndarray, *, end: float, amount: float = 1.0) -> Array:
    """Return the factor of expression at given seconds, float32 (n,), 1 where nothing is felt.

    Args:
        moods: by time.
        times: seconds.
        end: of the clip, in seconds.
        amount: of the moods.
    """
    return _factor(moods, EXPRESSION, times, end, amount)


def head_factor(moods: Sequence[Mood], times: np.ndarray, *, end: float, amount: float = 1.0) -> Array:
    """Return the factor of head motion at given seconds, float32 (n,): the tags' own, times what each mood asks for."""
    asked = np.ones(len(times))
    for mood in moods:
        asked += (mood.head - 1) * _window(mood, times, end)
    return (np.clip(asked, 0, 2) * _factor(moods, HEAD, times, end, amount)).astype(np.float32)


def _factor(moods: Sequence[Mood], table: dict[str, float], times: np.ndarray, end: float, amount: float) -> Array:
    factor = np.ones(len(times), np.float32)
    for tag, value in table.items():
        factor += (value - 1) * amount * felt(moods, tag, times, end=end)
    return np.maximum(factor, 0)


def _window(mood: Mood, times: np.ndarray, end: float) -> np.ndarray:
    """1 during a mood, with soft ramps round its start and end."""
    ramp = QUICK_RAMP if mood.tag == EMPHASIS else RAMP
    ramp = min(ramp, max((mood.end - mood.start) / 2, 1e-3))
    rising = np.ones(len(times)) if mood.start <= 0 else _step((times - mood.start) / (2 * ramp) + 0.5)
    falling = np.ones(len(times)) if mood.end >= end - LAST else _step((mood.end - times) / (2 * ramp) + 0.5)
    return np.minimum(rising, falling)


def _step(x: np.ndarray) -> np.ndarray:
    x = np.clip(x, 0, 1)
    return x * x * (3 - 2 * x)
