"""What a painted lid is made of: grain laid from the skin, a crease from the fold, lashes like the source's own."""

from __future__ import annotations

from dataclasses import replace

import cv2
import numpy as np
import pytest
from drawn_face import SKIN, draw, portrait
from scipy.ndimage import gaussian_filter

from lipsync_colab.engines.viseme.area import Area
from lipsync_colab.engines.viseme.blur import blurred
from lipsync_colab.engines.viseme.crease import crease
from lipsync_colab.engines.viseme.eye_opening import UPPER, EyeOpening
from lipsync_colab.engines.viseme.eye_surroundings import WING, Surroundings, fineness_of
from lipsync_colab.engines.viseme.eyes import Eyes
from lipsync_colab.engines.viseme.lashes import Lashes
from lipsync_colab.engines.viseme.lid_grain import grain
from lipsync_colab.engines.viseme.lids import ABOVE, BELOW
from lipsync_colab.engines.viseme.light import LUMA
from lipsync_colab.types import Image, Portrait

SIZE, UNIT = (640, 720), 110.0
HEIGHT, TIPS = 40, 7


@pytest.fixture(scope="module")
def still() -> Portrait:
    return portrait(SIZE, unit=UNIT)


def around(still: Portrait, side: int = 0, rims: bool = False) -> Surroundings:
    opening = EyeOpening.of(still.face, side)
    s = np.linspace(-WING, WING, round(2 * WING * opening.width), dtype=np.float32) * np.float32(opening.width)
    rows = np.arange(-ABOVE * UNIT, BELOW * UNIT, dtype=np.float32)
    return Surroundings(still.image, opening, s, rows, rims)


def shut(still: Portrait) -> Image:
    """The still with both eyes shut."""
    eyes, frame = Eyes(still), still.image.copy()
    for left, top, right, bottom in eyes.regions({"blink": 1.0}):
        area = Area.still((left, top, right, bottom))
        eyes.warp(area, {"blink": 1.0})
        pixels = cv2.remap(still.image, area.map_x, area.map_y, cv2.INTER_CUBIC, borderMode=cv2.BORDER_REPLICATE)
        eyes.paint(pixels, area.x, area.y, {"blink": 1.0})
        frame[top:bottom, left:right] = pixels
    return frame


def lined(still: Portrait, above: float, colour: tuple[int, int, int], thick: int) -> Portrait:
    """The portrait with a line so many pixels above both upper lids' margins."""
    image = still.image.copy()
    for indices in UPPER:
        marks = still.face.landmarks[list(indices)]
        cv2.polylines(
            image, [np.round((marks - (0, above)) * 16).astype(np.int32)], False, colour, thick, cv2.LINE_AA, 4
        )
    return replace(still, image=image)


def test_grain_keeps_the_direction_of_strokes_and_the_strength_of_the_skin(still: Portrait) -> None:
    rows = np.arange(SIZE[1])[:, None, None]
    strokes = 14 * np.sin(rows / 1.1) * np.ones((1, SIZE[0], 1))
    painted = replace(still, image=np.clip(still.image + strokes, 0, 255).astype(np.uint8))
    surroundings = around(painted)
    drawn = grain(surroundings, surroundings.front(), HEIGHT) @ LUMA
    down, across = np.diff(drawn, axis=0).std(), np.diff(drawn, axis=1).std()
    assert down > 2 * across
    assert drawn.std() == pytest.approx(14 / np.sqrt(2), rel=0.35)
    assert abs(drawn.mean()) < 1


@pytest.mark.parametrize("noise", [3.0, 12.0])
def test_a_shut_lid_is_as_noisy_as_the_picture(noise: float) -> None:
    face = portrait(SIZE, unit=UNIT).face
    noisy = Portrait(draw(face, SIZE, noise), face)
    frame = shut(noisy).astype(np.float32) @ LUMA
    for indices in UPPER:
        x, y = np.round(face.landmarks[indices[4]]).astype(int)
        lid, skin = frame[y - 4 : y + 8, x - 14 : x + 15], frame[y + 60 : y + 90, x - 20 : x + 21]
        assert 0.6 < fineness_of(lid) / fineness_of(skin) < 1.4


def test_no_piece_of_the_grain_shows_a_rim_or_a_lone_wrinkle(still: Portrait) -> None:
    plain = around(still)
    usual = np.abs(grain(plain, plain.front(), HEIGHT)).max()
    image = still.image.copy()
    for x, y in still.face.points[:2].astype(int).tolist():
        cv2.ellipse(image, (x, y), (44, 36), 0, 0, 360, (25, 20, 20), 4, cv2.LINE_AA)
        cv2.line(image, (x - 30, y + 22), (x + 30, y + 20), (150, 105, 85), 2, cv2.LINE_AA)
    worn = around(replace(still, image=image), rims=True)
    assert np.abs(grain(worn, worn.front(), HEIGHT)).max() < 2 * usual


def test_a_fold_leaves_a_fine_crease_where_it_was(still: Portrait) -> None:
    folded = lined(still, 9, (120, 80, 70), 2)
    surroundings = around(folded)
    share = crease(surroundings, surroundings.front(), 1.0)
    middle = share.shape[1] // 2
    assert 0.08 < share.max() < 0.35
    place = surroundings.rows[share[:, middle].argmax()]
    assert place == pytest.approx(surroundings.upper[middle] - 9, abs=2)
    assert share[:, :5].max() == share[:, -5:].max() == 0
    frame, plain = (shut(one).astype(float).mean(axis=-1) for one in (folded, still))
    x, y = np.round(still.face.landmarks[UPPER[0][4]]).astype(int)
    part = np.s_[y - 12 : y - 5, x - 6 : x + 7]
    assert (plain - frame)[part].mean(axis=1).max() > 0.05 * np.mean(SKIN)


def test_smooth_skin_flecks_and_frames_leave_no_crease(still: Portrait) -> None:
    flecked = still.image.copy()
    random = np.random.default_rng(2)
    for x, y in still.face.landmarks[list(UPPER[0])]:
        spot = (int(x + random.integers(-3, 4)), int(y - random.integers(5, 14)))
        cv2.circle(flecked, spot, 2, (60, 30, 25), -1, cv2.LINE_AA)
    for one, rims in ((still, False), (replace(still, image=flecked), False), (lined(still, 9, (25, 20, 20), 2), True)):
        surroundings = around(one, rims=rims)
        assert crease(surroundings, surroundings.front(), 1.0).max() == 0


def test_lashes_are_as_thick_and_of_the_colour_that_the_source_has(still: Portrait) -> None:
    bare = lined(still, 1, SKIN, 9)
    dark, red = (40, 25, 20), (110, 20, 15)
    inked = (lined(bare, 1, colour, width) for colour, width in ((dark, 1), (dark, 5), (red, 3)))
    drawn = [Lashes.of(around(one), HEIGHT, TIPS, 0.4) for one in inked]
    middle = len(drawn[0].colours) // 2
    assert drawn[1].line[:, middle].sum() > drawn[0].line[:, middle].sum() * 1.3
    assert np.abs(drawn[1].colours[middle] - (40, 25, 20)).max() < 14
    assert drawn[2].colours[middle, 0] > 2.5 * drawn[2].colours[middle, 1]


def test_lashes_thin_towards_the_corners_and_no_white_colours_them(still: Portrait) -> None:
    surroundings = around(still)
    lashes = Lashes.of(surroundings, HEIGHT, TIPS, 0.4)
    out = surroundings.s * surroundings.opening.outward / surroundings.opening.width
    strength = lashes.line.sum(axis=0)
    for low, high in ((-0.50, -0.46), (0.50, 0.56)):
        assert strength[(out > low) & (out < high)].max() < 0.5 * strength.max()
    assert max(drawn[:, np.abs(out) > 0.6].max() for drawn in (lashes.line, lashes.hairs)) < 1e-3
    assert lashes.colours.max() < 0.6 * np.mean(SKIN)


def test_lashes_between_the_rows_of_a_small_picture_are_found() -> None:
    unit = 14.0
    small = portrait((160, 180), unit=unit)
    image = small.image.copy()
    image[: int(small.face.points[0, 1] - 0.25 * unit)] = SKIN
    opening = EyeOpening.of(small.face, 0)
    s = np.linspace(-WING, WING, 24, dtype=np.float32) * np.float32(opening.width)
    margin = float(opening.upper[len(opening.upper) // 2])
    rows = np.arange(-6, 8, dtype=np.float32) + np.float32(margin % 1 + 0.3)
    lashes = Lashes.of(Surroundings(image, opening, s, rows, False), 8, 2, 0.4)
    assert lashes.line[:, 11:13].max() > 0.45


def test_a_shut_eye_keeps_no_dark_point_at_its_corners(still: Portrait) -> None:
    image = still.image.copy()
    tips = []
    for side in (0, 1):
        left, right = (still.face.landmarks[UPPER[side][end]] for end in (0, -1))
        outer, inner = (left, right) if side == 0 else (right, left)
        tips.append(outer + 0.08 * (outer - inner) + (0, 2))
        cv2.ellipse(image, np.round(tips[-1]).astype(int).tolist(), (6, 4), 0, 0, 360, (35, 22, 18), -1, cv2.LINE_AA)
    frame = shut(replace(still, image=image)).astype(float).mean(axis=-1)
    for x, y in np.round(tips).astype(int).tolist():
        assert image[y, x].mean() < 0.3 * np.mean(SKIN)
        assert frame[y - 1 : y + 5, x - 4 : x + 5].min() > 0.6 * np.mean(SKIN)


def test_the_hairs_of_a_low_brow_stay(still: Portrait) -> None:
    image = still.image.copy()
    random = np.random.default_rng(5)
    for side in (0, 1):
        for x, y in still.face.landmarks[list(UPPER[side])]:
            for _ in range(6):
                start = (x + random.uniform(-4, 4), y - 6)
                line = np.round(np.array([start, (start[0] + random.uniform(-3, 3), y - 42)]) * 16).astype(np.int32)
                cv2.line(image, tuple(line[0]), tuple(line[1]), (70, 45, 30), 2, cv2.LINE_AA, 4)
    low = replace(still, image=image)
    frame = shut(low)
    for indices in UPPER:
        x, y = np.round(still.face.landmarks[indices[4]]).astype(int)
        part = np.s_[y - 16 : y - 8, x - 14 : x + 15]
        kept = cv2.Laplacian(frame[part], cv2.CV_32F).std() / cv2.Laplacian(image[part], cv2.CV_32F).std()
        assert kept > 0.8


def test_hair_at_the_temple_stays(still: Portrait) -> None:
    image = still.image.copy()
    left, right = still.face.landmarks[UPPER[0][0]], still.face.landmarks[UPPER[0][-1]]
    x, y = np.round(left - 0.24 * (right - left)).astype(int)
    cv2.line(image, (x + 2, y - 70), (x - 2, y + 70), (35, 22, 18), 5, cv2.LINE_AA)
    cv2.line(image, np.round(left).astype(int).tolist(), (x, y), (35, 22, 18), 3, cv2.LINE_AA)
    frame = shut(replace(still, image=image))
    strand = np.s_[y - 12 : y + 13, x - 1 : x + 2]
    assert np.abs(frame[strand].astype(int) - image[strand]).mean() < 12


def test_no_lid_is_drawn_between_the_parts_of_a_frame(still: Portrait) -> None:
    image = still.image.copy()
    x, y = np.round(still.face.landmarks[UPPER[0][-1]]).astype(int)
    for offset in (-9, 7):
        cv2.rectangle(image, (x - 5, y + offset - 4), (x + 40, y + offset + 4), (20, 18, 18), -1)
    cv2.line(image, (x + 16, y - 60), (x + 16, y + 60), (20, 18, 18), 9)
    worn = around(replace(still, image=image), rims=True)
    _, cover = worn.emptied(worn.front())
    out = worn.s / worn.opening.width
    gap = (np.abs(worn.rows[:, None]) < 4) & (out > 0.46)
    assert cover[gap].max() < 0.2
    assert cover[:, np.abs(out) < 0.3].max() > 0.95


@pytest.mark.parametrize("deviation", [0.8, 4.0, 23.0])
def test_a_broad_blur_is_that_of_the_whole_picture(deviation: float) -> None:
    random = np.random.default_rng(0)
    picture = gaussian_filter(random.normal(128, 400, (150, 190, 3)), (2, 2, 0)).astype(np.float32)
    for values in (picture, picture[..., 0]):
        expected = gaussian_filter(values, (deviation, deviation, 0)[: values.ndim])
        inside = np.s_[25:-25, 25:-25]
        np.testing.assert_allclose(blurred(values, deviation)[inside], expected[inside], atol=2.0)
