"""Voice, breath and hiss told apart."""

from __future__ import annotations

import dataclasses
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lipsync_colab.audio.level import SpeechGate
from lipsync_colab.audio.voicing import VOICED, breaths, voiced_gate, voicing
from lipsync_colab.engines.viseme.track import mouth_track
from lipsync_colab.narrate.voice import speak
from lipsync_colab.phonemes.arpabet import SILENCE
from lipsync_colab.types import Speech

RATE = 16_000


def noise(seconds: float, level: float = 0.05) -> np.ndarray:
    samples = np.random.default_rng(0).standard_normal(round(seconds * RATE)) * level
    return (samples * np.hanning(len(samples)) ** 0.3).astype(np.float32)


@pytest.mark.parametrize("pitch", [75, 120, 220, 400])
def test_a_tone_is_voiced_and_noise_is_not(pitch: float) -> None:
    times = np.arange(RATE) / RATE
    buzz = sum(np.sin(2 * np.pi * pitch * k * times) / k for k in range(1, 9)) * 0.2
    assert np.median(voicing(Speech(buzz.astype(np.float32), RATE))) > 0.9
    assert np.median(voicing(Speech(noise(1.0), RATE))) < VOICED - 0.1
    assert not voicing(Speech(np.zeros(RATE, np.float32), RATE)).any()


@settings(max_examples=25, deadline=None)
@given(st.integers(1, 4000))
def test_any_length(length: int) -> None:
    speech = Speech(noise(length / RATE), RATE)
    assert len(voicing(speech)) == len(SpeechGate.of(speech).active)


@pytest.fixture(scope="module")
def breathing() -> tuple[Speech, float, float]:
    """Speech, a breath of 0.6 s between pauses, and speech again; with the breath's start and end."""
    line = speak("We sell sea shells. Yes.").samples
    pause = np.zeros(round(0.4 * RATE), np.float32)
    start = (len(line) + len(pause)) / RATE
    return Speech(np.concatenate([line, pause, noise(0.6), pause, line]), RATE), start, start + 0.6


def test_breaths_are_found_and_consonants_kept(breathing: tuple[Speech, float, float]) -> None:
    speech, start, end = breathing
    gate = SpeechGate.of(speech)
    found = breaths(speech, gate.active)
    inside = slice(round((start + 0.05) * 100), round((end - 0.05) * 100))
    assert gate.active[inside].all() and found[inside].all()
    said = speak("We sell sea shells. Yes.")
    heard = [one for one in said.phonemes or () if one.symbol != SILENCE]
    assert not any(found[round(one.start * 100) : round(one.end * 100)].any() for one in heard)


def test_the_mouth_rests_while_breathing(breathing: tuple[Speech, float, float]) -> None:
    speech, start, end = breathing
    track = mouth_track(speech, Fraction(25), int(speech.seconds * 25))
    assert track.source == "learned"
    assert not track.values[int((start - 0.05) * 25) : int((end + 0.05) * 25)].any()
    assert track.values[: int(start * 25) - 12].any()


def test_a_whisper_is_no_breath() -> None:
    whispered = Speech(np.concatenate([noise(1.0), np.zeros(4000, np.float32), noise(1.0)]), RATE)
    assert voiced_gate(whispered).active.any()
    silent = dataclasses.replace(whispered, samples=np.zeros(1600, np.float32))
    assert not voiced_gate(silent).active.any()
