"""Enlarged patches lie where they lay."""

from __future__ import annotations

import cv2
import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from portraits import portrait_of

from lipsync_colab.finish.alignment import compose, inverse
from lipsync_colab.finish.patch_upscale import enlarged_transform, sampled, upscale_patch, with_context
from lipsync_colab.finish.resample import LanczosUpscaler
from lipsync_colab.types import Image, Patch


@given(scale=st.floats(1, 8), angle=st.floats(-1, 1), zoom=st.floats(0.3, 6), x=st.floats(0, 50), y=st.floats(0, 50))
@settings(max_examples=40, deadline=None)
def test_corners_stay_in_place(*, scale: float, angle: float, zoom: float, x: float, y: float) -> None:
    matrix = np.array([[np.cos(angle), -np.sin(angle), x], [np.sin(angle), np.cos(angle), y]])
    matrix[:, :2] *= zoom
    width, height = 10, 6
    outer = np.array([[-0.5, -0.5], [width - 0.5, -0.5], [width - 0.5, height - 0.5]])
    large = (outer + 0.5) * scale - 0.5
    moved = enlarged_transform(matrix, scale).astype(float)
    assert np.allclose(outer @ matrix[:, :2].T + matrix[:, 2], large @ moved[:, :2].T + moved[:, 2], atol=1e-3)


def test_context_is_the_still_around_the_patch() -> None:
    portrait = portrait_of(200, 160)
    patch = Patch.at(np.zeros((20, 30, 3), np.uint8), 60, 50)
    around = with_context(patch, portrait.image, 8)
    expected = portrait.image[42:78, 52:98].copy()
    expected[8:28, 8:38] = 0
    assert np.array_equal(around, expected)


def test_a_masked_patch_is_blended_before_it_is_enlarged() -> None:
    portrait = portrait_of(200, 160)
    patch = Patch.at(np.zeros((20, 30, 3), np.uint8), 60, 50, np.zeros((20, 30), np.float32))
    assert np.array_equal(with_context(patch, portrait.image, 8), portrait.image[42:78, 52:98])


def test_a_coarse_patch_sees_the_still_by_area() -> None:
    board: Image = np.zeros((160, 200, 3), np.uint8)
    board[::2, ::2] = board[1::2, 1::2] = 255
    seen = sampled(board, np.array([[4.0, 0, 1.5], [0, 4.0, 1.5]]), (40, 30))
    assert np.abs(seen[2:-2, 2:-2].astype(int) - 127).max() <= 2


def test_an_enlarged_copy_of_the_still_is_the_still() -> None:
    portrait = portrait_of(400, 320)
    smooth = cv2.GaussianBlur(portrait.image, (0, 0), 6)
    transform = np.array([[4.0, 0, 101.5], [0, 4.0, 81.5]], np.float32)
    patch = Patch(sampled(smooth, transform, (40, 30)), transform)
    large = upscale_patch(patch, LanczosUpscaler(), 4, smooth)
    assert large.pixels.shape == (120, 160, 3)
    back = cv2.warpAffine(smooth, inverse(large.transform), (160, 120), flags=cv2.INTER_LINEAR)
    assert np.abs(back.astype(int) - large.pixels).max() <= 3
    assert np.allclose(compose(inverse(large.transform), large.transform), np.eye(3)[:2], atol=1e-6)


def test_the_seam_needs_the_context() -> None:
    """A network that looks five pixels around it gives another border without the still around the patch."""
    portrait = portrait_of(200, 160)
    patch = Patch.at(portrait.image[50:70, 60:90].copy(), 60, 50)

    def blur(image: Image, scale: float) -> Image:
        return np.asarray(cv2.blur(image, (11, 11), borderType=cv2.BORDER_CONSTANT), np.uint8)

    truth = blur(portrait.image, 1)[50:70, 60:90].astype(int)
    assert np.abs(upscale_patch(patch, blur, 1, portrait.image).pixels - truth).max() <= 1
    assert np.abs(upscale_patch(patch, blur, 1, portrait.image, context=0).pixels - truth).max() > 20
