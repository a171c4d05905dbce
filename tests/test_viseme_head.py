"""The head's field: what moves with it, what never moves, and where it ends."""

from __future__ import annotations

import numpy as np
import pytest
from drawn_face import dome, portrait
from hypothesis import given, settings
from hypothesis import strategies as st
from viseme_portraits import turned

from lipsync_colab.bench.gates.poses import EXTREMES
from lipsync_colab.engines.viseme.field import jacobian
from lipsync_colab.engines.viseme.head import MOTIONS, Head, _gentle
from lipsync_colab.types import Array, Portrait

EXTREME = {"head_x": 0.045, "head_y": 0.035, "roll": 0.04, "yaw": 0.08, "pitch": 0.08, "breath": 0.02}


@pytest.fixture(scope="module")
def head() -> Head:
    return Head(portrait())


def displacement(head: Head, size: tuple[int, int], pose: dict[str, float]) -> Array:
    x, y = head.backward((0, 0, *size), pose)
    columns, rows = np.meshgrid(np.arange(size[0]), np.arange(size[1]))
    return np.stack([columns - x, rows - y], axis=-1)


def test_rest_moves_nothing(head: Head) -> None:
    assert head.region({}) is None
    assert head.region({name: 0.0 for name in MOTIONS} | {"blink": 1.0, "jaw": 1.0}) is None
    assert np.abs(displacement(head, (640, 720), {})).max() < 1e-3


def test_motion_below_what_can_be_seen_has_no_region(head: Head) -> None:
    assert head.region({"head_x": 0.0004}) is None


@pytest.mark.parametrize("size", [(160, 180), (240, 270), (640, 720)])
def test_motion_begins_softly_however_small_the_picture(size: tuple[int, int]) -> None:
    length = np.linalg.norm(displacement(Head(portrait(size)), size, {"head_x": 0.03, "yaw": 0.055}), axis=-1)
    for axis in (0, 1):
        first = np.minimum(*(np.take(length, range(k, length.shape[axis] - 1 + k), axis) for k in (0, 1))) < 0.02
        assert np.abs(np.diff(length, axis=axis))[first].max() < 0.05
    assert length.max() > 5


def test_no_breath_where_it_would_only_flicker() -> None:
    small, large = (
        Head(Portrait(np.zeros((size, size, 3), np.uint8), dome((size / 2, size / 3), size / 12)))
        for size in (240, 960)
    )
    assert small.region({"breath": 0.003}) is None
    assert large.region({"breath": 0.003}) is not None


@given(
    amounts=st.fixed_dictionaries({name: st.floats(-limit, limit) for name, limit in EXTREME.items()}),
    size=st.sampled_from([(640, 720), (401, 397), (720, 480)]),
)
@settings(max_examples=25, deadline=None)
def test_nothing_folds_and_nothing_moves_outside_the_region(amounts: dict[str, float], size: tuple[int, int]) -> None:
    head = Head(portrait(size))
    moved = displacement(head, size, amounts)
    along = np.gradient(-moved[..., 0], axis=1) + 1
    down = np.gradient(-moved[..., 1], axis=0) + 1
    cross = np.gradient(moved[..., 0], axis=0) * np.gradient(moved[..., 1], axis=1)
    assert (along * down - cross).min() > 0.15
    region = head.region(amounts)
    outside = np.ones(moved.shape[:2], bool)
    if region is not None:
        left, top, right, bottom = region
        assert 0 <= left < right <= size[0] and 0 <= top < bottom <= size[1]
        outside[top:bottom, left:right] = False
    assert np.abs(moved[outside]).max(initial=0) < 1e-3
    assert max(np.abs(edge).max() for edge in (moved[0], moved[-1], moved[:, 0], moved[:, -1])) < 1e-3


@given(left=st.integers(0, 500), top=st.integers(0, 600), width=st.integers(1, 140), height=st.integers(1, 120))
@settings(max_examples=30, deadline=None)
def test_any_rectangle_is_cut_from_the_same_field(left: int, top: int, width: int, height: int) -> None:
    head = _HEAD
    part = head.backward((left, top, left + width, top + height), EXTREME)
    for whole, piece in zip(_WHOLE, part, strict=True):
        assert piece.shape == (height, width) and piece.dtype == np.float32
        np.testing.assert_allclose(piece, whole[top : top + height, left : left + width], atol=2e-3)


_HEAD = Head(portrait())
_WHOLE = [places.copy() for places in _HEAD.backward((0, 0, 640, 720), EXTREME)]


def test_the_face_moves_as_one_and_the_collar_stays(head: Head) -> None:
    moved = displacement(head, (640, 720), {"head_x": 0.02})
    face = dome((320, 720 * 0.38), 80).landmarks
    for index in (10, 6, 33, 263, 1, 61):
        x, y = np.round(face[index]).astype(int)
        assert moved[y, x, 0] == pytest.approx(0.02 * 80, rel=0.05)
    assert np.abs(moved[int(face[152, 1] + 1.6 * 80) :]).max() < 0.05


@pytest.mark.parametrize(("name", "axis"), [("yaw", 0), ("pitch", 1)])
def test_turning_moves_the_nose_more_than_the_ears(head: Head, name: str, axis: int) -> None:
    moved = displacement(head, (640, 720), {name: 0.04})
    face = dome((320, 720 * 0.38), 80).landmarks
    nose, ear = (np.round(face[index]).astype(int) for index in (6, 234))
    assert moved[nose[1], nose[0], axis] > 2 > abs(moved[ear[1], ear[0], axis])


def test_a_turned_face_nods_about_its_own_axis() -> None:
    size = (640, 720)
    face = dome((320, 280), 80, yaw=0.6)
    head = Head(Portrait(np.zeros((720, 640, 3), np.uint8), face))
    x, y = np.round(face.landmarks[6]).astype(int)
    moved = displacement(head, size, {"pitch": 0.04})[y, x]
    assert moved[1] > 1.5 and abs(moved[0]) < moved[1]


def test_breathing_lifts_the_chest_more_than_the_head(head: Head) -> None:
    moved = displacement(head, (640, 720), {"breath": 0.02})[..., 1]
    chin = int(720 * 0.38 + 1.85 * 80)
    assert moved[chin + 100 : chin + 130, 320].min() < moved[int(720 * 0.38), 320] < -0.2


def test_another_face_is_left_alone() -> None:
    other = dome((560, 240), 40)
    head = Head(portrait(others=(other,)))
    moved = displacement(head, (640, 720), EXTREME)
    x, y = other.landmarks.round().astype(int).T
    assert np.abs(moved[np.clip(y, 0, 719), np.clip(x, 0, 639)]).max() < 1e-3


@pytest.mark.parametrize("yaw", [-45.0, -30.0, 0.0])
@pytest.mark.parametrize("gap", [5, 45, 150])
def test_no_face_folds_near_a_border_or_turned(yaw: float, gap: int) -> None:
    face = turned(yaw)
    face = face.moved(np.array([[1, 0, gap - face.mesh[:468, 0].min()], [0, 1, 0]], np.float32))
    head = Head(Portrait(np.zeros((640, 640, 3), np.uint8), face))
    assert min(float(jacobian(-head.field(pose), head.step).min()) for pose in EXTREMES) > 0.15
    nose = face.landmarks[1].round().astype(int)
    assert displacement(head, (640, 640), {"yaw": 0.05})[nose[1], nose[0], 0] > 0.005 * face.eye_distance


def test_slopes_of_depth_are_gentle_and_what_is_gentle_stays() -> None:
    cliff = np.zeros((9, 20))
    cliff[:, 10:] = 12.0
    found = _gentle(cliff, 2.0)
    assert np.abs(np.diff(found, axis=1)).max() <= 2.0
    assert found[0, 0] == 0 and found[0, -1] == 12
    assert np.array_equal(_gentle(cliff / 6, 2.0), cliff / 6)
