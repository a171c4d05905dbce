"""When the eyes blink, and how a blink runs."""

from __future__ import annotations

import numpy as np
from scipy.interpolate import PchipInterpolator

from lipsync_colab.engines.viseme.floats import Floats
from lipsync_colab.engines.viseme.prosody import Prosody

SHORTEST, LONGEST = 2.2, 4.5  # seconds from one blink to the next
DOUBLE = 0.1  # share of blinks that a second one follows at once
DOUBLE_GAP = (0.42, 0.7)  # seconds
FIRST = (0.7, 1.9)  # seconds
EARLY, LATE = 0.9, 1.1  # seconds that a blink is moved to fall into a pause
LEAST_GAP = 0.36  # seconds, longer than a blink
BLINK_TIMES = (0.0, 0.02, 0.06, 0.10, 0.14, 0.18, 0.22, 0.26)
BLINK_CLOSURE = (0.0, 0.35, 0.85, 1.0, 0.75, 0.4, 0.12, 0.0)
"""Lids fall fast and rise slowly (about 80 and 160 ms)."""


def blink_times(prosody: Prosody, amount: float, random: np.random.Generator) -> list[float]:
    """Return when blinks begin, in seconds, in order.

    Speakers blink where they pause (Nakano and Kitazawa 2010): a blink that is due shortly before or after the
    start of a pause moves there.

    Args:
        prosody: of the voice.
        amount: blinks per usual blink, 0 for none to 2.
        random: decides the intervals.
    """
    if amount <= 0:
        return []
    starts = np.array([start for start, _ in prosody.pauses if start > 0])
    blinks: list[float] = []
    due = random.uniform(*FIRST) / amount
    while due < prosody.seconds:
        delay = random.uniform(0.02, 0.12)
        near = starts[(starts > due - EARLY / amount) & (starts < due + LATE / amount)]
        at = float(near[np.abs(near - due).argmin()]) + delay if len(near) else due
        if blinks:
            at = max(at, blinks[-1] + LEAST_GAP)
        blinks.append(at)
        gap, double = random.uniform(SHORTEST, LONGEST) / amount, random.uniform()
        due = at + max(gap, LEAST_GAP) if double >= DOUBLE else at + random.uniform(*DOUBLE_GAP)
    return blinks


def blink_closure(blinks: list[float], times: Floats) -> Floats:
    """Return how far the lids are shut at given instants (ascending), float (n,) in [0, 1]."""
    curve = PchipInterpolator(BLINK_TIMES, BLINK_CLOSURE)
    closure = np.zeros(len(times))
    for start in blinks:
        first, last = np.searchsorted(times, (start, start + BLINK_TIMES[-1]))
        closure[first:last] = np.maximum(closure[first:last], curve(times[first:last] - start))
    return np.clip(closure, 0, 1)
