"""The still finished as the plan says: background, matte, outpainting."""

from __future__ import annotations

import dataclasses
from typing import Any

import numpy as np
import pytest
from faces import plain_face

from lipsync_colab.errors import InputError
from lipsync_colab.finish import matte, outpaint
from lipsync_colab.pipeline.finishing import finish_still
from lipsync_colab.types import Image, Portrait, RenderPlan, RenderSettings

STILL = Portrait(np.full((300, 300, 3), 200, np.uint8), plain_face(90, 60, 120, 150), "test")


def plan(**settings: Any) -> RenderPlan:
    return RenderPlan(RenderSettings(**settings), "viseme", "p", "s", 960, 540, "25", 10, 10)


def silent(stage: str, done: int, total: int) -> None:
    """Progress that nobody watches."""


def test_an_unknown_background_is_refused_before_any_work() -> None:
    wanted = dataclasses.replace(plan(background="no such file.png"), restore_still="gfpgan")
    with pytest.raises(InputError, match="--background"):
        finish_still(STILL, wanted, silent)


def test_the_matte_is_asked_for_by_option(monkeypatch: pytest.MonkeyPatch) -> None:
    class Nobody:
        def __call__(self, image: Image) -> np.ndarray:
            return np.zeros(image.shape[:2], np.float32)

    monkeypatch.setattr(matte, "PersonMatte", Nobody)
    kept = finish_still(STILL, plan(background="#0000FF"), silent).portrait.image
    cut = finish_still(STILL, plan(background="#0000FF", options=(("matte", "on"),)), silent).portrait.image
    assert (kept[270, 480] == 200).all()
    assert np.array_equal(cut, np.broadcast_to(np.array([0, 0, 255], np.uint8), cut.shape))
    with pytest.raises(InputError, match="--option matte=yes: choose on or off"):
        finish_still(STILL, plan(options=(("matte", "yes"),)), silent)


def test_outpainting_is_used_where_it_can_be_had(monkeypatch: pytest.MonkeyPatch) -> None:
    def painted(device: str, seed: int, **_: Any) -> Any:
        return lambda image, missing: np.full_like(image, seed)

    monkeypatch.setattr(outpaint, "open_outpaint", painted)
    image = finish_still(STILL, plan(background="inpaint", seed=7), silent).portrait.image
    assert (image[:, 0] == 7).all() and (image[270, 480] == 200).all()


def test_without_an_inpainting_model_it_is_said() -> None:
    notes: list[str] = []
    image = finish_still(STILL, plan(background="inpaint"), silent, notes.append).portrait.image
    assert len(notes) == 1 and "blurred reflection" in notes[0]
    assert np.array_equal(image, finish_still(STILL, plan(), silent).portrait.image)
