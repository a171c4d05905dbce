"""The recogniser's encoder: any steps of a recording, however loud it is and however they are asked for."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from lipsync_colab.errors import MachineError
from lipsync_colab.narrate.voice import speak
from lipsync_colab.phonemes import recogniser
from lipsync_colab.phonemes.encoded import SIZE, EncodedSpeech, encoder_available
from lipsync_colab.types import Array, Speech

needs_encoder = pytest.mark.skipif(not encoder_available(), reason=recogniser.REMEDY)


@pytest.fixture(scope="module")
def speech() -> Speech:
    return speak("Mama made some more jam for Bob. She sells sea shells by the sea shore, and so do we.")


@pytest.fixture(scope="module")
def encodings(speech: Speech) -> Array:
    encoded = EncodedSpeech(speech)
    return encoded.steps(0, len(encoded))


@needs_encoder
def test_there_is_one_for_every_fiftieth_of_a_second(speech: Speech, encodings: Array) -> None:
    assert encodings.shape == (-(-len(speech.samples) // 320), SIZE) and encodings.dtype == np.float32
    assert np.isfinite(encodings).all() and 0.5 < encodings.std() < 3


@needs_encoder
def test_it_does_not_matter_what_else_is_asked_for(speech: Speech, encodings: Array) -> None:
    again = EncodedSpeech(speech)
    np.testing.assert_array_equal(again.steps(40, 60), encodings[40:60])
    np.testing.assert_array_equal(again.steps(0, 7), encodings[:7])
    assert again.steps(5, 5).shape == (0, SIZE)


@needs_encoder
def test_loudness_does_not_matter(speech: Speech, encodings: Array) -> None:
    soft = EncodedSpeech(dataclasses.replace(speech, samples=speech.samples / 64))
    # The encoder counts in eight bits: a hair's breadth at its input may be a step in there.
    assert np.abs(soft.steps(0, len(soft)) - encodings).mean() < 0.05 * encodings.std()


@needs_encoder
def test_sounds_of_a_kind_are_alike(speech: Speech, encodings: Array) -> None:
    """Vowels are nearer to each other than to hisses."""

    def mean(symbols: set[str]) -> Array:
        inside = [one for one in speech.phonemes or () if one.symbol in symbols]
        return np.mean([encodings[int((one.start + one.end) / 2 / 0.02)] for one in inside], axis=0)

    front, back, hiss = mean({"IY", "EH", "EY"}), mean({"AA", "AO", "OW", "UW"}), mean({"S", "SH", "Z"})
    assert np.linalg.norm(front - back) < np.linalg.norm(front - hiss)


@needs_encoder
def test_silence_and_nothing_are_heard_too() -> None:
    for count in (0, 1, 10, 5000):
        encoded = EncodedSpeech(Speech(np.zeros(count, np.float32), 16_000))
        assert np.isfinite(encoded.steps(0, len(encoded))).all() and len(encoded) == -(-count // 320)


def test_another_rate_is_refused(speech: Speech) -> None:
    with pytest.raises(ValueError, match="16000 Hz"):
        EncodedSpeech(dataclasses.replace(speech, rate=22_050))


def test_without_the_recogniser(speech: Speech, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(recogniser, "PACKAGE", "no_such_package")
    assert not encoder_available()
    with pytest.raises(MachineError, match="pip install faster-whisper"):
        EncodedSpeech(speech).steps(0, 10)
