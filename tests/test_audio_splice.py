"""Joined sounds: exact lengths, constant power in a fade, no click at a cut."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import soundfile

from lipsync_colab.audio import splice as splicing
from lipsync_colab.audio.splice import splice

RATE = 8000


def noise(path: Path, count: int, seed: int, channels: int = 1) -> Path:
    soundfile.write(path, np.random.default_rng(seed).normal(0, 0.1, (count, channels)), RATE, "PCM_16")
    return path


def test_a_fade_has_constant_power_and_the_rest_is_as_it_was(tmp_path: Path) -> None:
    one, two = noise(tmp_path / "1.wav", 16000, 1), noise(tmp_path / "2.wav", 16000, 2)
    splice([one, two], [(0, 16000), (12000, 28000)], RATE, tmp_path / "out.wav")
    joined = soundfile.read(tmp_path / "out.wav")[0]
    assert len(joined) == 28000
    first, second = soundfile.read(one)[0], soundfile.read(two)[0]
    np.testing.assert_allclose(joined[:12000], first[:12000], atol=1e-4)
    np.testing.assert_allclose(joined[16000:], second[4000:], atol=1e-4)
    power = (joined[12000:16000].reshape(8, -1) ** 2).mean(axis=1)
    assert power.min() / 0.01 > 0.8 and power.max() / 0.01 < 1.2


def test_a_cut_does_not_click(tmp_path: Path) -> None:
    for name, value in (("1.wav", 0.5), ("2.wav", -0.5)):
        soundfile.write(tmp_path / name, np.full(4000, value), RATE, "PCM_16")
    splice([tmp_path / "1.wav", tmp_path / "2.wav"], [(0, 4000), (4000, 8000)], RATE, tmp_path / "out.wav")
    joined = soundfile.read(tmp_path / "out.wav")[0]
    assert len(joined) == 8000 and np.abs(np.diff(joined)).max() < 0.05
    assert joined[0] == joined[3900] and abs(joined[0] - 0.5) < 1e-3


def test_short_sounds_are_padded_and_mono_becomes_stereo(tmp_path: Path) -> None:
    one, two = noise(tmp_path / "1.wav", 1000, 1), noise(tmp_path / "2.wav", 3000, 2, channels=2)
    splice([one, two], [(0, 2000), (2000, 5000)], RATE, tmp_path / "out.wav")
    joined = soundfile.read(tmp_path / "out.wav")[0]
    assert joined.shape == (5000, 2) and not joined[1000:2000].any()
    np.testing.assert_array_equal(joined[:1000, 0], joined[:1000, 1])


def test_blocks_leave_no_seam(tmp_path: Path, monkeypatch) -> None:  # type: ignore[no-untyped-def]
    sounds = [noise(tmp_path / f"{i}.wav", 9000, i) for i in range(3)]
    spans = [(0, 9000), (8000, 17000), (17000, 26000)]
    whole = splice(sounds, spans, RATE, tmp_path / "whole.wav").read_bytes()
    monkeypatch.setattr(splicing, "BLOCK", 700)
    assert splice(sounds, spans, RATE, tmp_path / "blocks.wav").read_bytes() == whole
