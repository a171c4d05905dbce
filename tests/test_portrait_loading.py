"""A picture file becomes a portrait, or one line."""

from __future__ import annotations

from pathlib import Path

import matplotlib
import numpy as np
import pytest
from PIL import Image as Pillow

from lipsync_colab.errors import InputError
from lipsync_colab.portrait import load_portrait
from lipsync_colab.portrait.picture import read_picture

HOPPER = Path(matplotlib.get_data_path()) / "sample_data" / "grace_hopper.jpg"


def save(path: Path, pixels: np.ndarray) -> Path:
    Pillow.fromarray(pixels).save(path)
    return path


def test_a_portrait_has_its_face() -> None:
    portrait = load_portrait(HOPPER)
    left, top, right, bottom = portrait.face.box
    assert portrait.size == (512, 600)
    assert portrait.source == "grace_hopper.jpg"
    assert portrait.others == ()
    assert portrait.face.mesh.shape == (478, 3)
    assert 150 < left < 190 and 110 < top < 150 and 340 < right < 370 and 320 < bottom < 350
    assert len(portrait.face.blendshapes) == 52


def test_the_largest_face_is_taken_and_others_are_counted(tmp_path: Path) -> None:
    image = read_picture(HOPPER)
    small = np.asarray(Pillow.fromarray(image).resize((256, 300)))
    both = np.full((600, 1024, 3), 128, np.uint8)
    both[100:400, 40:296] = small
    both[:, 512:] = image
    path = save(tmp_path / "two.png", both)
    first, second = load_portrait(path), load_portrait(path, 2)
    assert first.face.box[0] > 512 and second.face.box[2] < 300
    assert len(first.others) == 1
    assert np.allclose(first.others[0].box, second.face.box)
    with pytest.raises(InputError, match=r"--face 3: 2 faces found in two\.png"):
        load_portrait(path, 3)
    with pytest.raises(InputError, match="--face 0"):
        load_portrait(path, 0)


def test_a_small_face_in_a_large_picture_is_found(tmp_path: Path) -> None:
    scene = np.full((1500, 2000, 3), 90, np.uint8)
    face = np.asarray(Pillow.fromarray(read_picture(HOPPER)).resize((180, 211)))
    scene[1200:1411, 1700:1880] = face
    portrait = load_portrait(save(tmp_path / "scene.png", scene))
    left, top, right, bottom = portrait.face.box
    assert left > 1700 and top > 1200 and right < 1880 and bottom < 1411


def test_a_face_that_fills_the_picture_is_found(tmp_path: Path) -> None:
    portrait = load_portrait(save(tmp_path / "close.png", read_picture(HOPPER)[150:330, 180:345]))
    assert portrait.face.box[3] - portrait.face.box[1] > 150


@pytest.mark.parametrize(
    ("pixels", "message"),
    [
        (np.full((400, 300, 3), 200, np.uint8), r"no face found in p\.png \(300×400 pixels\)"),
        (np.random.default_rng(0).integers(0, 256, (400, 300, 3), np.uint8), "no face found"),
    ],
)
def test_no_face_is_said(tmp_path: Path, pixels: np.ndarray, message: str) -> None:
    with pytest.raises(InputError, match=message):
        load_portrait(save(tmp_path / "p.png", pixels))


def test_a_face_too_small_to_animate_is_refused(tmp_path: Path) -> None:
    tiny = np.asarray(Pillow.fromarray(read_picture(HOPPER)).resize((96, 113)))
    with pytest.raises(InputError, match=r"the face in p\.png is \d\d×\d\d pixels \(1 face found\): at least 48"):
        load_portrait(save(tmp_path / "p.png", tiny))
