"""The comparison of restorers: what every network is given, what is measured, and what is told of those not run."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import cv2
import numpy as np
import pytest

from lipsync_colab.bench import restorers
from lipsync_colab.bench.restorer_charts import bars, picture_sheet, table
from lipsync_colab.bench.restorers import (
    PLAIN,
    Absent,
    Comparison,
    Task,
    absence,
    compare_restorers,
    fidelity,
    make_task,
    run_one,
)
from lipsync_colab.cli.demo import portrait_path
from lipsync_colab.errors import InputError
from lipsync_colab.portrait import load_portrait


@pytest.fixture(scope="module")
def task() -> Task:
    return make_task(load_portrait(portrait_path()), 4)


def test_the_face_is_cut_out_and_shrunk_by_the_factor(task: Task) -> None:
    width, height = task.truth.size
    assert task.small.shape == (height // 4, width // 4, 3) and width % 4 == height % 4 == 0
    left, top, right, bottom = task.truth.face.box
    assert left > 0 and top > 0 and right < width and bottom < height
    assert abs(task.small.astype(float).mean() - task.truth.image.astype(float).mean()) < 0.5


def test_the_truth_is_perfect_and_blur_is_told(task: Task) -> None:
    perfect = fidelity(task, task.truth.image)
    assert perfect["ssim"] == 1 and perfect["sharpness"] == 1 and perfect["landmark_shift"] < 1.5
    blurred = np.asarray(cv2.GaussianBlur(task.truth.image, (0, 0), 3), np.uint8)
    found = fidelity(task, blurred)
    assert found["psnr_db"] < perfect["psnr_db"] and found["ssim"] < 0.95 and found["sharpness"] < 0.2
    moved = fidelity(task, np.roll(task.truth.image, 6, axis=1))
    assert abs(moved["landmark_shift"] - 600 / task.truth.face.eye_distance) < 2


def test_interpolation_is_run_and_drawn_with_what_was_not_run(task: Task) -> None:
    run = run_one(PLAIN, task)
    assert run.picture.shape == task.truth.image.shape and 15 < run.figures["psnr_db"] < 40
    assert run.figures["memory_mb"] > 0
    found = Comparison(task, (run,), (Absent("gfpgan", "its <terms>", "lipsync-colab weights accept x"),))
    assert len(picture_sheet(found).axes) == 6 and len(bars(found).axes) == 6
    assert "its &lt;terms&gt;" in table(found) and "<td>lanczos</td>" in table(found)


def test_what_is_missing_names_its_remedy(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(restorers, "lacking_packages", lambda name: ["spandrel"])
    monkeypatch.setattr(restorers, "install_command", lambda name: "pip install 'lipsync-colab[enhance]'")
    found = absence("gfpgan")
    assert found is not None and found.reason == "spandrel not installed"
    assert found.remedy.startswith("pip install 'lipsync-colab[enhance]' && lipsync-colab weights accept")
    assert absence(PLAIN) is None


def test_wrong_requests_are_refused(task: Task) -> None:
    with pytest.raises(InputError, match="no restorer is called 'gan'"):
        compare_restorers(Path("x.png"), names=("gan",))
    with pytest.raises(InputError, match="a factor of 3"):
        make_task(load_portrait(portrait_path()), 3)
    tiny = dataclasses.replace(
        task.truth, image=task.small, face=task.truth.face.moved(np.float32([[0.25, 0, 0], [0, 0.25, 0]]))
    )
    with pytest.raises(InputError, match="too small"):
        make_task(tiny, 8)
