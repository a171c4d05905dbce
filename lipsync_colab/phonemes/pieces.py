"""Cutting a long recording at its pauses, so that each piece can be decoded by itself."""

from __future__ import annotations

import numpy as np

from lipsync_colab.audio.level import STEP, SpeechGate

LONGEST = 24.0
"""Seconds; pieces are cut so that none is longer."""
SHORTEST_CUT = 0.2
"""Seconds of pause that make a good cut."""
PADDING = 0.15
"""Seconds of silence kept on either side of a piece, which the decoder's own silence model needs."""


def pieces(gate: SpeechGate, longest: float = LONGEST) -> list[tuple[float, float]]:
    """Return the spans of a recording that hold speech, in seconds, none longer than ``longest``.

    Cuts are made in the longest pause of a stretch that is too long, at its quietest moment where it has none.
    """
    active = np.flatnonzero(gate.active)
    if not len(active):
        return []
    end = len(gate.active) * STEP
    pauses = gate.pauses(SHORTEST_CUT)
    start, stop = float(active[0]) * STEP, float(active[-1] + 1) * STEP
    spans = _divided(gate, pauses, max(0.0, start - PADDING), min(end, stop + PADDING), longest)
    return [_tightened(gate, span) for span in spans]


def _divided(
    gate: SpeechGate, pauses: list[tuple[float, float]], start: float, stop: float, longest: float
) -> list[tuple[float, float]]:
    """Cut depth first, without recursion: hours of speech have thousands of pieces."""
    found: list[tuple[float, float]] = []
    waiting = [(start, stop)]
    while waiting:
        low, high = waiting.pop()
        if high - low <= longest:
            found.append((low, high))
            continue
        cut = _cut(gate, pauses, low, high)
        waiting += [(cut, high), (low, cut)]
    return found


def _cut(gate: SpeechGate, pauses: list[tuple[float, float]], low: float, high: float) -> float:
    """The best place to divide a span: a long pause near its middle."""
    margin = 0.1 * (high - low)
    inside = [(a, b) for a, b in pauses if a > low + margin and b < high - margin]
    middle = (low + high) / 2
    if inside:
        best = max(inside, key=lambda pause: (pause[1] - pause[0]) - 0.02 * abs(sum(pause) / 2 - middle))
        return sum(best) / 2
    first, last = int((low + 3 * margin) / STEP), int((high - 3 * margin) / STEP)
    return (first + int(np.argmin(gate.level[first:last])) + 0.5) * STEP


def _tightened(gate: SpeechGate, span: tuple[float, float]) -> tuple[float, float]:
    """Drop long silences at a piece's ends."""
    first, last = round(span[0] / STEP), round(span[1] / STEP)
    heard = np.flatnonzero(gate.active[first:last])
    if not len(heard):
        return span
    start = max(span[0], (first + int(heard[0])) * STEP - PADDING)
    return start, min(span[1], (first + int(heard[-1]) + 1) * STEP + PADDING)
