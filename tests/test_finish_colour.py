"""The colour offset at the seam."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from lipsync_colab.finish.colour import LARGEST, SeamOffset, beneath, seam_field
from lipsync_colab.finish.compose import compose
from lipsync_colab.types import Image, Patch


def skin(height: int, width: int) -> Image:
    y, x = np.mgrid[:height, :width]
    wave = 130 + 40 * np.sin(x / 37) + 30 * np.cos(y / 29)
    grain = np.random.default_rng(5).normal(0, 3, (height, width))
    return np.stack([wave + grain, wave * 0.8 + grain, wave * 0.6 + grain], -1).clip(0, 255).astype(np.uint8)


def oval(height: int, width: int) -> np.ndarray:
    y, x = np.mgrid[:height, :width]
    radius = np.hypot((x - width / 2) / (width * 0.42), (y - height / 2) / (height * 0.42))
    return np.clip((1 - radius) * 6, 0, 1).astype(np.float32)


STILL = skin(300, 400)


def test_a_matching_patch_is_left_alone() -> None:
    patch = Patch.at(STILL[60:220, 80:280].copy(), 80, 60, oval(160, 200))
    assert np.abs(seam_field(STILL, patch)).max() < 0.6


@pytest.mark.parametrize("offset", [(14, -9, 5), (-20, -20, -20)])
def test_a_constant_cast_is_removed_everywhere(offset: tuple[int, int, int]) -> None:
    truth = STILL[60:220, 80:280]
    cast = (truth.astype(int) + offset).clip(0, 255).astype(np.uint8)
    matched = SeamOffset(STILL, Patch.at(cast, 80, 60, oval(160, 200)))(Patch.at(cast, 80, 60, oval(160, 200)))
    inside = oval(160, 200) > 0.02
    assert np.abs(matched.pixels.astype(int) - truth)[inside].mean() < 1.5


def test_the_first_patch_decides_for_the_clip_and_content_is_kept() -> None:
    truth = STILL[60:220, 80:280]
    mask = oval(160, 200)
    first = Patch.at((truth.astype(int) + 12).clip(0, 255).astype(np.uint8), 80, 60, mask)
    offset = SeamOffset(STILL, first)
    opened = first.pixels.copy()
    opened[70:90, 80:120] = (60, 10, 10)
    matched = offset(Patch.at(opened, 80, 60, mask))
    calm = offset(first)
    same = np.ones(mask.shape, bool)
    same[70:90, 80:120] = False
    assert np.array_equal(matched.pixels[same], calm.pixels[same]), "the mouth changed the colour of the cheeks"
    assert np.abs(matched.pixels[80, 100].astype(int) - (48, 0, 0)).max() <= 3


def test_the_seam_is_closed_after_composing() -> None:
    mask = oval(160, 200)
    cast = (STILL[60:220, 80:280] + np.array([18, -12, 9])).clip(0, 255).astype(np.uint8)
    patch = Patch.at(cast, 80, 60, mask)
    raw = compose(STILL, (patch,), None)
    matched = compose(STILL, (SeamOffset(STILL, patch)(patch),), None)
    assert np.abs(matched.astype(int) - STILL).max() < np.abs(raw.astype(int) - STILL).max() / 3


def test_a_different_content_at_the_border_moves_colours_only_so_far() -> None:
    patch = Patch.at(np.zeros((160, 200, 3), np.uint8), 80, 60, oval(160, 200))
    assert np.abs(seam_field(STILL, patch)).max() <= LARGEST


def test_a_coarse_patch_sees_the_still_at_its_own_scale() -> None:
    matrix = np.array([[3, 0, 50], [0, 3, 40]], np.float32)
    seen = beneath(STILL, Patch(np.zeros((60, 80, 3), np.uint8), matrix))
    wanted = cv2.resize(STILL, (400 // 3, 100), interpolation=cv2.INTER_AREA)
    part = wanted[14 : 14 + 60, 17 : 17 + 80]
    assert np.abs(cv2.blur(seen, (5, 5)).astype(int) - cv2.blur(part, (5, 5))).mean() < 4


def test_nothing_to_do() -> None:
    whole = Patch.at(STILL[:50, :50], 0, 0)
    assert SeamOffset(STILL, whole)(whole) is whole
    empty = Patch.at(STILL[:50, :50], 0, 0, np.zeros((50, 50), np.float32))
    assert not seam_field(STILL, empty).any()
