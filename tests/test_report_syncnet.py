"""SyncNet's score: the windows, the cepstra and the arithmetic of LSE-C, LSE-D and the offset."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
import soundfile
from fill import fill_module
from golden import PARITY
from hypothesis import given, settings
from hypothesis import strategies as st
from viseme_portraits import portrait

torch = pytest.importorskip("torch")

from lipsync_colab import networks  # noqa: E402
from lipsync_colab.audio.mfcc import mfcc  # noqa: E402
from lipsync_colab.errors import InputError, WeightsError  # noqa: E402
from lipsync_colab.report import syncnet  # noqa: E402
from lipsync_colab.report.syncnet import (  # noqa: E402
    at_25,
    face_crop,
    missing_weights,
    open_syncnet,
    score_of,
    sync_score,
)
from lipsync_colab.types import Speech  # noqa: E402
from lipsync_colab.weights.load import assign  # noqa: E402
from lipsync_colab.weights.store import Store  # noqa: E402

AUDIO = PARITY.parent / "audio"


@pytest.fixture(scope="module")
def speech() -> Speech:
    return Speech(soundfile.read(AUDIO / "golden_2s_16k.wav", dtype="float32")[0], 16_000)


def test_cepstra_are_the_golden_ones(speech: Speech) -> None:
    with np.load(AUDIO / "mfcc.npz") as stored:
        assert np.allclose(mfcc(speech.samples), stored["mfcc"], atol=1e-4)


@pytest.mark.parametrize(("length", "columns"), [(1, 1), (400, 1), (401, 2), (560, 2), (561, 3), (32_000, 199)])
def test_cepstra_cover_the_whole_sound(length: int, columns: int) -> None:
    assert mfcc(np.zeros(length, np.float32)).shape == (13, columns)
    assert np.isfinite(mfcc(np.zeros(length, np.float32))).all()


def test_long_sounds_are_read_in_blocks(monkeypatch: pytest.MonkeyPatch, speech: Speech) -> None:
    whole = mfcc(speech.samples)
    monkeypatch.setattr("lipsync_colab.audio.mfcc.BLOCK", 7)
    assert np.allclose(mfcc(speech.samples), whole, atol=1e-5)


def test_the_network_has_the_size_of_the_released_file() -> None:
    network = networks.build("syncnet-v2")
    assert sum(parameter.numel() for parameter in network.parameters()) == 13_631_616
    assert 4 * 13_631_616 < Store().manifest["syncnet_v2.model"].size < 4 * 13_631_616 + 60_000


@settings(max_examples=30, deadline=None)
@given(shift=st.integers(-9, 9), seed=st.integers(0, 1000))
def test_the_offset_is_found(shift: int, seed: int) -> None:
    """Pictures that repeat the sound ``shift`` windows later are ``shift`` frames late."""
    random = np.random.default_rng(seed)
    stream = random.normal(size=(60, 32)).astype(np.float32)
    sound = stream[10:50]
    picture = stream[10 - shift : 50 - shift] + random.normal(scale=0.1, size=(40, 32)).astype(np.float32)
    score = score_of(picture, sound)
    assert score.offset == shift
    assert score.confidence > 1 and score.windows == 40
    strangers = score_of(random.normal(size=(40, 32)).astype(np.float32), sound)
    assert strangers.confidence < score.confidence and strangers.distance > score.distance


def test_score_by_hand() -> None:
    score = score_of(np.array([[3.0, 4.0]], np.float32), np.array([[3.0, 4.0]], np.float32), reach=2)
    assert score.distance == pytest.approx(0, abs=1e-5)
    assert score.confidence == pytest.approx(5, abs=1e-5), "the other shifts compare with zeros"
    assert score.offset == 0


def test_windows_and_cepstra_reach_the_network_together(speech: Speech) -> None:
    """A network that embeds what it is given finds each window's first frame and first column."""

    class Told(torch.nn.Module):
        def forward(self, cepstra: torch.Tensor, faces: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
            assert cepstra.shape[1:] == (1, 13, 20) and faces.shape[1:] == (3, 5, 224, 224)
            seen.extend((float(face[0, 0, 0, 0]), float(face[2, 4, 0, 0])) for face in faces)
            heard.extend(cepstra[:, 0, :, 0].numpy())
            return cepstra.flatten(1)[:, :8], faces[:, 0, :, 0, :8].flatten(1)[:, :8]

    seen: list[tuple[float, float]] = []
    heard: list[np.ndarray] = []
    faces = (np.full((224, 224, 3), (number, 0, 100 + number), np.uint8) for number in range(80))
    score = sync_score(faces, speech, Told())
    assert score.windows == 45, "the sound has 50 frames; five are the last window's, which the release leaves out"
    assert seen == [(100 + number, number + 4) for number in range(45)], "blue first, five frames from the first on"
    assert np.allclose(heard, mfcc(speech.samples)[:, : 45 * 4 : 4].T)


def test_a_clip_is_scored_on_filled_weights(speech: Speech) -> None:
    network = fill_module(networks.build("syncnet-v2"))
    random = np.random.default_rng(0)
    faces = [random.integers(0, 256, (224, 224, 3), np.uint8) for _ in range(7)]
    first, again = (sync_score(iter(faces), speech, network) for _ in range(2))
    assert first == again and first.windows == 2 and np.isfinite(first.distance)
    with pytest.raises(InputError, match="too short"):
        sync_score(faces[:5], speech, network)


def test_the_crop_holds_the_face_and_what_lies_under_it() -> None:
    still = portrait("hopper", 600)
    crop = face_crop(still.image, still.face)
    assert crop.shape == (224, 224, 3)
    left, top, right, bottom = still.face.box
    half = (bottom - top) / 2
    middle = still.image[round(top + half), round((left + right) / 2)].astype(int)
    assert np.abs(crop[80, 112].astype(int) - middle).max() < 40, "the box's middle lies 1 of 2.8 halves down"


@pytest.mark.parametrize(("fps", "frames"), [("25", 50), ("50", 100), ("30000/1001", 60), ("12.5", 25)])
def test_any_rate_becomes_25(fps: str, frames: int) -> None:
    rate = Fraction(fps)
    shown = list(at_25(range(frames), rate))
    assert abs(len(shown) - frames / rate * 25) <= 1
    assert all(abs(frame / rate - Fraction(number, 25)) < 1 / rate for number, frame in enumerate(shown))


def test_missing_weights_are_told(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("LIPSYNC_COLAB_CACHE", str(tmp_path))
    reason = missing_weights()
    assert "weights accept syncnet_v2.model" in reason and "weights fetch syncnet_v2.model" in reason
    with pytest.raises(WeightsError, match="syncnet_v2"):
        open_syncnet()


def test_a_file_without_batch_counts_loads(monkeypatch: pytest.MonkeyPatch) -> None:
    filled = fill_module(networks.build("syncnet-v2")).state_dict()
    stored = {key: value for key, value in filled.items() if not key.endswith("num_batches_tracked")}
    monkeypatch.setattr(syncnet.load, "load_state_dict", lambda row, store=None: dict(stored))
    network = open_syncnet()
    assert all(torch.equal(network.state_dict()[key], value) for key, value in stored.items())
    with pytest.raises(WeightsError, match="missing"):
        assign(network, {}, "an empty file")
