"""What is done to the still before it becomes the canvas."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from portraits import portrait_of, textured

pytest.importorskip("torch")

from lipsync_colab.errors import WeightsError
from lipsync_colab.finish import still
from lipsync_colab.finish.canvas import make_canvas
from lipsync_colab.finish.resample import LanczosUpscaler
from lipsync_colab.finish.still import StillUpscaler, candidates, restored_portrait


def refusing(name: str, **options: object) -> object:
    def refuse(image: np.ndarray, scale: float) -> np.ndarray:
        raise WeightsError(f"{name} is not here")

    return LanczosUpscaler() if name == "none" else refuse


def test_our_own_choice_gives_way_and_says_so(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(still, "open_upscaler", refusing)
    notes: list[str] = []
    upscaler = StillUpscaler("realesrgan-x2plus", automatic=True, note=notes.append)
    assert upscaler(textured(60, 50), 2).shape == (100, 120, 3)
    assert [note.split()[0] for note in notes] == ["realesrgan-x2plus", "realesr-general-x4v3"]
    assert upscaler.used == "none"


def test_what_was_asked_for_is_refused_instead(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(still, "open_upscaler", refusing)
    with pytest.raises(WeightsError, match="x2plus is not here"):
        StillUpscaler("realesrgan-x2plus")(textured(60, 50), 2)


def test_nothing_takes_the_place_of_what_is_no_network() -> None:
    assert candidates("none") == ["none"]
    assert candidates("sd-x4") == ["sd-x4"]
    assert candidates("realesrgan-x4plus")[-1] == "none"


def test_it_serves_the_canvas() -> None:
    portrait = portrait_of(100, 80)
    canvas = make_canvas(portrait, (250, 200), "blur", StillUpscaler("none"))
    assert canvas.size == (250, 200)


def test_restored_portrait_keeps_its_landmarks() -> None:
    portrait = portrait_of()
    finished = restored_portrait(portrait, lambda faces: faces * 0.5, 1.0)
    assert finished.face is portrait.face
    assert not np.array_equal(finished.image, portrait.image)
