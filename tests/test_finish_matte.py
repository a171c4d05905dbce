"""The person matte."""

from __future__ import annotations

from pathlib import Path

import matplotlib
import numpy as np
import pytest

from lipsync_colab.errors import WeightsError
from lipsync_colab.finish.canvas import make_canvas
from lipsync_colab.finish.matte import PersonMatte, guided
from lipsync_colab.portrait import load_portrait, read_picture

HOPPER = Path(matplotlib.get_data_path()) / "sample_data" / "grace_hopper.jpg"


def test_a_person_is_told_from_the_wall() -> None:
    share = PersonMatte()(read_picture(HOPPER))
    assert share.shape == (600, 512) and share.dtype == np.float32
    assert share[150:270, 220:320].min() > 0.95, "the face"
    assert share[500:, 150:350].min() > 0.95, "the coat"
    assert share[:150, 420:].max() < 0.05, "the wall"
    assert share.min() >= 0.0 and share.max() <= 1.0


def test_a_colour_replaces_the_wall_and_nothing_of_the_face() -> None:
    portrait = load_portrait(HOPPER)
    canvas = make_canvas(portrait, (1080, 1266), "#00FF00", matte=PersonMatte())
    plain = make_canvas(portrait, (1080, 1266))
    image = canvas.portrait.image
    assert np.array_equal(image[100, 1000], (0, 255, 0))
    left, top, right, bottom = (int(value) for value in canvas.portrait.face.box)
    inner = np.s_[top + 60 : bottom - 160, left + 100 : right - 100]
    assert np.array_equal(image[inner], plain.portrait.image[inner])


def test_values_follow_the_edges_of_the_guide() -> None:
    guide = np.zeros((200, 200, 3), np.float32)
    guide[:, 87:] = (0.9, 0.5, 0.2)
    coarse = np.zeros((50, 50), np.float32)
    coarse[:, 22:] = 1
    fine = guided(guide, coarse, 3)
    assert fine.shape == (200, 200)
    assert fine[:, :85].max() < 0.15 and fine[:, 90:].min() > 0.85
    flat = guided(np.full((200, 200, 3), 0.5, np.float32), np.full((50, 50), 0.3, np.float32), 3)
    np.testing.assert_allclose(flat, 0.3, atol=1e-3)


def test_a_file_that_is_no_model_is_refused(tmp_path: Path) -> None:
    (tmp_path / "selfie_segmentation.tflite").write_bytes(b"no model" * 100)
    with pytest.raises(WeightsError, match="weights verify"):
        PersonMatte(tmp_path / "selfie_segmentation.tflite")
