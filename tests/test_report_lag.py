"""The lag of one curve behind another: known shifts come out, and nothing comes out of nothing."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.ndimage import gaussian_filter1d, shift

from lipsync_colab.report.lag import lag


def wobble(frames: int, seed: int) -> np.ndarray:
    return gaussian_filter1d(np.random.default_rng(seed).normal(size=frames), 1.5).astype(np.float32)


@settings(max_examples=40)
@given(st.integers(-10, 10), st.integers(0, 1000))
def test_whole_shifts_come_back(frames: int, seed: int) -> None:
    curve = wobble(300, seed)
    found = lag(np.roll(curve, frames), curve)
    assert abs(found.frames - frames) < 0.5
    assert found.correlation > 0.9


@settings(max_examples=40)
@given(st.floats(-8, 8), st.integers(0, 1000))
def test_parts_of_a_frame_come_back(frames: float, seed: int) -> None:
    curve = wobble(400, seed)
    found = lag(shift(curve, frames, mode="wrap").astype(np.float32), curve)
    assert abs(found.frames - frames) < 0.35


def test_frames_without_a_face_are_left_out() -> None:
    curve = wobble(200, 3)
    moved = np.roll(curve, 4)
    moved[60:90] = np.nan
    assert lag(moved, curve).frames == pytest.approx(4, abs=0.3)


def test_a_flat_curve_has_no_correlation() -> None:
    found = lag(np.zeros(100, np.float32), wobble(100, 1))
    assert np.isnan(found.correlation)
