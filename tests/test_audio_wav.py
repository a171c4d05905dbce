"""Writing WAV files whole or not at all."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import soundfile

from lipsync_colab.audio.wav import write_wav
from lipsync_colab.errors import InputError


def test_round_trip(tmp_path: Path) -> None:
    samples = np.linspace(-1.5, 1.5, 5000).astype(np.float32)
    path = write_wav(tmp_path / "a b.wav", samples, 24_000)
    found, rate = soundfile.read(path, dtype="float32")
    assert rate == 24_000
    np.testing.assert_allclose(found, np.clip(samples, -1, 1), atol=1e-4)
    assert [one.name for one in tmp_path.iterdir()] == ["a b.wav"]


def test_a_bad_place_is_named(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="cannot be written"):
        write_wav(tmp_path / "missing" / "a.wav", np.zeros(10, np.float32), 16_000)
    (tmp_path / "taken").mkdir()
    with pytest.raises(InputError, match="cannot be written"):
        write_wav(tmp_path / "taken", np.zeros(10, np.float32), 16_000)
    assert [one.name for one in tmp_path.iterdir()] == ["taken"]
