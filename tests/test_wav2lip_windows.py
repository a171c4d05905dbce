"""Which sound each frame hears: the golden starts, any rate, the whole length."""

from __future__ import annotations

import json
from fractions import Fraction

import numpy as np
import pytest
import soundfile
from golden import PARITY
from hypothesis import given, settings
from hypothesis import strategies as st

from lipsync_colab.audio.mel import log_mel
from lipsync_colab.engines.wav2lip.windows import TRAINING_LAG, MelWindows, parse_lag
from lipsync_colab.errors import InputError

SPEECH = PARITY.parent / "audio" / "golden_2s_16k.wav"
GOLDEN = json.loads((PARITY / "wav2lip" / "mel_chunks.json").read_text())["golden_wav_starts"]


@pytest.fixture(scope="module")
def samples() -> np.ndarray:
    return soundfile.read(SPEECH, dtype="float32")[0]


@pytest.mark.parametrize("fps", GOLDEN)
def test_starts_are_the_released_ones(fps: str, samples: np.ndarray) -> None:
    windows = MelWindows(samples, Fraction(fps))
    # The release's last window is moved back to end with the sound, and there it stops.
    assert [windows.start(frame) for frame in range(len(GOLDEN[fps]) - 1)] == GOLDEN[fps][:-1]


def test_windows_are_the_golden_columns(samples: np.ndarray) -> None:
    mel = log_mel(samples)
    stack = MelWindows(samples, Fraction(25)).stack(0, 46)
    for frame, start in enumerate(GOLDEN["25.0"][:46]):
        assert np.allclose(stack[frame, 0], mel[:, start : start + 16], atol=1e-5)


def test_every_frame_of_the_sound_has_a_window_and_then_silence(samples: np.ndarray) -> None:
    windows = MelWindows(samples, Fraction(25))
    stack = windows.stack(45, 20)
    assert stack.shape == (20, 1, 80, 16)
    assert stack[0].max() > -3.5
    assert (stack[-1] == -4).all()


@pytest.mark.parametrize("length", [1, 199, 200, 1600, 2999])
def test_short_sounds_have_windows(length: int) -> None:
    stack = MelWindows(np.full(length, 0.1, np.float32), Fraction(30)).stack(0, 5)
    assert stack.shape == (5, 1, 80, 16) and np.isfinite(stack).all()


def test_training_alignment_is_one_frame_later(samples: np.ndarray) -> None:
    release, training = (MelWindows(samples, Fraction(25), lag) for lag in (Fraction(0), TRAINING_LAG))
    assert np.array_equal(training.stack(1, 40), release.stack(0, 40))
    assert (training.stack(0, 1)[0, 0, :, :3] == -4).all(), "before the sound there is silence"


@settings(max_examples=50, deadline=None)
@given(
    numerator=st.integers(1000, 120_000),
    denominator=st.sampled_from([1000, 1001]),
    frame=st.integers(0, 500_000),
    lag=st.fractions(-1, 1, max_denominator=1000),
)
def test_windows_never_drift(numerator: int, denominator: int, frame: int, lag: Fraction) -> None:
    fps = Fraction(numerator, denominator)
    start = MelWindows(np.zeros(1, np.float32), fps, lag).start(frame)
    exact = (frame / fps - lag) * 80
    assert 0 <= exact - start < 1


@settings(max_examples=20, deadline=None)
@given(first=st.integers(0, 60), count=st.integers(1, 9))
def test_a_stack_is_its_windows(samples: np.ndarray, first: int, count: int) -> None:
    windows = MelWindows(samples, Fraction(25))
    alone = np.concatenate([windows.stack(frame, 1) for frame in range(first, first + count)])
    assert np.allclose(windows.stack(first, count), alone, atol=1e-5)


@pytest.mark.parametrize("text", ["soon", "1/0", "1.5", "-2"])
def test_wrong_lags_are_refused(text: str) -> None:
    with pytest.raises(InputError, match="lag"):
        parse_lag(text)


def test_lags_are_exact() -> None:
    assert parse_lag("0.04") == parse_lag("1/25") == TRAINING_LAG
    assert parse_lag("") == 0
