"""A coarse grid's two ways to be read: at places, and enlarged."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lipsync_colab.engines.viseme.area import Area
from lipsync_colab.engines.viseme.grid import Grid


def smooth_field(grid: Grid) -> np.ndarray:
    """A field that is 0 along the grid's border."""
    rows, columns = (np.sin(np.linspace(0, np.pi, count)) ** 2 for count in grid.shape)
    bump = (rows[:, None] * columns[None]).astype(np.float32)
    return np.dstack([7 * bump, -3 * bump**2])


@settings(max_examples=40)
@given(
    step=st.sampled_from([1, 2, 3, 8, 16, 64]),
    corner=st.tuples(st.integers(0, 40), st.integers(0, 40)),
    shares=st.tuples(*[st.floats(0, 1)] * 4),
)
def test_enlarging_equals_reading_at_every_pixel(
    step: int, corner: tuple[int, int], shares: tuple[float, float, float, float]
) -> None:
    grid = Grid(*corner, step, (9, 7))
    left, top, right, bottom = grid.rectangle
    (low_x, high_x), (low_y, high_y) = (sorted(pair) for pair in (shares[:2], shares[2:]))
    first_column, first_row = left + int(low_x * (right - left - 1)), top + int(low_y * (bottom - top - 1))
    last_column, last_row = left + 1 + int(high_x * (right - left - 1)), top + 1 + int(high_y * (bottom - top - 1))
    still = Area.still((first_column, first_row, max(last_column, first_column + 1), max(last_row, first_row + 1)))
    places = Area(still.left, still.top, still.x, still.y, still.map_x, still.map_y, identity=False)
    field = smooth_field(grid)
    for enlarged, read in zip(grid.over_area(field, still), grid.over_area(field, places), strict=True):
        assert enlarged.shape == still.x.shape
        # OpenCV reads between nodes in steps of 1/32 where it has no exact kernel.
        np.testing.assert_allclose(enlarged, read, atol=7 / 32)


def test_a_linear_field_is_enlarged_exactly() -> None:
    grid = Grid(16, 8, 8, (6, 5))
    x, y = grid.nodes()
    area = Area.still((24, 16, 48, 40))
    across, down = grid.over_area(np.dstack([2 * x, y - x]), area)
    np.testing.assert_allclose(across, 2 * area.x, atol=1e-3)
    np.testing.assert_allclose(down, area.y - area.x, atol=1e-3)


def test_the_grid_covers_its_box_and_stays_in_the_picture() -> None:
    grid = Grid.over(np.array([-5.0, 21.0]), np.array([99.5, 70.2]), (90, 200), 8)
    left, top, right, bottom = grid.rectangle
    assert (left, top) == (0, 16) and right <= 90 and bottom >= 71
    assert grid.nodes()[0].shape == grid.shape == pytest.approx((7, 11))
