"""Lids, gaze and brows: what each moves, that it rests exactly, and that a shut eye is shut."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise

import cv2
import numpy as np
import pytest
from drawn_face import SKIN, dome, draw, portrait
from hypothesis import given, settings
from hypothesis import strategies as st

from lipsync_colab.engines.viseme.area import Area
from lipsync_colab.engines.viseme.brows import bridge_contrast, glasses
from lipsync_colab.engines.viseme.eye_opening import IRIS, LOWER, UPPER
from lipsync_colab.engines.viseme.eyes import Eyes
from lipsync_colab.types import Array, Image, Portrait

SIZE = (640, 720)


@pytest.fixture(scope="module")
def still() -> Portrait:
    return portrait(SIZE, unit=110)


@pytest.fixture(scope="module")
def eyes(still: Portrait) -> Eyes:
    return Eyes(still)


def grid(left: int, top: int, right: int, bottom: int) -> tuple[Array, Array]:
    x, y = np.meshgrid(np.arange(left, right, dtype=np.float32), np.arange(top, bottom, dtype=np.float32))
    return x, y


def warp(eyes: Eyes, x: Array, y: Array, pose: dict[str, float]) -> tuple[Array, Array]:
    """Where points anywhere in the picture come from, as under a head that moves."""
    area = Area(0, 0, x, y, x.copy(), y.copy(), identity=False)
    eyes.warp(area, pose)
    return area.map_x, area.map_y


def render(still: Portrait, eyes: Eyes, pose: dict[str, float]) -> Image:
    frame = still.image.copy()
    for left, top, right, bottom in eyes.regions(pose):
        area = Area.still((left, top, right, bottom))
        eyes.warp(area, pose)
        pixels = cv2.remap(still.image, area.map_x, area.map_y, cv2.INTER_CUBIC, borderMode=cv2.BORDER_REPLICATE)
        eyes.paint(pixels, area.x, area.y, pose)
        frame[top:bottom, left:right] = pixels
    return frame


def opening_of(still: Portrait, side: int) -> np.ndarray:
    marks = still.face.landmarks
    mask = np.zeros(still.image.shape[:2], np.uint8)
    cv2.fillPoly(mask, [np.round(marks[[*UPPER[side], *LOWER[side][::-1]]]).astype(np.int32)], 1)
    return mask > 0


def test_rest_has_no_region_and_changes_no_coordinate(eyes: Eyes) -> None:
    assert eyes.regions({}) == []
    assert eyes.regions({"jaw": 1.0, "yaw": 0.1}) == []
    x, y = grid(0, 0, *SIZE)
    for before, after in zip((x, y), warp(eyes, x, y, {"jaw": 1.0}), strict=True):
        np.testing.assert_array_equal(after, before)


@pytest.mark.parametrize("side", [0, 1])
def test_a_shut_eye_shows_skin_where_iris_and_white_were(still: Portrait, eyes: Eyes, side: int) -> None:
    frame = render(still, eyes, {"blink": 1.0})
    inside = cv2.erode(opening_of(still, side).astype(np.uint8), np.ones((3, 3))) > 0
    rows = np.flatnonzero(inside.any(axis=1))
    upper = inside.copy()
    upper[rows[0] + int(0.6 * len(rows)) :] = False
    median = np.median(frame[upper].astype(float), axis=0)
    assert np.abs(median - SKIN).max() < 30
    assert np.abs(np.median(still.image[upper].astype(float), axis=0) - SKIN).max() > 60


def test_a_shut_eye_ends_in_a_dark_line(still: Portrait, eyes: Eyes) -> None:
    frame = render(still, eyes, {"blink": 1.0}).astype(float).mean(axis=-1)
    x = int(still.face.landmarks[UPPER[0][4], 0])
    low = int(still.face.landmarks[LOWER[0][4], 1])
    assert frame[low - 8 : low + 8, x - 2 : x + 3].mean(axis=1).min() < 0.7 * np.mean(SKIN)


def test_a_shut_lid_has_the_light_of_the_skin_around_it(still: Portrait) -> None:
    ramp = np.linspace(0.25, 1.15, SIZE[0])[None, :, None]
    lit = replace(still, image=np.clip(still.image * ramp, 0, 255).astype(np.uint8))
    frame = render(lit, Eyes(lit), {"blink": 1.0}).astype(float)
    for side in (0, 1):
        upper, lower = (lit.face.landmarks[list(lid[side])] for lid in (UPPER, LOWER))
        for corner in (2, 6):
            x, high, low = int(upper[corner, 0]), upper[corner, 1], lower[corner, 1]
            lid, below = (
                frame[int(y) - 2 : int(y) + 3, x - 3 : x + 4].mean() for y in (0.6 * high + 0.4 * low, low + 16)
            )
            assert 0.88 < lid / below < 1.15


def test_no_liner_stays_where_the_lid_was(still: Portrait) -> None:
    image = still.image.copy()
    for indices in UPPER:
        line = np.round((still.face.landmarks[list(indices)] - (0, 5)) * 16).astype(np.int32)
        cv2.polylines(image, [line], False, (30, 20, 20), 13, cv2.LINE_AA, 4)
    worn = replace(still, image=image)
    frame = render(worn, Eyes(worn), {"blink": 1.0}).astype(float).mean(axis=-1)
    for indices in UPPER:
        for corner in (2, 4, 6):
            x, y = (int(value) for value in still.face.landmarks[indices[corner]])
            assert frame[y - 14 : y, x - 2 : x + 3].min() > 0.65 * np.mean(SKIN)


def corners(still: Portrait, side: int) -> tuple[Array, Array]:
    """The inner and the outer corner of an eye in the picture."""
    left, right = still.face.landmarks[UPPER[side][0]], still.face.landmarks[UPPER[side][-1]]
    return (right, left) if side == 0 else (left, right)


def test_the_fold_goes_as_the_lid_comes_down_and_the_lashes_at_once(still: Portrait) -> None:
    image = still.image.copy()
    for indices in UPPER:
        for above, colour in ((9, (120, 80, 70)), (3, (30, 20, 20))):
            line = np.round((still.face.landmarks[list(indices)] - (0, above)) * 16).astype(np.int32)
            cv2.polylines(image, [line], False, colour, 2, cv2.LINE_AA, 4)
    folded = replace(still, image=image)
    eyes = Eyes(folded)
    shut, begun = (render(folded, eyes, {"blink": amount}).astype(float) for amount in (1.0, 0.25))
    for indices in UPPER:
        x, y = np.round(still.face.landmarks[indices[4]]).astype(int)
        fold, lashes = (np.s_[y - above - 1 : y - above + 2, x - 4 : x + 5] for above in (9, 3))
        gone = [
            np.abs(begun[part] - image[part]).mean() / np.abs(shut[part] - image[part]).mean()
            for part in (fold, lashes)
        ]
        assert 0.4 < gone[0] < 0.85
        assert gone[1] > 0.95


def test_a_wing_of_liner_goes_with_the_lid(still: Portrait) -> None:
    image = still.image.copy()
    tips = []
    for side in (0, 1):
        inner, outer = corners(still, side)
        middle = still.face.landmarks[UPPER[side][4]]
        tips.append(outer + 0.14 * (outer - inner) - (0, 6))
        line = np.round(np.stack([middle, outer - (0, 3), tips[-1]]) * 16).astype(np.int32)
        cv2.polylines(image, [line], False, (30, 20, 20), 7, cv2.LINE_AA, 4)
    worn = replace(still, image=image)
    frame = render(worn, Eyes(worn), {"blink": 1.0}).astype(float).mean(axis=-1)
    for x, y in np.round(tips).astype(int).tolist():
        part = (slice(y - 2, y + 3), slice(x - 2, x + 3))
        assert image[part].mean() < 0.5 * np.mean(SKIN)
        assert frame[part].min() > 0.7 * np.mean(SKIN)


def test_the_lid_is_even_and_skin_where_highlights_and_dark_flecks_were(still: Portrait) -> None:
    image = still.image.copy()
    random = np.random.default_rng(4)
    for indices in UPPER:
        marks = still.face.landmarks[list(indices)]
        line = np.round((marks - (0, 9)) * 16).astype(np.int32)
        cv2.polylines(image, [line], False, (235, 232, 228), 3, cv2.LINE_AA, 4)
        for x, y in marks[1:-1]:
            for _ in range(3):
                spot = (int(x + random.integers(-4, 5)), int(y - random.integers(1, 10)))
                cv2.circle(image, spot, 2, (40, 18, 12), -1, cv2.LINE_AA)
    spotted = replace(still, image=image)
    frame = cv2.GaussianBlur(render(spotted, Eyes(spotted), {"blink": 1.0}), (0, 0), 1.0).astype(float)
    for indices in UPPER:
        x, y = (int(value) for value in still.face.landmarks[indices[4]])
        lid = frame[y - 9 : y + 6, x - 12 : x + 13]
        assert lid.mean(axis=-1).std() < 0.07 * np.mean(SKIN)
        assert np.ptp(lid.mean(axis=(0, 1))) > 0.65 * np.ptp(SKIN)


def test_no_edge_shows_where_the_lid_begins_under_a_shaded_brow(still: Portrait) -> None:
    rows = np.arange(SIZE[1])[:, None, None]
    eye_line = float(still.face.points[:2, 1].mean())
    shade = 1 - 0.55 / (1 + np.exp((rows - eye_line + 6) / 4.0))
    deep = replace(still, image=np.rint(still.image * shade).astype(np.uint8))
    frame = cv2.GaussianBlur(render(deep, Eyes(deep), {"blink": 1.0}), (0, 0), 1.5).astype(float).mean(axis=-1)
    for indices in UPPER:
        for corner in (3, 4, 5):
            x, y = (int(value) for value in still.face.landmarks[indices[corner]])
            column = frame[y - 22 : y + 6, x - 3 : x + 4].mean(axis=1)
            assert np.abs(column[4:] - column[:-4]).max() < 0.13 * np.mean(SKIN)


def test_the_lid_comes_down_steadily(still: Portrait, eyes: Eyes) -> None:
    inside = opening_of(still, 0)
    colours = [render(still, eyes, {"blink": amount})[inside].astype(float) for amount in np.linspace(0, 1, 6)]
    away = [float(np.abs(colour - SKIN).mean()) for colour in colours]
    assert all(later < earlier for earlier, later in pairwise(away))


def test_grain_of_the_lid_is_that_of_the_skin(still: Portrait, eyes: Eyes) -> None:
    frame = render(still, eyes, {"blink": 1.0}).astype(np.float32)
    fine = frame - cv2.GaussianBlur(frame, (0, 0), 2.0)
    x, y = (int(value) for value in still.face.landmarks[UPPER[0][4]])
    lid, cheek = fine[y - 2 : y + 6, x - 12 : x + 12].std(), fine[y + 60 : y + 90, x - 20 : x + 20].std()
    assert 0.4 < lid / cheek < 2.5


@pytest.mark.parametrize("amount", [-0.06, 0.06])
def test_gaze_moves_the_iris_and_not_the_corners(still: Portrait, eyes: Eyes, amount: float) -> None:
    frame = render(still, eyes, {"gaze_x": amount}).astype(np.float64)
    before = still.image.astype(np.float64)

    def centre(picture: Array, side: int) -> float:
        x, y = (int(value) for value in still.face.landmarks[IRIS[side]])
        dark = 255 - picture[y - 1 : y + 2, x - 17 : x + 18].mean(axis=(0, 2))
        dark = np.clip(dark - 100, 0, None)
        return float((dark * np.arange(len(dark))).sum() / dark.sum())

    for side in (0, 1):
        width = 0.46 * 110
        assert centre(frame, side) - centre(before, side) == pytest.approx(amount * width, abs=0.8)
        corner = np.round(still.face.landmarks[UPPER[side][0]]).astype(int)
        part = (slice(corner[1] - 2, corner[1] + 3), slice(corner[0] - 4, corner[0] + 1))
        np.testing.assert_allclose(frame[part], before[part], atol=12)


def test_a_raised_brow_goes_up_and_leaves_the_lid(still: Portrait, eyes: Eyes) -> None:
    x, y = grid(0, 0, *SIZE)
    _, moved = warp(eyes, x, y, {"brow": 1.0})
    marks = np.round(still.face.landmarks).astype(int)
    brow, lid = marks[52], marks[159]
    assert (moved - y)[brow[1], brow[0]] > 3
    assert abs((moved - y)[lid[1], lid[0]]) < 0.2


@given(
    pose=st.fixed_dictionaries(
        {
            "blink": st.floats(0, 1),
            "gaze_x": st.floats(-0.06, 0.06),
            "gaze_y": st.floats(-0.03, 0.03),
            "brow": st.floats(-1, 1),
        }
    )
)
@settings(max_examples=25, deadline=None)
def test_nothing_folds_and_nothing_changes_outside_the_regions(pose: dict[str, float]) -> None:
    x, y = grid(0, 0, *SIZE)
    u, v = warp(_EYES, x, y, pose)
    jacobian = np.gradient(u, axis=1) * np.gradient(v, axis=0) - np.gradient(u, axis=0) * np.gradient(v, axis=1)
    assert jacobian.min() > 0.15
    outside = np.ones(x.shape, bool)
    for left, top, right, bottom in _EYES.regions(pose):
        assert 0 <= left < right <= SIZE[0] and 0 <= top < bottom <= SIZE[1]
        outside[top:bottom, left:right] = False
    assert max(np.abs(u - x)[outside].max(), np.abs(v - y)[outside].max()) < 0.06
    painted = _STILL.image.copy()
    _EYES.paint(painted, x, y, pose)
    np.testing.assert_array_equal(painted[outside], _STILL.image[outside])


_STILL = portrait(SIZE, unit=110)
_EYES = Eyes(_STILL)


def test_paint_follows_the_face_wherever_the_head_took_it(still: Portrait, eyes: Eyes) -> None:
    left, top, right, bottom = eyes.regions({"blink": 1.0})[0]
    x, y = grid(left - 20, top - 20, right + 20, bottom + 20)
    here, there = (np.full((*x.shape, 3), 128.0, np.float32) for _ in range(2))
    eyes.paint(here, x, y, {"blink": 1.0})
    eyes.paint(there, x - 7, y + 5, {"blink": 1.0})
    np.testing.assert_allclose(there[10:-10, 10:-10], np.roll(here, (-5, 7), (0, 1))[10:-10, 10:-10], atol=0.5)


def test_rims_before_the_eye_stay_in_front_of_the_lid() -> None:
    still = portrait(SIZE, unit=110)
    image = still.image.copy()
    left, right = still.face.points[:2]
    height = int(left[1] - 0.22 * 110)
    cv2.line(image, (int(left[0]) - 90, height), (int(right[0]) + 90, height), (20, 20, 30), 9)
    still = Portrait(image, still.face)
    frame = render(still, Eyes(still), {"blink": 1.0})
    rim = (slice(height - 2, height + 3), slice(int(left[0]) - 15, int(left[0]) + 15))
    assert np.abs(frame[rim].astype(int) - image[rim]).max() < 25


def test_glasses_are_told_by_the_bridge(still: Portrait) -> None:
    assert not glasses(still)
    image = still.image.copy()
    x, y = (int(value) for value in still.face.landmarks[6])
    cv2.line(image, (x - 30, y), (x + 30, y), (60, 40, 40), 7)
    worn = Portrait(image, still.face)
    assert glasses(worn) and bridge_contrast(worn) > 3 * bridge_contrast(still)
    x, y = grid(0, 0, *SIZE)
    assert np.abs(warp(Eyes(worn), x, y, {"brow": 1.0})[1] - y).max() > 0


@pytest.mark.parametrize(("unit", "size"), [(24, (160, 180)), (300, (1080, 1080))])
def test_small_large_and_cut_faces_are_drawn(unit: float, size: tuple[int, int]) -> None:
    for centre in ((size[0] / 2, size[1] * 0.4), (0.6 * unit, 0.3 * unit)):
        face = dome(centre, unit, yaw=0.4, roll=0.3)
        still = Portrait(draw(face, size), face)
        frame = render(still, Eyes(still), {"blink": 1.0, "gaze_x": 0.05, "brow": 1.0})
        assert frame.shape == still.image.shape and (frame != still.image).any()


def test_a_shut_source_eye_does_not_blink_and_the_other_does() -> None:
    still = portrait(SIZE, unit=110)
    mesh = still.face.mesh.copy()
    mesh[list(UPPER[0]), 1] = mesh[list(LOWER[0]), 1]
    shut = Portrait(still.image, replace(still.face, mesh=mesh))
    regions = Eyes(shut).regions({"blink": 1.0, "gaze_x": 0.05})
    assert regions == [Eyes(still).regions({"blink": 1.0})[1]]


def test_eyes_behind_dark_lenses_stay_hidden() -> None:
    still = portrait(SIZE, unit=110)
    image = still.image.copy()
    for x, y in still.face.points[:2].astype(int).tolist():
        cv2.ellipse(image, (x, y), (45, 34), 0, 0, 360, (24, 22, 22), -1)
    image = np.clip(image + np.random.default_rng(0).normal(0, 2, image.shape), 0, 255).astype(np.uint8)
    eyes = Eyes(Portrait(image, still.face))
    assert eyes.regions({"blink": 1.0, "gaze_x": 0.05}) == []
    assert len(eyes.regions({"brow": 1.0})) == 1
    pixels, (x, y) = image.copy(), grid(0, 0, *SIZE)
    eyes.paint(pixels, x, y, {"blink": 1.0})
    np.testing.assert_array_equal(pixels, image)
