"""Crop, matte and patches of a moving head, and motion read at any rate."""

from __future__ import annotations

import tracemalloc
from collections.abc import Sequence

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from viseme_portraits import portrait

from lipsync_colab.engines.headmotion.crop import HeadCrop
from lipsync_colab.engines.headmotion.matte import border_fade, head_mask
from lipsync_colab.engines.headmotion.patches import HeadPatches, patch_stream
from lipsync_colab.engines.headmotion.similarity import similarity
from lipsync_colab.engines.headmotion.track import MotionTrack
from lipsync_colab.types import Array, Image


@settings(max_examples=40, deadline=None)
@given(
    left=st.integers(-80, 200), top=st.integers(-80, 200), side=st.integers(20, 400), size=st.sampled_from([64, 256])
)
def test_crop_and_still_agree_on_places(left: int, top: int, side: int, size: int) -> None:
    crop = HeadCrop(left, top, side)
    corners = np.array([[left - 0.5, top - 0.5], [left + side - 0.5, top + side - 0.5]], np.float32)
    assert np.allclose(crop.locate(corners, size), [[-0.5, -0.5], [size - 0.5, size - 0.5]], atol=1e-2)


@pytest.mark.parametrize("crop", [HeadCrop(40, 60, 128), HeadCrop(-30, 150, 128)])
def test_a_cut_laid_back_gives_the_still(crop: HeadCrop) -> None:
    smooth = cv2.resize(np.random.default_rng(1).integers(0, 255, (6, 6, 3), np.uint8), (200, 220))
    back = cv2.warpAffine(crop.cut(smooth, 128), crop.transform(128), (200, 220)).astype(int)
    rows = slice(max(crop.top, 0), crop.top + crop.side)
    columns = slice(max(crop.left, 0), crop.left + crop.side)
    assert np.abs(back - smooth)[rows, columns].max() <= 1


def test_turning_the_face_keeps_the_crop_around_it() -> None:
    face = portrait("hopper", 640).face
    middle = face.points.mean(0)
    for angle in (-40, 0, 40):
        turned = face.moved(np.asarray(cv2.getRotationMatrix2D(middle.tolist(), angle, 1), np.float32))
        crop = HeadCrop.of_face(turned)
        inside = crop.locate(turned.landmarks[:468], 256)
        assert inside.min() > 0 and inside.max() < 255


@pytest.fixture(scope="module")
def scene() -> tuple[object, HeadCrop, np.ndarray]:
    still = portrait("hopper", 640)
    crop = HeadCrop.of_face(still.face)
    return still, crop, head_mask(still.image, still.face, crop, 256)


def test_the_matte_holds_head_and_neck_and_fades_at_the_border(scene: tuple[object, HeadCrop, np.ndarray]) -> None:
    still, crop, mask = scene
    assert mask.dtype == np.float32 and mask.min() >= 0 and mask.max() <= 1
    assert not mask[[0, -1]].any() and not mask[:, [0, -1]].any()
    marks = np.rint(crop.locate(still.face.landmarks[:468], 256)).astype(int)
    assert mask[marks[:, 1], marks[:, 0]].min() > 0.99
    chin, left = marks[152], marks[:, 0]
    neck = mask[chin[1] : chin[1] + 8, left.min() + 40 : left.max() - 40]
    assert neck.min() > 0.75
    assert np.abs(np.diff(mask, axis=0)).max() < 0.25 and np.abs(np.diff(mask, axis=1)).max() < 0.25


def test_the_matte_is_the_same_each_time(scene: tuple[object, HeadCrop, np.ndarray]) -> None:
    still, crop, mask = scene
    cv2.setRNGSeed(99)
    assert np.array_equal(head_mask(still.image, still.face, crop, 256), mask)


def test_background_far_from_the_person_stays() -> None:
    still = portrait("astronaut", 640)
    crop = HeadCrop.of_face(still.face)
    mask = head_mask(still.image, still.face, crop, 256)
    assert not mask[200:240, :25].any() and not mask[200:240, -25:].any()
    assert mask[60:160, 60:190].min() > 0.99
    assert (border_fade(256, 0.06) >= mask - 1e-6).all()


class Scene:
    """Black heads that lean to the right."""

    def draw(self, frames: Sequence[int]) -> Image:
        return np.zeros((len(frames), 64, 64, 3), np.uint8)

    def motion(self, frame: int) -> Array:
        return np.array([[1, 0, frame], [0, 1, 0]], np.float32)


@settings(max_examples=40, deadline=None)
@given(angle=st.floats(-1, 1), scale=st.floats(0.5, 2), shift=st.tuples(st.floats(-50, 50), st.floats(-50, 50)))
def test_similarity_finds_turn_scale_and_shift(angle: float, scale: float, shift: tuple[float, float]) -> None:
    points = np.random.default_rng(1).uniform(0, 256, (7, 2))
    turn = scale * np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    found = similarity(points, points @ turn.T + shift)
    assert np.allclose(found, np.column_stack([turn, shift]), atol=1e-3)


def test_motion_is_told_in_pixels_of_the_still() -> None:
    patches = HeadPatches(np.array([[2, 0, 10], [0, 2, 20]], np.float32), np.ones((64, 64), np.float32))
    (patch,) = next(iter(patch_stream(Scene(), patches, 4, 2, 3)))
    assert np.allclose(patch.motion, [[1, 0, 6], [0, 1, 0]])


@pytest.mark.parametrize("batch", [1, 3, 8])
@pytest.mark.parametrize("frames", [1, 2, 21, 33, 34])
def test_batches_lie_on_a_fixed_grid(frames: int, batch: int) -> None:
    asked: list[tuple[int, ...]] = []

    class Numbers(Scene):
        def draw(self, frames: Sequence[int]) -> Image:
            asked.append(tuple(frames))
            return np.stack([np.full((4, 4, 3), number, np.uint8) for number in frames])

    patches = HeadPatches(np.eye(2, 3, dtype=np.float32), np.ones((4, 4), np.float32))
    whole = [int(patch.pixels[0, 0, 0]) for (patch,) in patch_stream(Numbers(), patches, frames, batch, 0)]
    assert whole == list(range(frames))
    grid = set(asked)
    late = [int(patch.pixels[0, 0, 0]) for (patch,) in patch_stream(Numbers(), patches, frames, batch, frames // 2)]
    assert late == whole[frames // 2 :]
    assert set(asked) == grid and {len(numbers) for numbers in grid} == {batch}


def test_memory_does_not_grow_with_the_clip() -> None:
    patches = HeadPatches(np.eye(2, 3, dtype=np.float32), np.ones((64, 64), np.float32))

    def peak(frames: int) -> int:
        tracemalloc.start()
        stream = patch_stream(Scene(), patches, frames, 4, 0)
        assert sum(1 for _ in stream) == frames
        highest = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        return highest

    peak(50)
    assert peak(1500) < 1.1 * peak(250) + 10_000


@settings(max_examples=40, deadline=None)
@given(frames=st.integers(1, 40), position=st.floats(-5, 60))
def test_motion_between_frames_is_linear_and_ends_repeat(frames: int, position: float) -> None:
    track = MotionTrack(np.arange(frames, dtype=np.float32)[:, None] * 2)
    assert track.at(np.array([position]))[0, 0] == pytest.approx(2 * min(max(position, 0), frames - 1), abs=1e-4)
    assert track.windows(np.array([position]), 13).shape == (1, 1, 27)
