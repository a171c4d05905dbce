"""What the same lips would score against a voice that is not theirs: the sound turned round by many seconds."""

from __future__ import annotations

import math

import numpy as np

from lipsync_colab.report.lag import FEWEST, lag
from lipsync_colab.types import Array

TURNS = 60
"""How many turns are tried; the 95th percentile of their best scores is what chance reaches."""
PLACES = 2000
"""How many places in the clip a closure is looked for at most."""
REACH = 12


def chance_correlation(curve: Array, reference: Array) -> float:
    """Return what correlation one in twenty unrelated voices reaches at its best shift; NaN when too short to say.

    The reference is turned round (its end joined to its beginning) by more than any shift that :func:`lag` tries, so
    it keeps its rhythm and loses its time.

    Args:
        curve: (N,), NaN where nothing was measured.
        reference: (N,).
    """
    count = min(len(curve), len(reference))
    first, last = 2 * REACH + 1, count - 2 * REACH - 1
    if last - first < FEWEST:
        return math.nan
    turns = np.unique(np.linspace(first, last, TURNS).astype(int))
    best = [lag(curve[:count], np.roll(reference[:count], turn), REACH).correlation for turn in turns]
    best = [score for score in best if math.isfinite(score)]
    return float(np.percentile(best, 95)) if best else math.nan


def chance_closures(aperture: Array, spans: list[tuple[int, int]], shut: float) -> float:
    """Return the share of spans in which the lips are seen shut when the spans lie anywhere in the clip.

    A mouth that never opens closes at every m, b and p; this is the figure that gives it away.

    Args:
        aperture: (N,), NaN where nothing was measured.
        spans: first and last frame (exclusive) of each closure that is asked for.
        shut: aperture below which lips count as closed.
    """
    hits: list[float] = []
    for width in sorted({last - first for first, last in spans}):
        weight = sum(last - first == width for first, last in spans)
        starts = np.unique(np.linspace(0, max(0, len(aperture) - width), PLACES).astype(int))
        windows = [aperture[start : start + width] for start in starts]
        seen = [float(np.nanmin(window)) < shut for window in windows if np.isfinite(window).any()]
        if seen:
            hits += [float(np.mean(seen))] * weight
    return float(np.mean(hits)) if hits else math.nan
