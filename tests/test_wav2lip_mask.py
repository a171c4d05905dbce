"""What is taken from the network: a soft region round the mouth, matched in colour at its edge."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from viseme_portraits import portrait

pytest.importorskip("torch")

from lipsync_colab.engines.wav2lip.colour import SeamMatch
from lipsync_colab.engines.wav2lip.crop import FaceCrop
from lipsync_colab.engines.wav2lip.mask import FEATHER, mouth_mask, smooth_step

LIPS = (0, 13, 14, 17, 61, 291, 37, 267, 84, 314)
UNTOUCHED = (4, 6, 33, 133, 263, 362, 159, 386, 10)
"""Tip of the nose, eyes and forehead."""


def at(mask: np.ndarray, crop: FaceCrop, points: np.ndarray) -> np.ndarray:
    x, y = crop.locate(points).T
    return mask[np.round(y).astype(int), np.round(x).astype(int)]


@pytest.mark.parametrize("name", ["hopper", "astronaut"])
@pytest.mark.parametrize("roll", [0.0, 20.0])
def test_lips_are_inside_and_the_rest_of_the_face_outside(name: str, roll: float) -> None:
    still = portrait(name, 700, roll=roll)
    crop = FaceCrop.of_face(still.face)
    mask = mouth_mask(still.face, crop)
    assert mask.dtype == np.float32 and mask.shape == (96, 96)
    assert (at(mask, crop, still.face.landmarks[list(LIPS)]) > 0.99).all()
    assert (at(mask, crop, still.face.landmarks[list(UNTOUCHED)]) == 0).all()
    border = np.concatenate([mask[0], mask[-1], mask[:, 0], mask[:, -1]])
    assert (border == 0).all() and mask.min() >= 0 and mask.max() == 1


@settings(max_examples=15, deadline=None)
@given(pads=st.tuples(*[st.floats(-30, 40)] * 4))
def test_any_crop_has_a_border_of_0(pads: tuple[float, float, float, float]) -> None:
    still = portrait("hopper", 500)
    mask = mouth_mask(still.face, FaceCrop.of_face(still.face, pads))
    assert max(mask[0].max(), mask[-1].max(), mask[:, 0].max(), mask[:, -1].max()) == 0
    assert np.abs(np.diff(mask, axis=0)).max() < 0.45


def test_the_edge_is_as_wide_as_the_feather() -> None:
    still = portrait("hopper", 700)
    mask = mouth_mask(still.face, FaceCrop.of_face(still.face))
    slope = np.hypot(*np.gradient(mask.astype(np.float64)))[8:-12, 8:-8]
    assert slope.max() == pytest.approx(1.5 / FEATHER, rel=0.1)


def test_step_has_level_ends() -> None:
    assert smooth_step(np.array([-1.0, 0, 0.5, 1, 2])).tolist() == [0, 0, 0.5, 1, 1]


def lab_statistics(image: np.ndarray, weight: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    lab = cv2.cvtColor(image.astype(np.float32) / 255, cv2.COLOR_RGB2LAB)
    mean = np.average(lab.reshape(-1, 3), axis=0, weights=weight.ravel())
    variance = np.average((lab.reshape(-1, 3) - mean) ** 2, axis=0, weights=weight.ravel())
    return mean, np.sqrt(variance)


def test_mean_and_spread_at_the_seam_become_the_stills() -> None:
    still = portrait("hopper", 640)
    crop = FaceCrop.of_face(still.face)
    cut, mask = crop.cut(still.image), mouth_mask(still.face, crop)
    tinted = np.clip(cut.astype(np.float64) * (0.82, 0.9, 0.95) + (10, 6, 12), 0, 255).astype(np.uint8)
    feather = mask * (1 - mask)
    mean, spread = lab_statistics(cut, feather)
    before, _ = lab_statistics(tinted, feather)
    after, after_spread = lab_statistics(SeamMatch(cut, mask).apply(tinted), feather)
    assert np.abs(before - mean).max() > 5
    assert np.abs(after - mean).max() < 0.5
    assert np.allclose(after_spread, spread, rtol=0.05)


def test_the_stills_own_colours_stay() -> None:
    still = portrait("astronaut", 640)
    crop = FaceCrop.of_face(still.face)
    cut, mask = crop.cut(still.image), mouth_mask(still.face, crop)
    assert np.abs(SeamMatch(cut, mask).apply(cut).astype(int) - cut).max() <= 1


def test_a_flat_picture_does_not_blow_up() -> None:
    still = portrait("hopper", 640)
    crop = FaceCrop.of_face(still.face)
    cut, mask = crop.cut(still.image), mouth_mask(still.face, crop)
    matched = SeamMatch(cut, mask).apply(np.full((96, 96, 3), 30, np.uint8))
    mean, _ = lab_statistics(cut, mask * (1 - mask))
    assert np.abs(lab_statistics(matched, mask)[0] - mean).max() < 1
