"""Patches laid into the still."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lipsync_colab.finish.compose import Composer, compose
from lipsync_colab.types import Image, Patch

STILL = np.random.default_rng(1).integers(0, 256, (90, 120, 3), np.uint8)


def pixels(height: int, width: int, seed: int = 2) -> Image:
    return np.random.default_rng(seed).integers(0, 256, (height, width, 3), np.uint8)


def feathered(height: int, width: int) -> np.ndarray:
    mask = np.zeros((height, width), np.float32)
    mask[3:-3, 3:-3] = 1
    mask = cv2.blur(mask, (3, 3))
    mask[[0, -1]] = mask[:, [0, -1]] = 0
    return mask


def test_nothing_moves_nothing_changes() -> None:
    assert np.array_equal(compose(STILL, (), None), STILL)


@settings(max_examples=100, deadline=None)
@given(left=st.integers(-40, 130), top=st.integers(-40, 100), masked=st.booleans())
def test_a_translated_patch_is_exact_and_the_rest_untouched(left: int, top: int, masked: bool) -> None:
    patch, mask = pixels(20, 30), feathered(20, 30) if masked else None
    result = compose(STILL, (Patch.at(patch, left, top, mask),), None)
    wide = np.pad(STILL, ((50, 50), (50, 50), (0, 0))).astype(float)
    part = wide[top + 50 : top + 70, left + 50 : left + 80]
    weight = np.ones((20, 30, 1)) if mask is None else mask[..., None]
    if part.shape == patch.shape:
        part += weight * (patch - part)
        expected = wide[50:-50, 50:-50]
        assert np.abs(result - expected).max() <= (0 if mask is None else 1.51)
    touched = np.zeros(STILL.shape[:2], bool)
    touched[max(top, 0) : max(top + 20, 0), max(left, 0) : max(left + 30, 0)] = True
    assert np.array_equal(result[~touched], STILL[~touched])


def test_mask_ends_are_bit_exact() -> None:
    patch = pixels(20, 30)
    result = compose(STILL, (Patch.at(patch, 10, 10, feathered(20, 30)),), None)
    assert np.array_equal(result[15:25, 15:35], patch[5:15, 5:25])
    assert np.array_equal(result[10, 10:40], STILL[10, 10:40])


def test_later_patches_lie_on_top() -> None:
    one, two = pixels(20, 20, 3), pixels(20, 20, 4)
    result = compose(STILL, (Patch.at(one, 10, 10), Patch.at(two, 20, 20)), None)
    assert np.array_equal(result[20:40, 20:40], two)
    assert np.array_equal(result[10:20, 10:30], one[:10])


def test_a_scaled_patch_lands_where_its_transform_says() -> None:
    still = np.zeros((200, 200, 3), np.uint8)
    patch = np.zeros((64, 64, 3), np.uint8)
    patch[30:34, 30:34] = 255
    for scale in (0.4, 0.75, 1.5, 2.0):
        matrix = np.array([[scale, 0, 40.25], [0, scale, 30.75]], np.float32)
        result = compose(still, (Patch(patch, matrix, np.ones((64, 64), np.float32)),), None)[..., 0].astype(float)
        rows, columns = np.mgrid[:200, :200]
        centre = np.array([(columns * result).sum(), (rows * result).sum()]) / result.sum()
        np.testing.assert_allclose(centre, 31.5 * scale + np.array([40.25, 30.75]), atol=0.1)


def test_a_flat_patch_stays_flat_through_a_warp() -> None:
    still = np.full((200, 200, 3), 100, np.uint8)
    patch = np.full((64, 64, 3), 100, np.uint8)
    matrix = np.array([[1.3, 0.2, 20.3], [-0.2, 1.3, 40.1]], np.float32)
    assert np.array_equal(compose(still, (Patch(patch, matrix),), None), still)


def test_shrinking_does_not_alias() -> None:
    still = np.full((100, 100, 3), 128, np.uint8)
    stripes = np.zeros((160, 160, 3), np.uint8)
    stripes[:, ::2] = 255
    result = compose(still, (Patch(stripes, np.array([[0.25, 0, 20.3], [0, 0.25, 20.3]], np.float32)),), None)
    assert np.abs(result.astype(int) - 128).max() <= 3


@settings(max_examples=60, deadline=None)
@given(
    angle=st.floats(-3, 3),
    scale=st.floats(0.2, 3),
    x=st.floats(-100, 200),
    y=st.floats(-100, 200),
)
def test_a_warped_patch_touches_only_its_hull(angle: float, scale: float, x: float, y: float) -> None:
    matrix = np.array(
        [[scale * np.cos(angle), -scale * np.sin(angle), x], [scale * np.sin(angle), scale * np.cos(angle), y]],
        np.float32,
    )
    result = compose(STILL, (Patch(pixels(24, 32), matrix),), None)
    rows, columns = np.mgrid[: STILL.shape[0], : STILL.shape[1]]
    inverse = np.linalg.inv(np.vstack([matrix, [0, 0, 1]]))
    back_x = inverse[0, 0] * columns + inverse[0, 1] * rows + inverse[0, 2]
    back_y = inverse[1, 0] * columns + inverse[1, 1] * rows + inverse[1, 2]
    margin = 2.5 + 2 / scale
    far = (back_x < -margin) | (back_x > 31 + margin) | (back_y < -margin) | (back_y > 23 + margin)
    assert np.array_equal(result[far], STILL[far])


@pytest.mark.parametrize("buffers", [1, 3])
def test_a_composer_gives_what_compose_gives_and_restores_the_rest(buffers: int) -> None:
    composer = Composer(STILL, buffers)
    turned = np.array([[0.9, 0.1, 30], [-0.1, 0.9, 40]], np.float32)
    for index in range(8):
        patches = (Patch.at(pixels(20, 30, index), 5 * index, 3 * index), Patch(pixels(20, 20, index), turned))
        assert np.array_equal(composer.frame(patches[: index % 3]), compose(STILL, patches[: index % 3], None))


def test_frames_in_a_queue_are_not_overwritten() -> None:
    composer = Composer(STILL, buffers=3)
    frames = [composer.frame((Patch.at(pixels(20, 30, index), index, index),)) for index in range(3)]
    for index, frame in enumerate(frames):
        assert np.array_equal(frame[index : index + 20, index : index + 30], pixels(20, 30, index))


def test_what_a_caller_draws_is_restored() -> None:
    composer = Composer(STILL)
    composer.frame(())[80:100, 0:10] = 0
    composer.drawn(0, 80, 10, 100)
    assert np.array_equal(composer.frame(()), STILL)


def test_an_output_is_used_again() -> None:
    out = np.empty_like(STILL)
    assert compose(STILL, (Patch.at(pixels(9, 9), 4, 4),), out) is out
    assert np.array_equal(out[4:13, 4:13], pixels(9, 9))
