"""The words that are heard without a text: right for our own voice, none where nobody speaks."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from lipsync_colab.audio.level import SpeechGate
from lipsync_colab.narrate.voice import speak
from lipsync_colab.phonemes import words
from lipsync_colab.phonemes.words import worded_phonemes, words_heard
from lipsync_colab.types import Speech

LINE = "Please enter your number and press the button."


@pytest.fixture(scope="module")
def speech() -> Speech:
    said = speak(LINE)
    return dataclasses.replace(said, phonemes=None, text="")


def test_words_are_heard_and_timed(speech: Speech) -> None:
    said = speak(LINE)
    text = words_heard(speech, SpeechGate.of(speech)).split()
    spoken = [word.strip(".").lower() for word in LINE.split()]
    assert len(set(text) & set(spoken)) >= 6
    found = worded_phonemes(speech)
    assert found[0].start == 0 and found[-1].end == pytest.approx(speech.seconds)
    known = [one for one in said.phonemes or () if one.symbol in "PBM"]
    near = [min(abs(one.start - other.start) for other in found if other.symbol in "PBM") for one in known]
    assert np.median(near) < 0.03


def test_nobody_says_no_words() -> None:
    silent = Speech(np.zeros(16_000, np.float32), 16_000)
    assert words_heard(silent, SpeechGate.of(silent)) == ""
    assert worded_phonemes(silent) == ()


def test_words_that_do_not_fit_are_no_phonemes(speech: Speech, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(words, "words_heard", lambda speech, gate: "no")
    assert worded_phonemes(speech) == ()
