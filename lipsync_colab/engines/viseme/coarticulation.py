"""Gestures → mouth shapes over time: neighbours blend, closures hold, short vowels still open.

Shapes are computed on a fine time grid of their own, so that they do not depend on the frame rate, and are then
sampled at the frames' centres. Closures are events that a viewer checks against the sound, so they are laid down on
the frames themselves.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import cast

import numpy as np
from scipy import ndimage

from lipsync_colab.engines.viseme.visemes import REST, SHAPES, Gesture
from lipsync_colab.types import Array

GRID = 200
"""Shapes per second of the grid."""
BLOCK_SECONDS = 120
REACH = 0.40
"""Seconds beyond which a gesture's influence is nothing (exp(-12))."""
VOWEL_FALL, CONSONANT_FALL = 1 / 0.075, 1 / 0.055
FALL_POWER = 1.5
EDGE_SHARE, LONGEST_EDGE = 0.25, 0.04
"""A gesture holds but for its edges, this share of its length but no more than so many seconds each; beyond that its
dominance is exp(-(d fall)^1.5)."""
FULL_LENGTH = 0.10
"""Seconds; a shorter gesture counts for less, down to 45 %."""
LEAST_WEIGHT = 0.45
STRESS_GAIN = {0: 0.9, 1: 1.08, 2: 1.0}
SMOOTHING = 0.012
"""Seconds (standard deviation)."""

MARGIN = 0.008
"""A closure holds over its phoneme but for this much at either end."""
CLOSURE_RAMP, TUCK_RAMP = 0.037, 0.044
VOWEL_SHARE = 0.4
"""Ramps reach no further than this into a neighbouring vowel, so that its middle stays open."""
OPEN_PRESS = 0.15

JAW_SPEED = 14.0
"""Jaw openings per second. A full opening is about 12 mm between the lips; human lower lips reach 150 to 200 mm/s
in fluent speech (Löfqvist and Gracco, 1997)."""
LIP_SPEED = 12.0


def blended(gestures: Sequence[Gesture], times: np.ndarray) -> Array:
    """Return the shapes at given times, float32 (len(times), len(SHAPES)).

    Args:
        gestures: in order of time.
        times: seconds, increasing.
    """
    result = np.zeros((len(times), len(SHAPES)), np.float32)
    if not len(times) or not gestures:
        return result
    step = round(BLOCK_SECONDS * GRID)
    first, last = int(np.floor(times[0] * GRID)) - 1, int(np.ceil(times[-1] * GRID)) + 2
    margin = round(REACH * GRID)
    starts = np.array([gesture.start for gesture in gestures])
    ends = np.array([gesture.end for gesture in gestures])
    for start in range(first, last, step):
        grid = np.arange(start - margin, min(start + step, last) + margin) / GRID
        inside = (times >= start / GRID) & (times < (start + step) / GRID)
        if inside.any():
            near = slice(np.searchsorted(ends, grid[0] - REACH), np.searchsorted(starts, grid[-1] + REACH))
            shapes = _shapes_on(grid, gestures[near])
            for channel in range(len(SHAPES)):
                result[inside, channel] = np.interp(times[inside], grid, shapes[:, channel])
    return result


def _shapes_on(grid: np.ndarray, gestures: Sequence[Gesture]) -> np.ndarray:
    """Dominance-weighted mean of all targets, smoothed and limited in speed, float64 (len(grid), channels)."""
    total = np.zeros((len(grid), len(SHAPES)))
    weight = np.full((len(grid), len(SHAPES)), 1e-6)
    for gesture in gestures:
        low, high = np.searchsorted(grid, [gesture.start - REACH, gesture.end + REACH])
        if low == high:
            continue
        dominance = _dominance(gesture, grid[low:high])
        viseme = gesture.viseme
        strength = np.array([viseme.jaw_weight] + [viseme.lip_weight] * (len(SHAPES) - 1))
        target = np.array(viseme.shape)
        target[0] *= STRESS_GAIN[gesture.stress] if gesture.vowel else 1.0
        weight[low:high] += dominance[:, None] * strength
        total[low:high] += dominance[:, None] * strength * target
    smooth = ndimage.gaussian_filter1d(total / weight, SMOOTHING * GRID, axis=0, mode="nearest")
    speeds = np.array([JAW_SPEED] + [LIP_SPEED] * (len(SHAPES) - 1))
    return slowed(smooth, speeds / GRID)


def _dominance(gesture: Gesture, times: np.ndarray) -> np.ndarray:
    held = gesture.seconds / 2 - min(EDGE_SHARE * gesture.seconds, LONGEST_EDGE)
    distance = np.maximum(np.abs(times - gesture.middle) - held, 0)
    fall = VOWEL_FALL if gesture.vowel else CONSONANT_FALL
    size = min(1.0, LEAST_WEIGHT + gesture.seconds / FULL_LENGTH)
    return cast(np.ndarray, size * np.exp(-((distance * fall) ** FALL_POWER)))


def slowed(values: np.ndarray, step: np.ndarray) -> np.ndarray:
    """Return values (n, channels) that change by at most ``step`` per row: the mean of the steepest allowed curve
    that stays below them and the one that stays above, so that nothing is delayed."""
    slope = np.arange(len(values))[:, None] * step
    return (_below(values, slope) - _below(-values, slope)) / 2


def _below(values: np.ndarray, slope: np.ndarray) -> np.ndarray:
    forward = np.minimum.accumulate(values - slope, axis=0) + slope
    backward = np.minimum.accumulate((values + slope)[::-1], axis=0)[::-1] - slope
    return cast(np.ndarray, np.minimum(forward, backward))


def events(gestures: Sequence[Gesture], times: np.ndarray, name: str) -> Array:
    """Return how far an event of the lips (``"press"`` or ``"tuck"``) has come at each frame, float32 (frames,).

    Each one is complete on at least one frame, and each vowel beside it open on at least one, where there are frames
    enough for both.

    Args:
        gestures: in order of time.
        times: the frames' centres in seconds, evenly spaced.
        name: the channel.
    """
    values = np.zeros(len(times), np.float32)
    ramp = CLOSURE_RAMP if name == "press" else TUCK_RAMP
    held = np.zeros(len(times), bool)
    marked = [at for at, gesture in enumerate(gestures) if getattr(gesture.viseme, name)]
    for at in marked:
        before = gestures[at - 1] if at else None
        after = gestures[at + 1] if at + 1 < len(gestures) else None
        ramps = _room(before, ramp), _room(after, ramp)
        _lay_down(values, held, times, gestures[at], ramps)
    for at in marked:
        for neighbour in (at - 1, at + 1):
            if 0 <= neighbour < len(gestures) and gestures[neighbour].vowel:
                _open_up(values, held, times, gestures[neighbour])
    return values


def _room(neighbour: Gesture | None, ramp: float) -> float:
    if neighbour is None or not neighbour.vowel:
        return ramp
    return min(ramp, VOWEL_SHARE * neighbour.seconds + MARGIN)


def _lay_down(values: Array, held: np.ndarray, times: np.ndarray, gesture: Gesture, ramps: tuple[float, float]) -> None:
    """Write one event's trapezium over the frames, and make sure that one frame has it whole."""
    ramp_in, ramp_out = ramps
    start, end = gesture.start + MARGIN, gesture.end - MARGIN
    if end < start:
        start = end = gesture.middle
    low, high = np.searchsorted(times, [start - ramp_in, end + ramp_out])
    span = times[low:high]
    rising = 1 - np.maximum(start - span, 0) / ramp_in
    falling = 1 - np.maximum(span - end, 0) / ramp_out
    values[low:high] = np.maximum(values[low:high], np.minimum(rising, falling))
    nearest = int(np.clip(np.searchsorted(times, gesture.middle), 1, max(len(times) - 1, 1)))
    if len(times) > 1 and abs(times[nearest - 1] - gesture.middle) <= abs(times[nearest] - gesture.middle):
        nearest -= 1
    nearest = min(nearest, len(times) - 1)
    if gesture.start - CLOSURE_RAMP <= times[nearest] <= gesture.end + CLOSURE_RAMP:
        values[nearest] = 1
        held[nearest] = True


def _open_up(values: Array, held: np.ndarray, times: np.ndarray, vowel: Gesture) -> None:
    """Make sure that the frame nearest to a vowel's middle is open, unless a closure needs that very frame."""
    low, high = np.searchsorted(times, [vowel.start, vowel.end])
    free = [frame for frame in range(low, high) if not held[frame]]
    if free:
        frame = min(free, key=lambda one: abs(times[one] - vowel.middle))
        values[frame] = min(values[frame], OPEN_PRESS)


def tongue(gestures: Sequence[Gesture], times: np.ndarray) -> Array:
    """Return how far the tongue comes forward at each frame, float32 (frames,)."""
    values = np.zeros(len(times), np.float32)
    for gesture in gestures:
        if not gesture.viseme.tongue:
            continue
        spread = 0.6 * gesture.seconds + 0.02
        low, high = np.searchsorted(times, [gesture.middle - 3 * spread, gesture.middle + 3 * spread])
        bump = gesture.viseme.tongue * np.exp(-(((times[low:high] - gesture.middle) / spread) ** 2))
        values[low:high] = np.maximum(values[low:high], bump)
    return values


def activity(gestures: Sequence[Gesture], times: np.ndarray, lead: float = 0.12, tail: float = 0.16) -> Array:
    """Return 1 at frames inside speech and 0 in the silences between, with soft edges, float32 (frames,)."""
    values = np.zeros(len(times), np.float32)
    for gesture in gestures:
        if gesture.viseme is REST:
            continue
        low, high = np.searchsorted(times, [gesture.start - lead, gesture.end + tail])
        span = times[low:high]
        outside = np.maximum((gesture.start - span) / lead, (span - gesture.end) / tail)
        values[low:high] = np.maximum(values[low:high], np.clip(1 - outside, 0, 1))
    return values * values * (3 - 2 * values)
