"""What a picture's contrast and the hue of its half-shades do to the inside of a mouth."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
from viseme_portraits import POSES, laid_in, portrait

from lipsync_colab.engines.viseme.light import LUMA, Light
from lipsync_colab.engines.viseme.mouth import Mouth
from lipsync_colab.engines.viseme.rig import FaceRig
from lipsync_colab.types import Image, Portrait


def harsh(image: Image) -> Image:
    """Return a picture whose contrast was raised until its shades are black."""
    return np.clip(np.rint(1.5 * (image.astype(np.float32) - 80)), 0, 255).astype(np.uint8)


def reddened(image: Image) -> Image:
    """Return a picture whose shades have lost their blue and its lights not."""
    level = image.astype(np.float32) / 255
    return np.rint(255 * level ** (0.7, 1.0, 1.8)).astype(np.uint8)


def hollow(still: Portrait) -> float:
    """Return the luma of the dark part of a wide open mouth over that of the skin."""
    posed = Mouth(still).pose(POSES["aa"])
    left, top, right, bottom = posed.lip_box(0.0)
    frame = laid_in(still, FaceRig(still).render(POSES["aa"]))[top:bottom, left:right]
    middle = frame[frame.shape[0] // 3 : frame.shape[0] // 2, frame.shape[1] // 3 : -frame.shape[1] // 3]
    return float(np.median(middle @ LUMA) / (Light.of(still).skin @ LUMA))


@pytest.mark.parametrize("name", ["hopper", "astronaut"])
def test_photographs_are_soft(name: str) -> None:
    assert Light.of(portrait(name)).contrast < 1.15


def test_black_shades_make_the_open_mouth_black() -> None:
    soft = portrait("hopper")
    hard = Portrait(harsh(soft.image), soft.face)
    assert Light.of(hard).contrast > 1.8
    assert hollow(hard) < 0.5 * hollow(soft)


def test_contrast_darkens_the_dark_and_keeps_what_is_white() -> None:
    soft = portrait("hopper")
    light = Light.of(Portrait(harsh(soft.image), soft.face))
    tooth, tongue = (np.full((1, 1, 3), part, np.float32) * light.white for part in (0.85, 0.4))
    assert np.abs(light.developed(tooth) / tooth - 1).max() < 0.2
    assert (light.developed(tongue) / tongue).max() < 0.6


def test_shades_are_as_red_as_the_pictures_own() -> None:
    still = portrait("hopper")
    red, blue = Light.of(Portrait(reddened(still.image), still.face)).dusk[[0, 2]]
    assert red < 0.75 and blue > 1.1
    grey = np.repeat(cv2.cvtColor(still.image, cv2.COLOR_RGB2GRAY)[..., None], 3, axis=2)
    np.testing.assert_allclose(Light.of(Portrait(grey, still.face)).dusk, 1, atol=1e-3)
