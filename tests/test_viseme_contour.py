"""Lip contours go to the edges that the picture shows, and no further than a landmark may be wrong."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lipsync_colab.engines.viseme.contour import REACH, snap_outer, snap_seam
from lipsync_colab.engines.viseme.facing import Facing

UNIT, SIZE = 200.0, 300
FACING = Facing(np.array([150.0, 150.0, 0.0]), np.eye(3), UNIT)
ACROSS = np.linspace(-0.4, 0.4, 11)
GUESS = np.stack([ACROSS, 0.03 * np.cos(3 * ACROSS), np.zeros(11)], axis=1)
ROWS, COLUMNS = np.mgrid[:SIZE, :SIZE]
DOWN = (ROWS - 150) / UNIT - 0.03 * np.cos(3 * (COLUMNS - 150) / UNIT)


def picture(darkness: np.ndarray) -> np.ndarray:
    return np.rint(np.array([200, 150, 130]) * (1 - darkness[..., None])).astype(np.uint8)


@settings(max_examples=25, deadline=None)
@given(st.floats(-0.014, 0.014))
def test_seam_finds_the_dark_line(shift: float) -> None:
    image = picture(0.6 * np.exp(-(((DOWN - shift) / 0.008) ** 2)))
    moved = snap_seam(image, FACING, GUESS)
    assert np.abs(moved[2:-2, 1] - GUESS[2:-2, 1] - shift).max() < 0.004
    assert np.array_equal(moved[[0, -1]], GUESS[[0, -1]])


@pytest.mark.parametrize("upper", [True, False])
@pytest.mark.parametrize("shift", [-0.012, 0.0, 0.012])
def test_outer_contour_finds_where_lip_begins(upper: bool, shift: float) -> None:
    lip = (shift < DOWN) if upper else (shift > DOWN)
    image = np.where(lip[..., None], np.array([170, 90, 90]), np.array([215, 170, 150])).astype(np.uint8)
    moved = snap_outer(image, FACING, GUESS, upper)
    assert np.abs(moved[2:-2, 1] - GUESS[2:-2, 1] - shift).max() < 0.006


def test_flat_picture_moves_nothing() -> None:
    assert np.array_equal(snap_seam(picture(np.zeros((SIZE, SIZE))), FACING, GUESS), GUESS)


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 2**32 - 1))
def test_noise_never_moves_further_than_the_reach(seed: int) -> None:
    image = np.random.default_rng(seed).integers(0, 256, (SIZE, SIZE, 3), np.uint8)
    for moved in (snap_seam(image, FACING, GUESS), snap_outer(image, FACING, GUESS, True)):
        assert np.abs(moved - GUESS).max() <= REACH + 1e-9
