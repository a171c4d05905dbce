"""The square that the network sees: where it lies and what is in it."""

from __future__ import annotations

import math

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from viseme_portraits import portrait

pytest.importorskip("torch")

from lipsync_colab.engines.wav2lip.crop import DEFAULT_PADS, FaceCrop, padded, parse_pads
from lipsync_colab.errors import InputError

NONE = (0.0, 0.0, 0.0, 0.0)


def test_a_box_of_96_pixels_is_cut_unchanged() -> None:
    image = np.random.default_rng(0).integers(0, 256, (200, 220, 3), np.uint8)
    crop = FaceCrop.of_box((30, 40, 126, 136))
    assert np.array_equal(crop.cut(image), image[40:136, 30:126])


def test_each_pixel_is_the_mean_of_what_it_covers() -> None:
    image = np.random.default_rng(0).integers(0, 256, (400, 600, 3), np.uint8)
    cut = FaceCrop.of_box((50, 10, 50 + 480, 10 + 288)).cut(image)
    means = image[10:298, 50:530].reshape(96, 3, 96, 5, 3).mean(axis=(1, 3))
    assert np.abs(cut - means).mean() < 3
    fine = FaceCrop.of_box((50, 10, 50 + 288, 10 + 288)).cut(image)
    exact = image[10:298, 50:338].reshape(96, 3, 96, 3, 3).mean(axis=(1, 3))
    assert np.abs(fine - exact).max() <= 1


@settings(max_examples=20, deadline=None)
@given(
    left=st.floats(-20, 100),
    top=st.floats(-20, 100),
    width=st.floats(48, 600),
    height=st.floats(48, 600),
    angle=st.floats(-1, 1),
)
def test_there_and_back(left: float, top: float, width: float, height: float, angle: float) -> None:
    crop = FaceCrop.of_box((left, top, left + width, top + height), angle)
    points = np.array([[0, 0], [95, 95], [10, 80]], np.float32)
    on_still = points @ crop.transform[:, :2].T + crop.transform[:, 2]
    assert np.allclose(crop.locate(on_still), points, atol=1e-2)


@pytest.mark.parametrize("roll", [-25.0, 0.0, 25.0])
def test_a_leaning_face_is_cut_upright(roll: float) -> None:
    still = portrait("hopper", 800, roll=roll)
    crop = FaceCrop.of_face(still.face, NONE)
    eyes = crop.locate(still.face.points[:2])
    assert abs(eyes[0, 1] - eyes[1, 1]) < 0.5
    marks = crop.locate(still.face.landmarks[:468])
    assert np.allclose(marks.min(axis=0), -0.5, atol=0.2) and np.allclose(marks.max(axis=0), 95.5, atol=0.4)


def test_pads_grow_the_box_by_percent() -> None:
    assert padded((100, 200, 300, 600), (10, 20, 5, 15)) == (90, 160, 330, 680)
    still = portrait("hopper", 640)
    plain, grown = (FaceCrop.of_face(still.face, pads) for pads in (NONE, DEFAULT_PADS))
    ratio = math.dist((0, 0), grown.transform[:, 1]) / math.dist((0, 0), plain.transform[:, 1])
    assert ratio == pytest.approx(1.05, abs=1e-3)


@pytest.mark.parametrize("text", ["1,2,3", "a,b,c,d", "0,0,0,101", "-50,-45,0,0", "nan,0,0,0"])
def test_wrong_pads_are_refused(text: str) -> None:
    with pytest.raises(InputError, match="top,bottom,left,right"):
        parse_pads(text)


def test_pads_are_read() -> None:
    assert parse_pads("") == DEFAULT_PADS
    assert parse_pads("0, 10,-5,2.5") == (0, 10, -5, 2.5)


def test_a_face_at_the_edge_repeats_the_edge() -> None:
    image = np.full((100, 100, 3), 50, np.uint8)
    cv2.rectangle(image, (0, 0), (3, 99), (200, 0, 0), -1)
    cut = FaceCrop.of_box((-48, 0, 48, 96)).cut(image)
    assert (cut[:, 0] == (200, 0, 0)).all()
