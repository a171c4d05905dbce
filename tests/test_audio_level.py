"""Levels and the gate between speech and pauses."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lipsync_colab.audio.level import SpeechGate, frame_times, levels, speech_level_db
from lipsync_colab.types import Speech

RATE = 16_000


def bursts(pattern: list[tuple[float, float]], noise: float = 0.0) -> Speech:
    """Stretches of a tone: (seconds, amplitude) each."""
    parts = [amplitude * np.sin(2 * np.pi * 200 * np.arange(round(s * RATE)) / RATE) for s, amplitude in pattern]
    samples = np.concatenate(parts)
    samples += noise * np.random.default_rng(0).standard_normal(len(samples))
    return Speech(samples.astype(np.float32), RATE)


def test_levels_are_rms() -> None:
    found = levels(bursts([(0.5, 0.5), (0.5, 0.0)]))
    assert len(found) == 100
    np.testing.assert_allclose(found[:50], 20 * np.log10(0.5 / np.sqrt(2)), atol=0.01)
    assert np.all(found[50:] == -100)


@settings(max_examples=20, deadline=None)
@given(length=st.integers(1, 5000), rate=st.sampled_from([16_000, 22_050, 24_000]))
def test_any_length(length: int, rate: int) -> None:
    speech = Speech(np.full(length, 0.1, np.float32), rate)
    found = levels(speech)
    assert len(found) == -(-length // round(rate / 100))
    np.testing.assert_allclose(found, -20, atol=1e-3)
    assert speech_level_db(speech, Fraction(25), 3).shape == (3,)


@pytest.mark.parametrize("noise", [0.0, 0.003, 0.02])
def test_gate_finds_pauses_in_noise(noise: float) -> None:
    gate = SpeechGate.of(bursts([(0.5, 0), (1, 0.4), (0.5, 0), (1, 0.4), (0.08, 0), (1, 0.4), (0.5, 0)], noise))
    found = gate.pauses(0.2)
    np.testing.assert_allclose(found, [(0, 0.5), (1.5, 2.0), (4.08, 4.58)], atol=0.021)
    opening = gate.opening(np.array([0.2, 1.0, 1.75, 3.04, 4.5]))
    np.testing.assert_allclose(opening, [0, 1, 0, 1, 0], atol=1e-3)
    assert opening[0] == opening[2] == opening[4] == 0


@pytest.mark.parametrize("amplitude", [0.0, 1e-5])
def test_no_voice(amplitude: float) -> None:
    speech = bursts([(1, amplitude)])
    assert not SpeechGate.of(speech).opening(np.linspace(0, 1, 9)).any()
    assert np.all(speech_level_db(speech, Fraction(25), 25) == -100)


def test_a_click_is_no_speech() -> None:
    speech = bursts([(0.5, 0), (0.01, 0.9), (0.5, 0), (1, 0.3)])
    assert SpeechGate.of(speech).opening(np.array([0.505])) == 0


def test_frames_are_sampled_at_their_centres() -> None:
    times = frame_times(Fraction(30000, 1001), 3)
    np.testing.assert_allclose(times, np.array([0.5, 1.5, 2.5]) * 1001 / 30000)
    loudness = speech_level_db(bursts([(1, 0.4), (1, 0.0)]), Fraction(25), 75)
    assert np.all(np.abs(loudness[:24]) < 0.1) and np.all(loudness[26:] < -80)
    assert np.all(loudness[50:] == -100)
