"""Audio2Head's arithmetic without weights, against the public implementation's values."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest
import soundfile
from golden import PARITY

from lipsync_colab.engines.audio2head.features import framed, normalised, voice_features
from lipsync_colab.engines.audio2head.pitch import bridged, harvest
from lipsync_colab.engines.audio2head.wirebox import draw_box, in_space

UTIL = PARITY / "audio2head"
FACTS: dict[str, Any] = json.loads((UTIL / "util.json").read_text())


def voice() -> np.ndarray:
    samples, _ = soundfile.read(PARITY / "sadtalker" / "util" / "voice2s.wav", dtype="float32")
    return samples


def test_every_column() -> None:
    with np.load(UTIL / "audio_features.npz") as values:
        expected, pitch = values["feature"], values["f0_raw"]
    found = voice_features(voice(), lambda samples: pitch)
    assert found.shape == expected.shape
    assert np.abs(found[:, :39] - expected[:, :39]).max() < 2e-3
    assert np.allclose(found[:, 39:], expected[:, 39:], rtol=1e-5)


def test_measured_pitch() -> None:
    pytest.importorskip("pyworld")
    with np.load(UTIL / "audio_features.npz") as values:
        expected = values["f0_raw"]
    assert np.allclose(harvest(normalised(voice())), expected, atol=0.5)


def test_features_of_long_and_silent_sound() -> None:
    quiet = voice_features(np.zeros(16_000, np.float32), lambda samples: np.zeros(101))
    assert np.isfinite(quiet).all()
    long = np.tile(voice(), 12)
    blocks = voice_features(long, lambda samples: np.zeros(10**6))
    assert np.isfinite(blocks).all()
    frames = framed(blocks, len(blocks))
    assert frames.shape == (len(blocks), 4, 41)
    assert np.array_equal(frames[3], blocks[12:16])
    assert not frames[-1].any()


@pytest.mark.parametrize("case", ["mixed", "voiced", "unvoiced", "tail", "lead"])
def test_gaps_in_the_pitch(case: str) -> None:
    assert np.allclose(bridged(np.array(FACTS[case]["x"])), FACTS[case]["y"])


def test_drawn_poses() -> None:
    with np.load(UTIL / "pose_draw.npz") as values:
        bits = np.unpackbits(values["packed"]).reshape(64, 256, 256)
        poses = np.concatenate([values["rot"], values["trans"]], axis=1)
    for pose, expected in zip(poses, bits, strict=True):
        drawn = draw_box(pose)
        assert set(np.unique(drawn)) <= {0, 255}
        # A corner on the edge between two pixels may fall to either side in another release of OpenCV.
        assert (drawn.astype(bool) != expected.astype(bool)).sum() <= 8


def test_poses_in_space() -> None:
    pytest.importorskip("torch")
    golden = np.load(PARITY / "audio2head" / "audio2pose" / "io.npz")
    assert np.allclose(in_space(golden["pose"][0]), golden["pose_denorm"], atol=1e-3)


@pytest.mark.parametrize("case", FACTS["windows"], ids=lambda case: str(case["frames"]))
def test_windows(case: dict[str, Any]) -> None:
    pytest.importorskip("torch")
    from lipsync_colab.engines.audio2head.windows import place_in_window

    expected = [
        (start, index)
        for start, (first, last) in zip(case["starts"], case["emitted"], strict=True)
        for index in range(first, last)
    ][: case["frames"]]
    assert [place_in_window(frame) for frame in range(len(expected))] == expected
