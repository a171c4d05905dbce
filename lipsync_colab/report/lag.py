"""How far one curve lags behind another: normalised cross-correlation with a parabola through its peak."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from lipsync_colab.types import Array

FEWEST = 8
"""Frames in common below which a correlation says nothing."""


@dataclass(frozen=True, eq=False)
class Lag:
    """A best shift.

    Attributes:
        frames: how many frames the first curve comes after the second; negative when before.
        correlation: Pearson's r at the best whole shift.
        at_zero: Pearson's r without a shift.
        curve: float32 (2 * reach + 1,): r at every whole shift from ``-reach`` to ``reach``.
    """

    frames: float
    correlation: float
    at_zero: float
    curve: Array


def lag(curve: Array, reference: Array, reach: int = 12) -> Lag:
    """Find the shift at which ``curve`` follows ``reference`` best.

    Args:
        curve: (N,), NaN where nothing was measured.
        reference: (N,).
        reach: the largest shift that is tried, in frames.
    """
    reach = min(reach, max(0, min(len(curve), len(reference)) - FEWEST))
    scores = np.array([_correlation(*_shifted(curve, reference, shift)) for shift in range(-reach, reach + 1)])
    best = int(np.nanargmax(scores)) if np.isfinite(scores).any() else reach
    return Lag(best - reach + _summit(scores, best), float(scores[best]), float(scores[reach]), scores.astype("f4"))


def _shifted(curve: Array, reference: Array, shift: int) -> tuple[Array, Array]:
    count = min(len(curve), len(reference))
    curve, reference = curve[:count], reference[:count]
    if shift >= 0:
        return curve[shift:], reference[: count - shift]
    return curve[:shift], reference[-shift:]


def _correlation(one: Array, other: Array) -> float:
    both = np.isfinite(one) & np.isfinite(other)
    if both.sum() < FEWEST:
        return float("nan")
    one, other = one[both].astype(np.float64), other[both].astype(np.float64)
    one, other = one - one.mean(), other - other.mean()
    power = np.sqrt((one * one).sum() * (other * other).sum())
    return float((one * other).sum() / power) if power > 0 else float("nan")


def _summit(scores: np.ndarray, best: int) -> float:
    """Return where between the neighbours of the best whole shift a parabola has its summit, in [-0.5, 0.5]."""
    if not 0 < best < len(scores) - 1 or not np.isfinite(scores[best - 1 : best + 2]).all():
        return 0.0
    before, peak, after = scores[best - 1 : best + 2]
    bend = before - 2 * peak + after
    return float(np.clip(0.5 * (before - after) / bend, -0.5, 0.5)) if bend < 0 else 0.0
