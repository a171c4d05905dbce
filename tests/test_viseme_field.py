"""The skin follows the lips without folding, whatever the pose, the lean and the scale."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from viseme_portraits import POSES, portrait, turned

from lipsync_colab.engines.viseme.motion import MOUTH
from lipsync_colab.engines.viseme.mouth import Mouth
from lipsync_colab.engines.viseme.spline import spline_operator
from lipsync_colab.types import Portrait

NO_FOLD = 0.15
MOUTHS = {name: Mouth(portrait(name)) for name in ("hopper", "astronaut")}
amounts = st.fixed_dictionaries({**{name: st.floats(0, 1) for name in MOUTH}, "smile": st.floats(-1, 1)})


def smallest(mouth: Mouth, pose: dict[str, float]) -> float:
    return mouth.field.smallest_jacobian(mouth.pose(pose).forward)


@pytest.mark.parametrize("name", MOUTHS)
@settings(max_examples=60, deadline=None)
@given(pose=amounts)
def test_no_pose_folds_the_face(name: str, pose: dict[str, float]) -> None:
    assert smallest(MOUTHS[name], pose) > NO_FOLD


@pytest.mark.parametrize("name", MOUTHS)
@settings(max_examples=10, deadline=None)
@given(roll=st.floats(-25, 25), size=st.integers(160, 900), faces=st.floats(2.6, 8))
def test_no_lean_or_scale_folds_the_face(name: str, roll: float, size: int, faces: float) -> None:
    mouth = Mouth(portrait(name, size, roll, faces))
    for pose in POSES.values():
        assert smallest(mouth, pose) > NO_FOLD


@settings(max_examples=15, deadline=None)
@given(yaw=st.floats(-44, 44), pitch=st.floats(-25, 25))
def test_no_turn_folds_the_face(yaw: float, pitch: float) -> None:
    mouth = Mouth(Portrait(portrait("hopper").image, turned(yaw, pitch)))
    for pose in POSES.values():
        assert smallest(mouth, pose) > NO_FOLD


@pytest.mark.parametrize(("yaw", "pitch"), [(-35, 0), (35, 0), (0, -25), (0, 25), (25, 15), (-25, -15)])
def test_full_range_keeps_most_of_the_motion(yaw: float, pitch: float) -> None:
    assert Mouth(Portrait(portrait("hopper").image, turned(yaw, pitch))).amount >= 0.5


def test_turned_mouth_is_foreshortened_and_opens_along_the_jaw() -> None:
    image = portrait("hopper").image
    spans, drops = [], []
    for yaw in (0, 35):
        mouth = Mouth(Portrait(image, turned(yaw, roll=20)))
        closed, wide = (mouth.lips.pose(pose) for pose in ({}, {"jaw": 1.0}))
        places = mouth.facing.picture(closed.inner_upper)
        spans.append(np.linalg.norm(places[-1] - places[0]))
        drop = mouth.facing.picture(wide.inner_lower[5]) - mouth.facing.picture(wide.inner_upper[5])
        drops.append(drop / np.linalg.norm(drop))
    assert spans[1] < 0.9 * spans[0]
    down = np.array([-np.sin(np.radians(20)), np.cos(np.radians(20))])
    assert drops[0] @ down > 0.99
    assert drops[1] @ down > 0.93  # seen from the side, the jaw also goes back


@pytest.mark.parametrize("name", MOUTHS)
@pytest.mark.parametrize("pose", POSES)
def test_inverse_undoes_forward(name: str, pose: str) -> None:
    mouth = MOUTHS[name]
    grid = mouth.field.grid
    x, y = grid.nodes()
    for field in mouth.pose(POSES[pose]).forward:
        back = mouth.field.inverse(field)
        there = grid.sample(field, x - back[..., 0], y - back[..., 1])
        assert np.abs(there - back).max() < 0.004 * mouth.facing.unit


def test_field_is_zero_at_the_border() -> None:
    for mouth in MOUTHS.values():
        for field in mouth.pose(POSES["aa"]).forward:
            for edge in (field[0], field[:, 0], field[:, -1]):
                assert not edge.any()


@settings(deadline=None)
@given(shift=st.tuples(st.floats(-1, 1), st.floats(-1, 1)))
def test_spline_carries_its_controls_and_every_translation(shift: tuple[float, float]) -> None:
    controls = np.random.default_rng(1).uniform(-1, 1, (30, 2))
    operator = spline_operator(controls, np.concatenate([controls, [[2.0, 2.0]]]))
    moved = operator @ np.tile(shift, (30, 1))
    assert np.allclose(moved, shift, atol=1e-6)
    wave = np.sin(controls)
    assert np.allclose((operator @ wave)[:30], wave, atol=1e-2)
