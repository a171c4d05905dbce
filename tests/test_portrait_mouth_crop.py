"""The crop of the mouth: it holds the mouth, and ends where the picture does."""

from __future__ import annotations

import numpy as np
import pytest
from material import hopper

from lipsync_colab.portrait import load_portrait
from lipsync_colab.portrait.mouth_crop import HEIGHT, WIDTH, mouth_crop
from lipsync_colab.types import Portrait


@pytest.fixture(scope="module")
def portrait() -> Portrait:
    return load_portrait(hopper())


def test_both_corners_of_the_mouth_are_in_it(portrait: Portrait) -> None:
    marked = np.zeros_like(portrait.image)
    for x, y in portrait.face.points[3:]:
        marked[round(float(y)), round(float(x))] = 255
    crop = mouth_crop(portrait.face, marked)
    assert (crop.max(axis=2) == 255).sum() == 2
    wide, tall = WIDTH * portrait.face.eye_distance, HEIGHT * portrait.face.eye_distance
    assert abs(crop.shape[1] - wide) <= 1 and abs(crop.shape[0] - tall) <= 1


def test_it_ends_at_the_border(portrait: Portrait) -> None:
    y = int(portrait.face.points[3:, 1].mean()) + 3
    crop = mouth_crop(portrait.face, portrait.image[:y])
    assert 0 < crop.shape[0] < HEIGHT * portrait.face.eye_distance / 2 + 6
