"""What chance reaches: little for lips that follow their own voice, everything for a mouth that never opens."""

from __future__ import annotations

import math

import numpy as np
from scipy.ndimage import gaussian_filter1d

from lipsync_colab.report.chance import chance_closures, chance_correlation
from lipsync_colab.report.lag import lag


def wobble(frames: int, seed: int) -> np.ndarray:
    return gaussian_filter1d(np.random.default_rng(seed).normal(size=frames), 1.5).astype(np.float32)


def test_chance_lies_far_below_a_voice_of_ones_own() -> None:
    curve = wobble(400, 1)
    assert 0.05 < chance_correlation(curve, curve) < 0.6


def test_unrelated_curves_rarely_beat_chance() -> None:
    beaten = [
        lag(wobble(300, seed), wobble(300, seed + 1000)).correlation
        > chance_correlation(wobble(300, seed), wobble(300, seed + 1000)) + 0.05
        for seed in range(30)
    ]
    assert sum(beaten) <= 5


def test_a_short_clip_has_no_chance_level() -> None:
    assert math.isnan(chance_correlation(wobble(50, 1), wobble(50, 2)))


def test_a_shut_mouth_closes_by_chance() -> None:
    spans = [(3, 6), (10, 14)]
    assert chance_closures(np.zeros(50, np.float32), spans, 0.03) == 1
    assert chance_closures(np.ones(50, np.float32), spans, 0.03) == 0
    half = np.repeat(np.array([0.0, 1.0], np.float32), 500)
    assert 0.45 < chance_closures(half, spans, 0.03) < 0.55
    assert math.isnan(chance_closures(np.full(50, np.nan, np.float32), spans, 0.03))
