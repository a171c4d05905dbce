"""Reading a still between its pixels: exact on them, as sharp as cubic convolution between them."""

from __future__ import annotations

import cv2
import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from lipsync_colab.engines.viseme.still import Still
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
