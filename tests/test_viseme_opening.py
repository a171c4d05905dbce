"""The opening's tables: the same curve as scipy's monotone cubics, level beyond the ends."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from scipy.interpolate import PchipInterpolator

from lipsync_colab.engines.viseme.opening import monotone

NUMBERS = st.floats(-5, 5, allow_nan=False, width=32)


@given(st.lists(st.tuples(st.floats(0.01, 3), NUMBERS), min_size=3, max_size=12))
def test_equals_scipy(points: list[tuple[float, float]]) -> None:
    x = np.cumsum([step for step, _ in points])
    y = np.array([value for _, value in points], np.float64)
    at = np.linspace(x[0], x[-1], 101)
    assert np.allclose(monotone(x, y, at), PchipInterpolator(x, y)(at), atol=1e-9)


def test_is_level_beyond_the_ends() -> None:
    x, y = np.array([0.0, 1.0, 2.0]), np.array([3.0, 5.0, 4.0])
    assert monotone(x, y, np.array([-9.0, 0.0, 2.0, 9.0])).tolist() == [3, 3, 4, 4]
