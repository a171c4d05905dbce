"""SyncNet's row of the report, with and without weights."""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
import soundfile
from golden import PARITY
from viseme_portraits import portrait

pytest.importorskip("torch")

from lipsync_colab import networks
from lipsync_colab.errors import InputError
from lipsync_colab.report import sync_row as row_module
from lipsync_colab.report.sync_row import sync_row, tracked_faces
from lipsync_colab.report.syncnet import face_crop
from lipsync_colab.types import Face, Image, Speech


class Clip:
    """A video of a still, at any rate."""

    def __init__(self, frames: int, fps: str = "25") -> None:
        self.count, self.fps = frames, Fraction(fps)

    def frames(self) -> Iterator[Image]:
        return (portrait("hopper", 300).image for _ in range(self.count))


class Tracker:
    """Finds the faces it was told, one list for each frame, the last one for ever."""

    def __init__(self, *found: tuple[Face, ...]) -> None:
        self.found = list(found)

    def detect(self, image: Image, near: Face | None = None) -> tuple[Face, ...]:
        return self.found.pop(0) if len(self.found) > 1 else self.found[0]

    def __enter__(self) -> Tracker:
        return self

    def __exit__(self, *error: object) -> None:
        pass


@pytest.fixture
def speech() -> Speech:
    return Speech(soundfile.read(PARITY.parent / "audio" / "golden_2s_16k.wav", dtype="float32")[0], 16_000)


def test_without_weights_the_row_says_what_it_needs(
    speech: Speech, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("LIPSYNC_COLAB_CACHE", str(tmp_path))
    figures, sentence = sync_row(Clip(10), speech)
    assert figures == {"lse_c": None, "lse_d": None, "lse_offset": None}
    assert "weights accept syncnet_v2.model" in sentence


def test_without_torch_the_row_says_so(speech: Speech, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(row_module, "has_torch", lambda: False)
    assert "pip install" in sync_row(Clip(10), speech)[1]


@pytest.mark.parametrize(("frames", "scored"), [(9, True), (4, False)])
def test_with_weights_it_is_scored(speech: Speech, monkeypatch: pytest.MonkeyPatch, frames: int, scored: bool) -> None:
    monkeypatch.setattr(row_module, "missing_weights", lambda: "")
    monkeypatch.setattr(row_module, "open_syncnet", lambda: networks.build("syncnet-v2"))
    monkeypatch.setattr(row_module, "FaceTracker", lambda: Tracker((portrait("hopper", 300).face,)))
    figures, sentence = sync_row(Clip(frames), speech)
    assert (figures["lse_d"] is not None) == scored
    assert ("SyncNet sees the lips" if scored else "too short") in sentence


def test_a_lost_face_keeps_its_place_and_a_jump_is_smoothed() -> None:
    still = portrait("hopper", 300)
    moved = still.face.moved(np.array([[1, 0, 40], [0, 1, 0]], np.float32))
    tracker = Tracker((still.face,), (still.face,), (moved,), (), (still.face,))
    crops = list(tracked_faces([still.image] * 5, tracker))
    expected = face_crop(still.image, still.face)
    assert all(np.array_equal(crop, expected) for crop in crops[:3])
    assert len(crops) == 5


def test_no_face_at_all_is_told() -> None:
    with pytest.raises(InputError, match="first frame"):
        list(tracked_faces([portrait("hopper", 300).image], Tracker(())))
