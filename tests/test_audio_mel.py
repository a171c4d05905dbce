"""The log-mel spectrogram against golden data, and any of its columns alone."""

from __future__ import annotations

import numpy as np
import pytest
import soundfile
from conftest import DATA
from hypothesis import given, settings
from hypothesis import strategies as st

from lipsync_colab.audio.mel import MelSpectrogram, log_mel, mel_filters

GOLDEN = DATA / "audio"


def sound(name: str) -> np.ndarray:
    return soundfile.read(GOLDEN / name, dtype="float32")[0]


def test_equals_the_published_spectrogram() -> None:
    golden = np.load(GOLDEN / "mel_wav2lip.npz")
    samples = sound("golden_2s_16k.wav")
    np.testing.assert_allclose(mel_filters().sum(1), golden["filters"], atol=1e-6)
    np.testing.assert_allclose(log_mel(samples), golden["mirrored"], atol=2e-6)
    np.testing.assert_allclose(log_mel(samples, mirrored=False), golden["silent"], atol=2e-6)


def test_equals_sadtalkers_windows() -> None:
    golden = np.load(GOLDEN / "mel_sadtalker.npz")
    spectrogram = MelSpectrogram(sound("voice2s.wav")[:32000], mirrored=False)
    np.testing.assert_allclose(spectrogram.columns(0, len(spectrogram)).T, golden["silent"], atol=2e-6)
    for frame in (0, 1, 2, 25, 49):
        name = "window_last" if frame == 49 else f"window_{frame}"
        window = spectrogram.window(int(golden["start_idx"][frame]), 16)
        np.testing.assert_allclose(window, golden[name], atol=2e-6)


def test_silence_lies_at_the_floor() -> None:
    assert np.all(log_mel(np.zeros(4000, np.float32)) == -4)


@settings(max_examples=30, deadline=None)
@given(length=st.integers(1, 9000), data=st.data())
def test_columns_alone_equal_the_whole(length: int, data: st.DataObject) -> None:
    samples = np.random.default_rng(length).standard_normal(length).astype(np.float32) * 0.2
    whole = log_mel(samples)
    assert whole.shape == (80, 1 + length // 200) and np.isfinite(whole).all()
    start = data.draw(st.integers(0, whole.shape[1]))
    stop = data.draw(st.integers(start, whole.shape[1]))
    np.testing.assert_allclose(MelSpectrogram(samples).columns(start, stop), whole[:, start:stop], atol=1e-6)


def test_bad_requests_are_refused() -> None:
    with pytest.raises(ValueError, match="non-empty"):
        MelSpectrogram(np.zeros(0, np.float32))
    with pytest.raises(IndexError):
        MelSpectrogram(np.zeros(400, np.float32)).columns(0, 4)
