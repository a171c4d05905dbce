"""The face's own axes, measured on turned copies of a mesh."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from viseme_portraits import turned

from lipsync_colab.engines.viseme.facing import Facing, check_facing
from lipsync_colab.errors import InputError


@settings(max_examples=30, deadline=None)
@given(st.floats(-45, 45), st.floats(-25, 25), st.floats(-30, 30))
def test_turns_are_measured(yaw: float, pitch: float, roll: float) -> None:
    facing = Facing.of(turned(yaw, pitch, roll))
    straight = Facing.of(turned(0))
    assert abs(facing.unit - straight.unit) < 1e-3 * straight.unit
    assert np.allclose(facing.axes.T @ facing.axes, np.eye(3), atol=1e-9)
    assert abs(Facing.of(turned(yaw)).yaw - yaw) < 0.5
    assert abs(Facing.of(turned(0, pitch)).pitch - pitch) < 0.5
    assert abs(Facing.of(turned(0, 0, roll)).roll - roll) < 0.5


@settings(max_examples=30, deadline=None)
@given(st.floats(-40, 40), st.floats(-1, 1), st.floats(-1, 1))
def test_plane_inverts_picture(yaw: float, across: float, down: float) -> None:
    facing = Facing.of(turned(yaw))
    x, y = facing.picture(np.array([across, down, 0.0])).astype(np.float32)
    assert np.allclose(facing.plane(x, y), (across, down), atol=1e-4)


def test_range_is_said() -> None:
    assert check_facing(turned(20)) == ""
    assert "turned by 42" in check_facing(turned(42))
    assert Facing.of(turned(42)).amount < 1
    with pytest.raises(InputError, match="turned by 60°"):
        check_facing(turned(-60))
    with pytest.raises(InputError, match="tilted"):
        check_facing(turned(0, 48))
