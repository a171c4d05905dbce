"""The walkthrough's boxes: pictures and figures, a stage that is stopped, one that fails, and what is not offered."""

from __future__ import annotations

import threading
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from material import hopper

pytest.importorskip("ipywidgets")

from lipsync_colab.errors import InputError
from lipsync_colab.panel.stage_box import StageBox, side_by_side, stage_boxes
from lipsync_colab.panel.walkthrough import Stage, Walkthrough
from lipsync_colab.types import RenderSettings

import ipywidgets  # isort: skip

FRAME = np.zeros((40, 30, 3), np.uint8)


def a_stage(name: str = "generate") -> Stage:
    return Stage(name, "viseme", FRAME, FRAME[:10, :20], 1.25, (400_000_000, 500_000_000), (0, 2_000_000_000))


def box_of(run: Any) -> StageBox:
    return StageBox(1, "Generate", run, {"share": ipywidgets.FloatSlider(value=0.25, min=0, max=1)})


def test_a_stage_tells_time_and_memory_before_and_after() -> None:
    assert a_stage().told == "generate (viseme): 1.2 s, memory 400 → 500 MB, GPU 0 → 2,000 MB."


def test_the_button_runs_the_stage_with_the_choices() -> None:
    asked: list[float] = []

    def run(share: float, progress: Any) -> Stage:
        asked.append(share)
        progress("frames", 1, 1)
        return a_stage()

    box = box_of(run)
    box.button.click()
    assert box.worker.wait(10)
    assert asked == [0.25] and "400 → 500 MB" in box.status.value
    assert box.pictures.value.count("<img") == 2 and "The mouth after generate" in box.pictures.value
    assert not box.button.disabled and box.stop.disabled


def test_stop_is_heard_and_the_pictures_stay() -> None:
    started = threading.Event()

    def run(share: float, progress: Any) -> Stage:
        while True:
            progress("frames", 1, 2)
            started.set()

    box = box_of(run)
    box.pictures.value = "before"
    box.button.click()
    assert started.wait(10) and box.button.disabled and not box.stop.disabled
    box.stop.click()
    assert box.worker.wait(10)
    assert "Stopped" in box.status.value and box.pictures.value == "before" and not box.button.disabled


def test_a_failure_is_one_sentence_in_the_cell_and_at_the_button() -> None:
    def run(share: float, progress: Any) -> Stage:
        raise InputError("no <such> thing")

    box = box_of(run)
    assert box.show() is None
    assert "no &lt;such&gt; thing" in box.status.value and "lsc-bad" in box.status.value
    box.status.value = ""
    box.button.click()
    assert box.worker.wait(10) and "no &lt;such&gt; thing" in box.status.value


def test_choices_are_priced_and_what_is_not_offered_is_not_preset(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(
        "lipsync_colab.panel.offers.install_command", lambda name: "pip install x" if "gan" in name else ""
    )
    walk = Walkthrough(hopper(), tmp_path / "voice.wav", tmp_path / "out.mp4", RenderSettings(size="240x280"))
    _, enhance, upscale = stage_boxes(walk, restorer="gfpgan", upscaler="auto")
    restorer = enhance._choices["restorer"]
    assert restorer.value == "none" and "gfpgan" not in [value for _, value in restorer.options]
    refused = enhance.widget.children[1].children[2].value
    assert "<li>gfpgan, gfpgan-1.3: needs pip install x</li>" in refused
    assert "×" in dict((value, label) for label, value in upscale._choices["upscaler"].options)["auto"]


def test_side_by_side_names_each_stage(tmp_path: Path) -> None:
    walk = Walkthrough(hopper(), tmp_path / "voice.wav", tmp_path / "out.mp4")
    walk.stages = {"generate": a_stage(), "enhance": a_stage("enhance")}
    shown = side_by_side(walk).children[1].value
    assert shown.count("<figure>") == 2 and "Generate" in shown and "Enhance" in shown
