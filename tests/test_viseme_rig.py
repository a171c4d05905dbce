"""One frame of the embedded engine: what it changes, what it leaves alone, and how the mouth looks."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from viseme_portraits import MIRROR, POSES, SHEET, face_of, laid_in, portrait, warped

from lipsync_colab.engines.viseme.area import Area
from lipsync_colab.engines.viseme.landmarks import INNER_LOWER, INNER_UPPER, OUTER_UPPER
from lipsync_colab.engines.viseme.light import LUMA, Light
from lipsync_colab.engines.viseme.mouth import Mouth
from lipsync_colab.engines.viseme.opening import COLUMNS, REACH, Gap
from lipsync_colab.engines.viseme.rig import FaceRig
from lipsync_colab.errors import InputError
from lipsync_colab.types import Array, Portrait

HEAD = {"head_x": 0.012, "head_y": 0.008, "roll": 0.012, "yaw": 0.02, "pitch": 0.015, "breath": 0.006}
EYES = {"blink": 0.6, "gaze_x": 0.1, "brow": 0.5}
RIGS = {name: FaceRig(portrait(name)) for name in ("hopper", "astronaut")}
NAMES = pytest.mark.parametrize("name", RIGS)


def borders(image: np.ndarray, left: int, top: int, size: tuple[int, int]) -> list[np.ndarray]:
    """The patch's border rows and columns that lie inside the picture."""
    height, width = image.shape[:2]
    lines = [(top > 0, image[0]), (left > 0, image[:, 0])]
    lines += [(top + height < size[1], image[-1]), (left + width < size[0], image[:, -1])]
    return [line for inside, line in lines if inside]


@NAMES
@pytest.mark.parametrize("pose", POSES)
@pytest.mark.parametrize("life", [{}, HEAD, EYES, {**HEAD, **EYES}], ids=["mouth", "head", "eyes", "all"])
def test_patches_equal_the_still_along_their_borders(name: str, pose: str, life: dict[str, float]) -> None:
    still = portrait(name)
    patches = RIGS[name].render({**POSES[pose], **life})
    for patch in patches:
        assert patch.mask is None
        left, top = (int(value) for value in patch.transform[:, 2])
        height, width = patch.pixels.shape[:2]
        under = still.image[top : top + height, left : left + width]
        for drawn, kept in zip(
            borders(patch.pixels, left, top, still.size), borders(under, left, top, still.size), strict=True
        ):
            assert np.array_equal(drawn, kept)


@NAMES
def test_patches_do_not_overlap(name: str) -> None:
    for life in ({"blink": 1.0}, EYES):
        covered = np.zeros(portrait(name).image.shape[:2], int)
        for patch in RIGS[name].render({**POSES["aa"], **life}):
            left, top = (int(value) for value in patch.transform[:, 2])
            height, width = patch.pixels.shape[:2]
            covered[top : top + height, left : left + width] += 1
        assert covered.max() == 1


@NAMES
def test_same_pose_gives_same_bytes(name: str) -> None:
    other = FaceRig(portrait(name))
    for pose in ("oh", "rest", "oh"):
        pairs = zip(RIGS[name].render(POSES[pose]), other.render(POSES[pose]), strict=True)
        assert all(np.array_equal(a.pixels, b.pixels) for a, b in pairs)


def test_closed_mouth_at_rest_changes_nothing() -> None:
    still = portrait("hopper")
    assert np.array_equal(laid_in(still, RIGS["hopper"].render({})), still.image)


def parted(colour: tuple[int, int, int], gap: float = 0.04, moustache: bool = False) -> Portrait:
    """Hopper with lips that lie some eye distances apart, and a colour between them, or down from the nose."""
    still = portrait("hopper", 640)
    mesh, unit = still.face.mesh.copy(), still.face.eye_distance
    for contour, side in ((INNER_UPPER, -1), (INNER_LOWER, 1)):
        mesh[list(contour[1:-1]), 1] += side * gap / 2 * unit
    outline = mesh[[*INNER_UPPER, *INNER_LOWER[::-1]], :2]
    if moustache:
        outline = np.concatenate([mesh[list(OUTER_UPPER), :2] - (0, 0.05 * unit), mesh[list(INNER_LOWER[::-1]), :2]])
    image = still.image.copy()
    cv2.fillPoly(image, [np.round(outline).astype(np.int32)], colour)
    return Portrait(image, face_of(mesh))


def test_a_shade_between_the_lips_stays_at_rest_and_pressed_lips_close_over_it() -> None:
    still = parted((40, 20, 15))
    mouth = Mouth(still)
    assert mouth.lips.parted == 0
    assert FaceRig(still).render({}) == ()
    rest, pressed = (mouth.lips.pose(pose) for pose in ({}, {"press": 1.0}))
    for contour in ("inner_upper", "inner_lower"):
        assert 0.025 < (getattr(rest, contour) - getattr(pressed, contour))[5, 1] < 0.05
    assert abs((rest.outer_upper - pressed.outer_upper)[5, 1]) < 0.012
    assert mouth.field.smallest_jacobian(mouth.pose({"press": 1.0}).forward) > 0.15


def test_teeth_and_wide_openings_are_no_shade() -> None:
    assert Mouth(parted((190, 180, 170))).lips.parted > 0.03
    assert Mouth(parted((40, 20, 15), 0.09)).lips.parted > 0.06
    assert Mouth(parted((40, 20, 15), 0.07)).lips.parted > 0.05


def test_a_moustaches_shade_may_be_wider() -> None:
    assert Mouth(parted((40, 20, 15), 0.07, moustache=True)).lips.parted == 0
    assert Mouth(parted((40, 20, 15), 0.10, moustache=True)).lips.parted > 0.08


def test_smile_closes_at_rest() -> None:
    still = portrait("astronaut")
    frame = laid_in(still, RIGS["astronaut"].render({}))
    mouth = still.face.landmarks[[13, 14]].mean(axis=0).astype(int)
    reach = int(0.3 * still.face.eye_distance)
    teeth = still.image[mouth[1] - reach // 4 : mouth[1] + reach // 4, mouth[0] - reach : mouth[0] + reach]
    closed = frame[mouth[1] - reach // 4 : mouth[1] + reach // 4, mouth[0] - reach : mouth[0] + reach]
    assert closed.min(axis=-1).mean() < 0.85 * teeth.min(axis=-1).mean()


@pytest.mark.parametrize("pose", ["rest", "m"])
def test_no_tooth_shines_through_closed_lips(pose: str) -> None:
    still = portrait("astronaut", 1080)
    frame = laid_in(still, FaceRig(still).render(POSES[pose]))
    mouth = Mouth(still)
    posed = mouth.pose(POSES[pose])
    columns = np.linspace(-0.85, 0.85, 200) * posed.opening.half + posed.opening.centre
    seam = np.interp(columns, np.linspace(-0.75, 0.75, len(posed.opening.middle)), posed.opening.middle)
    brightness = cv2.cvtColor(frame, cv2.COLOR_RGB2GRAY).astype(np.float32)

    def along(offset: float) -> np.ndarray:
        local = np.stack([columns, seam + offset, np.zeros_like(columns)], axis=1)
        places = mouth.facing.picture(local).astype(np.float32)
        return cv2.remap(brightness, places[None, :, 0], places[None, :, 1], cv2.INTER_LINEAR)[0]

    line = np.stack([along(offset) for offset in (-0.01, -0.005, 0.0, 0.005, 0.01)])
    lips = np.stack([along(offset) for offset in (-0.06, -0.045, 0.045, 0.06, 0.075)])
    assert line.max() <= np.percentile(lips, 99)


@NAMES
def test_opening_grows_with_the_jaw(name: str) -> None:
    mouth = Mouth(portrait(name))
    heights = [mouth.pose({"jaw": jaw}).opening.height for jaw in np.linspace(0, 1, 11)]
    assert np.all(np.diff(heights) > 0)
    assert heights[-1] > 0.15
    assert heights[0] < 0.005


@NAMES
def test_rounding_narrows_and_spreading_widens(name: str) -> None:
    mouth = Mouth(portrait(name))
    rest, rounded, wide = (mouth.pose(pose).opening.half for pose in ({}, {"round": 1.0}, {"wide": 1.0}))
    assert rounded < 0.8 * rest
    assert wide > 1.03 * rest


@NAMES
def test_interior_is_dark_when_open(name: str) -> None:
    still = portrait(name)
    posed = Mouth(still).pose(POSES["oh"])
    frame = laid_in(still, RIGS[name].render(POSES["oh"]))
    middle = len(posed.opening.middle) // 2
    local = np.array([posed.opening.centre, float(posed.opening.middle[middle]), 0.0])
    x, y = Mouth(still).facing.picture(local).astype(int)
    assert frame[y, x].mean() < 0.5 * still.image[y, x].mean()


def inside_of(name: str, pose: dict[str, float]) -> tuple[Array, Gap]:
    """The luma of a posed mouth over that of the skin, and where its pixels lie in the opening."""
    still, mouth = portrait(name), Mouth(portrait(name))
    posed = mouth.pose(pose)
    left, top, right, bottom = posed.lip_box(0.0)
    frame = laid_in(still, RIGS[name].render(pose))[top:bottom, left:right].astype(np.float32)
    x, y = np.meshgrid(np.arange(left, right, dtype=np.float32), np.arange(top, bottom, dtype=np.float32))
    return frame @ LUMA / (mouth.light.skin @ LUMA), Gap.of(posed.opening, *mouth.facing.plane(x, y))


@NAMES
@pytest.mark.parametrize("pose", ["ee", "th"])
def test_no_black_wedge_in_the_corners(name: str, pose: str) -> None:
    luma, gap = inside_of(name, POSES[pose])
    corner = (gap.below > 0.01) & (gap.above > 0.01) & (gap.off_centre > 0.7)
    assert corner.sum() > 10
    assert np.percentile(luma[corner], 5) > 0.15


@NAMES
def test_the_corners_of_a_wide_open_mouth_are_no_blunt_ends(name: str) -> None:
    opening = Mouth(portrait(name)).pose(POSES["aa"]).opening
    columns, heights = np.linspace(-REACH, REACH, COLUMNS), opening.lower - opening.upper
    near = [np.interp(opening.centre + side * 0.95 * opening.half, columns, heights) for side in (-1, 1)]
    assert 0.08 < max(near) / opening.height < 0.14


@NAMES
def test_no_bright_speck_in_the_corners_of_an_open_mouth(name: str) -> None:
    luma, gap = inside_of(name, POSES["aa"])
    corner = (gap.below > 0.008) & (gap.above > 0.008) & (gap.off_centre > 0.9)
    assert corner.any()
    assert luma[corner].max() < 0.34


@NAMES
def test_an_open_mouth_shows_a_tongue_that_fades_into_the_dark(name: str) -> None:
    luma, gap = inside_of(name, POSES["aa"])
    depth = gap.below / np.maximum(gap.below + gap.above, 1e-3)
    middle = (gap.off_centre < 0.2) & (gap.above > 0.03)
    back, front = (luma[middle & (depth > low) & (depth < low + 0.12)].mean() for low in (0.35, 0.68))
    assert back < 0.3
    assert front > 1.3 * back


@NAMES
def test_hushing_teeth_meet(name: str) -> None:
    luma, gap = inside_of(name, POSES["sh"])
    middle = (gap.off_centre < 0.25) & (gap.below > 0.02) & (gap.above > 0.03)
    assert (luma[middle] > 0.4).mean() > 0.55


def redness_of(name: str, pose: dict[str, float]) -> tuple[Array, Gap]:
    """How much more red than green, over the luma, a posed mouth has, and where its pixels lie in the opening."""
    still, mouth = portrait(name), Mouth(portrait(name))
    posed = mouth.pose(pose)
    left, top, right, bottom = posed.lip_box(0.0)
    frame = laid_in(still, RIGS[name].render(pose))[top:bottom, left:right].astype(np.float32)
    x, y = np.meshgrid(np.arange(left, right, dtype=np.float32), np.arange(top, bottom, dtype=np.float32))
    return (frame[..., 0] - frame[..., 1]) / np.maximum(frame @ LUMA, 1), Gap.of(
        posed.opening, *mouth.facing.plane(x, y)
    )


def low_and_middle(gap: Gap) -> NDArray[np.bool_]:
    """Where the lower teeth's edge shows: the middle of the opening, over the lower lip."""
    depth = gap.below / np.maximum(gap.below + gap.above, 1e-3)
    return (gap.off_centre < 0.2) & (depth > 0.72) & (gap.above > 0.015)


@NAMES
def test_the_tongue_lies_lit_between_the_teeth_for_th(name: str) -> None:
    redness, gap = redness_of(name, POSES["th"])
    lying = low_and_middle(gap)
    teeth = (gap.off_centre < 0.2) & (gap.below > 0.012) & (gap.below < 0.03)
    assert np.median(redness[lying]) > np.median(redness[teeth]) + 0.2
    assert np.median(inside_of(name, POSES["th"])[0][lying]) > 0.3


def test_the_tongue_stays_behind_the_lower_teeth_for_l() -> None:
    between, behind = (redness_of("hopper", SHEET[sound]) for sound in ("th", "l"))
    reds = [float(np.median(redness[low_and_middle(gap)])) for redness, gap in (between, behind)]
    assert reds[1] < reds[0] - 0.2


def test_the_tongue_of_an_l_shows_below_teeth_that_hang_low() -> None:
    redness, gap = redness_of("astronaut", SHEET["l"])
    teeth = (gap.off_centre < 0.2) & (gap.below > 0.012) & (gap.below < 0.03)
    lying = (gap.off_centre < 0.2) & (gap.above > 0.02) & (gap.above < 0.032)
    assert np.median(redness[lying]) > np.median(redness[teeth]) + 0.2


def test_dimples_of_a_smile_relax_when_the_lips_round() -> None:
    still, mouth = portrait("astronaut"), Mouth(portrait("astronaut"))
    area = Area.still((0, 0, *still.size))
    relaxed = mouth.plain.copy()
    mouth.relight(relaxed, area, {"round": 1.0})
    for corner, side in ((0, -1), (-1, 1)):
        end = mouth.lips.source.outer_upper[corner]
        across, down = np.meshgrid(np.linspace(0.02, 0.15, 30), np.linspace(-0.09, 0.03, 30))
        places = mouth.facing.picture(end + np.stack([side * across, down, 0 * down], axis=-1)).astype(np.float32)
        before, after = (
            cv2.GaussianBlur(cv2.remap(image @ LUMA, places[..., 0], places[..., 1], cv2.INTER_LINEAR), (0, 0), 2.0)
            for image in (mouth.plain.astype(np.float32), relaxed.astype(np.float32))
        )
        assert np.ptp(after) < 0.8 * np.ptp(before)


def test_teeth_take_the_light_of_the_whites() -> None:
    still = portrait("astronaut")
    warm = Portrait(np.rint(still.image * (1.0, 0.8, 0.5)).astype(np.uint8), still.face)
    daylight, lamp = (Light.of(one).white for one in (still, warm))
    assert lamp[2] / lamp[0] < 0.85 * daylight[2] / daylight[0]


@NAMES
def test_little_shows_through_lips_that_hardly_part(name: str) -> None:
    brightness = []
    for parted in (0.2, 0.8):
        luma, gap = inside_of(name, {"upper": parted, "lower": parted})
        brightness.append(np.percentile(luma[(gap.below > 0.004) & (gap.above > 0.004) & (gap.off_centre < 0.4)], 70))
    assert brightness[0] < 0.75 * brightness[1]


def test_grey_picture_keeps_a_grey_mouth() -> None:
    colour = portrait("astronaut")
    grey = np.repeat(cv2.cvtColor(colour.image, cv2.COLOR_RGB2GRAY)[..., None], 3, axis=2)
    for pose in ("aa", "th", "ee"):
        for patch in FaceRig(Portrait(grey, colour.face)).render(POSES[pose]):
            assert np.ptp(patch.pixels.astype(int), axis=-1).max() <= 2


def test_motion_stays_round_the_mouth() -> None:
    still = portrait("hopper", 640, faces=9)
    frame = laid_in(still, FaceRig(still).render(POSES["aa"]))
    changed = np.argwhere((frame != still.image).any(axis=-1))
    reach = np.abs(changed[:, ::-1] - still.face.landmarks[13]).max() / still.face.eye_distance
    assert 0.5 < reach < 2.0


def test_nobody_else_is_touched() -> None:
    one = portrait("hopper", 640, faces=6)
    apart = int(2.3 * one.face.eye_distance)
    image = np.concatenate([one.image[:, : 320 + apart // 2], one.image[:, 320 - apart // 2 :]], axis=1)
    other = face_of(one.face.mesh + np.array([apart, 0, 0], np.float32))
    still = Portrait(image, one.face, "", (other,))
    frame = laid_in(still, FaceRig(still).render({**POSES["aa"], **HEAD}))
    assert (frame != image).any()
    inside = np.zeros(image.shape[:2], np.uint8)
    cv2.fillConvexPoly(inside, cv2.convexHull(other.landmarks[:468].copy()).astype(np.int32), 1)
    assert not (frame != image)[inside > 0].any()


def varied(still: Portrait, how: str) -> Portrait:
    """Return a portrait in another light or quality."""
    image, noise = still.image, np.random.default_rng(0)
    if how == "mirrored":
        width = image.shape[1]
        mesh = still.face.mesh * (-1, 1, 1) + (width - 1, 0, 0)
        return Portrait(np.ascontiguousarray(image[:, ::-1]), face_of(mesh[MIRROR]))
    if how == "dark":
        image = np.rint(image * 0.35).astype(np.uint8)
    elif how == "noisy":
        image = np.clip(image + noise.normal(0, 12, image.shape), 0, 255).astype(np.uint8)
    elif how == "jpeg":
        _, coded = cv2.imencode(".jpg", image, [cv2.IMWRITE_JPEG_QUALITY, 30])
        image = cv2.imdecode(coded, cv2.IMREAD_COLOR)
    return Portrait(image, still.face)


@NAMES
@pytest.mark.parametrize("how", ["dark", "noisy", "jpeg", "mirrored"])
def test_nothing_inside_outshines_the_picture(name: str, how: str) -> None:
    still = varied(portrait(name), how)
    rig, mouth = FaceRig(still), Mouth(still)
    left, top, right, bottom = (int(value) for value in still.face.box)
    brightest = np.percentile(still.image[top:bottom, left:right].max(axis=-1), 99)
    for pose in ("ee", "aa", "f"):
        frame = laid_in(still, rig.render(POSES[pose]))
        x0, y0, x1, y1 = mouth.pose(POSES[pose]).lip_box(-0.02)
        assert np.percentile(frame[y0:y1, x0:x1].max(axis=-1), 98) <= 1.02 * brightest


@NAMES
def test_mirrored_face_moves_as_a_mirror(name: str) -> None:
    still = portrait(name)
    other = varied(still, "mirrored")
    frame = laid_in(still, RIGS[name].render(POSES["oh"]))
    mirrored = laid_in(other, FaceRig(other).render(POSES["oh"]))[:, ::-1]
    assert np.abs(frame.astype(int) - mirrored).mean() < 1.0


@NAMES
@settings(max_examples=12, deadline=None)
@given(
    st.floats(0.25, 4),
    st.tuples(st.integers(64, 500), st.integers(64, 500)),
    st.tuples(st.floats(0.02, 0.98), st.floats(0.02, 0.98)),
)
def test_any_crop_is_drawn_within_the_picture(
    name: str, scale: float, size: tuple[int, int], place: tuple[float, float]
) -> None:
    source = portrait(name, 400)
    mouth = source.face.landmarks[[61, 291]].mean(axis=0)
    shift = np.array(size) * place - scale * mouth
    still = warped(source, np.array([[scale, 0, shift[0]], [0, scale, shift[1]]]), size)
    rig = FaceRig(still)
    for pose in ({}, POSES["aa"], {**POSES["oo"], **HEAD, **EYES}):
        for patch in rig.render(pose):
            left, top = patch.transform[:, 2]
            height, width = patch.pixels.shape[:2]
            assert min(left, top) >= 0
            assert left + width <= size[0]
            assert top + height <= size[1]


def test_cut_off_mouth_is_refused() -> None:
    source = portrait("hopper", 400)
    still = warped(source, np.array([[1.0, 0, -380], [0, 1.0, 0]]), (400, 400))
    with pytest.raises(InputError, match="outside the picture"):
        FaceRig(still)
