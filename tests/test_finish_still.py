"""The still, finished once."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from portraits import portrait_of

pytest.importorskip("torch")

from lipsync_colab.errors import WeightsError
from lipsync_colab.finish import still
from lipsync_colab.finish.resample import LanczosUpscaler
from lipsync_colab.finish.steps import Steps
from lipsync_colab.finish.still import finish_still, resized_portrait


def test_landmarks_move_with_the_picture() -> None:
    portrait = portrait_of(100, 80)
    # A dot at a landmark is still at the landmark when the picture is twice as large.
    portrait.image[:] = 0
    x, y = (round(float(value)) for value in portrait.face.landmarks[1])
    portrait.face.mesh[1, :2] = x, y
    portrait.image[y, x] = 255
    large = resized_portrait(portrait, np.repeat(np.repeat(portrait.image, 2, 0), 2, 1))
    rows, columns = np.nonzero(large.image[..., 0])
    assert np.allclose(large.face.landmarks[1], (columns.mean(), rows.mean()))


def test_nothing_to_do_is_lanczos_to_the_asked_size() -> None:
    portrait = portrait_of(100, 80)
    finished = finish_still(portrait, Steps(still_scale=2.5), size=(251, 200))
    assert finished.size == (251, 200)
    assert finish_still(portrait, Steps()).image is portrait.image


def refusing(name: str, **options: object) -> object:
    def refuse(image: np.ndarray, scale: float) -> np.ndarray:
        raise WeightsError(f"{name} is not here")

    return LanczosUpscaler() if name == "none" else refuse


def test_our_own_choice_gives_way_and_says_so(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(still, "open_upscaler", refusing)
    notes: list[str] = []
    steps = Steps(upscale_still="realesrgan-x2plus", still_scale=2)
    finished = finish_still(portrait_of(60, 50), steps, automatic=True, note=notes.append)
    assert finished.size == (120, 100)
    assert [note.split()[0] for note in notes] == ["realesrgan-x2plus", "realesr-general-x4v3", "realesr-animevideov3"]


def test_what_was_asked_for_is_refused_instead(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(still, "open_upscaler", refusing)
    with pytest.raises(WeightsError, match="x2plus is not here"):
        finish_still(portrait_of(60, 50), Steps(upscale_still="realesrgan-x2plus", still_scale=2))
