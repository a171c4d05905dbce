"""Reading a still between its pixels: exact on them, as sharp as the still itself between them."""

from __future__ import annotations

import cv2
import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from lipsync_colab.engines.viseme.still import MOST, Still, fineness, fitting_boost
from lipsync_colab.types import Image


def texture(height: int, width: int) -> Image:
    noise = np.random.default_rng(2).integers(0, 256, (height, width, 3)).astype(np.uint8)
    return np.asarray(cv2.GaussianBlur(noise, (0, 0), 1.0))


@given(height=st.integers(1, 40), width=st.integers(1, 40))
@settings(max_examples=20, deadline=None)
def test_whole_pixels_are_the_pictures_own(height: int, width: int) -> None:
    image = texture(height, width)
    x, y = np.meshgrid(np.arange(width, dtype=np.float32), np.arange(height, dtype=np.float32))
    np.testing.assert_array_equal(Still(image).read(x, y), image)


@given(dx=st.floats(-0.99, 0.99), dy=st.floats(-0.99, 0.99))
@settings(max_examples=30, deadline=None)
def test_between_pixels_it_is_nearer_to_cubic_than_linear_is(dx: float, dy: float) -> None:
    image = texture(64, 64)
    x, y = np.meshgrid(np.arange(4, 60, dtype=np.float32) + np.float32(dx), np.arange(4, 60, dtype=np.float32))
    y = y + np.float32(dy)
    cubic, linear = (cv2.remap(image, x, y, how).astype(float) for how in (cv2.INTER_CUBIC, cv2.INTER_LINEAR))
    read = Still(image).read(x, y).astype(float)
    off, blurred = np.abs(read - cubic).mean(), np.abs(linear - cubic).mean()
    assert off < max(0.75 * blurred, 0.8)


def test_a_shifted_picture_keeps_its_sharpness() -> None:
    image = texture(80, 80)
    x, y = np.meshgrid(np.arange(80, dtype=np.float32), np.arange(80, dtype=np.float32))

    def detail(picture: Image) -> float:
        return float(cv2.Laplacian(picture[8:-8, 8:-8].astype(np.float32), cv2.CV_32F).var())

    halfway = Still(image).read(x + np.float32(0.5), y + np.float32(0.5))
    blurred = cv2.remap(image, x + np.float32(0.5), y + np.float32(0.5), cv2.INTER_LINEAR)
    assert detail(halfway) > 1.5 * detail(blurred)


def test_edges_repeat() -> None:
    image = texture(8, 8)
    outside = Still(image).read(np.full((1, 1), -5, np.float32), np.full((1, 1), 12, np.float32))
    np.testing.assert_array_equal(outside[0, 0], image[7, 0])


def laplacian(picture: Image) -> float:
    return float(cv2.Laplacian(picture[8:-8, 8:-8, 0].astype(np.float32), cv2.CV_32F).var())


def shifted(image: Image, boost: float, shift: float) -> Image:
    x, y = np.meshgrid(*(np.arange(side, dtype=np.float32) for side in image.shape[1::-1]))
    return Still(image, boost).read(x + np.float32(shift), y + np.float32(shift))


def native(side: int) -> Image:
    noise = np.random.default_rng(4).integers(0, 256, (2 * side, 2 * side, 1)).astype(np.uint8).repeat(3, axis=2)
    return np.asarray(cv2.resize(noise, (side, side), interpolation=cv2.INTER_AREA))


def corners(left: float, top: float, right: float, bottom: float) -> np.ndarray:
    return np.array([(left, top), (right, top), (right, bottom), (left, bottom)])


def swing(image: Image, finer: int | None = None) -> float:
    """Return by what share sharpness differs between the places of a pixel where it is most and least."""
    x, y = np.meshgrid(*(np.arange(side, dtype=np.float32) for side in image.shape[1::-1]))
    still = Still(image, fitting_boost(image, corners(0, 0, *image.shape[1::-1])), finer)
    reads = [still.read(x + np.float32(shift), y + np.float32(shift)) for shift in np.arange(0.05, 1, 0.05)]
    detail = [laplacian(read) / laplacian(image) for read in reads]
    return max(detail) - min(detail)


def test_a_drifting_picture_does_not_grow_softer_and_sharper_by_turns() -> None:
    coarse = np.random.default_rng(3).integers(0, 256, (60, 60, 1)).astype(np.uint8).repeat(3, axis=2)
    enlarged = np.asarray(cv2.resize(coarse, (96, 96), interpolation=cv2.INTER_LANCZOS4))
    assert swing(enlarged) < 0.1
    assert swing(native(96)) < 0.2 < swing(native(96), 3)


def test_a_still_is_kept_finer_where_there_is_room() -> None:
    assert [fineness((side, side)) for side in (256, 720, 896, 1080)] == [5, 5, 4, 3]


def test_a_boost_makes_up_for_what_a_native_source_loses() -> None:
    image = native(64)
    enlarged = np.asarray(cv2.resize(image, (256, 256), interpolation=cv2.INTER_LANCZOS4))
    boost = fitting_boost(image, corners(0, 0, 64, 64))
    assert 0.0 <= fitting_boost(enlarged, corners(0, 0, 256, 256)) < boost <= MOST
    kept = [np.mean([laplacian(shifted(image, by, s)) for s in np.arange(0.05, 1, 0.1)]) for by in (0.0, boost)]
    assert kept[0] < 0.95 * laplacian(image)
    assert abs(kept[1] / laplacian(image) - 1) < 0.05


def test_a_boost_goes_by_the_face_not_by_what_is_round_it() -> None:
    face, background = native(96), np.asarray(cv2.resize(native(24), (96, 96), interpolation=cv2.INTER_LANCZOS4))
    inside = cv2.fillConvexPoly(np.zeros((96, 96), np.uint8), np.array([(48, 8), (88, 48), (48, 88), (8, 48)]), 1)
    image = np.where(inside[..., None] > 0, face, background)
    diamond = np.array([(48.0, 12.0), (84.0, 48.0), (48.0, 84.0), (12.0, 48.0)])
    wanted = fitting_boost(face, diamond)
    assert abs(fitting_boost(image, diamond) - wanted) < 0.02 < wanted - fitting_boost(background, diamond)


def test_what_is_too_small_is_not_boosted() -> None:
    assert fitting_boost(texture(20, 20), corners(0, 0, 20, 20)) == 0.0
    assert fitting_boost(texture(60, 60), corners(80, 80, 140, 140)) == 0.0
