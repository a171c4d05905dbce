"""The loudness of a file's sound, against signals whose loudness the standard gives."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pytest
import soundfile

from lipsync_colab.report.loudness import track_loudness


def sine(path: Path, level: float, channels: int) -> Path:
    wave = 10 ** (level / 20) * np.sin(2 * np.pi * 997 * np.arange(48_000 * 3) / 48_000)
    soundfile.write(path, np.stack([wave] * channels, axis=1), 48_000)
    return path


@pytest.mark.parametrize(("level", "channels", "expected"), [(-20, 1, -23.0), (-20, 2, -20.0), (-40, 2, -40.0)])
def test_a_sine_has_the_loudness_of_the_standard(tmp_path: Path, level: float, channels: int, expected: float) -> None:
    found = track_loudness(sine(tmp_path / "sine.wav", level, channels))
    assert found.integrated == pytest.approx(expected, abs=0.15)
    assert found.peak == pytest.approx(level, abs=0.3)


def test_silence_has_none(tmp_path: Path) -> None:
    soundfile.write(tmp_path / "silence.wav", np.zeros(48_000), 48_000)
    found = track_loudness(tmp_path / "silence.wav")
    assert math.isnan(found.integrated) and math.isnan(found.peak)
