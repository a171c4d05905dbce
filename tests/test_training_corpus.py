"""Texts, phones and what is kept of synthetic speech."""

from __future__ import annotations

import dataclasses
import shutil
from pathlib import Path

import numpy as np
import pytest

from lipsync_colab.engines.viseme.outputs import OUTPUTS, STEP
from lipsync_colab.errors import MachineError
from lipsync_colab.phonemes.arpabet import CONSONANTS, SILENCE, VOWELS
from lipsync_colab.training import corpus
from lipsync_colab.training.corpus import (
    PHONES,
    STEP_SAMPLES,
    load_corpus,
    path_of,
    played_at,
    synthesised,
    voice_data,
)
from lipsync_colab.training.phone_sets import PHONE_SETS, sound_of
from lipsync_colab.training.texts import LANGUAGES, english_words, sentences
from lipsync_colab.training.voices import ABROAD, ENGLISH, TEST, TRAIN, VOICES, TrainingVoice, spoken
from lipsync_colab.types import Phoneme, Speech

HIBARI = TrainingVoice("hibari", "own", sentences=2)
JOE = TrainingVoice("joe", "own", sentences=2, use=TEST)


@pytest.mark.parametrize("language", ["en", *LANGUAGES])
def test_sentences_repeat_and_differ(language: str) -> None:
    found = sentences(language, 40, 3)
    assert found == sentences(language, 40, 3) != sentences(language, 40, 4)
    assert len(set(found)) > 35 and all("{" not in one and one[-1] in ".?!" for one in found)


def test_all_english_words_can_come() -> None:
    words = english_words()
    assert len(words) > 50_000 and "mama" in words and all(3 <= len(word) <= 10 for word in words)


@pytest.mark.parametrize("language", PHONE_SETS)
def test_every_phone_is_arpabet(language: str) -> None:
    for phone in PHONE_SETS[language]:
        symbol, stress = sound_of(phone, language)
        assert symbol in VOWELS | CONSONANTS and stress in (0, 1, 2)
    assert sound_of("pau", language) == (SILENCE, 0)
    assert {sound_of(phone, language)[0] for phone in ("p", "b", "m")} == {"P", "B", "M"}


def test_no_voice_is_both_trained_and_tested_on() -> None:
    trained = {voice.key for voice in VOICES if voice.use == TRAIN}
    others = {voice.key for voice in VOICES if voice.use != TRAIN}
    assert len(trained) == 15 + len(ENGLISH) + len(ABROAD) and {"own-joe", "flite-rms", "flite-slt"} == others
    assert {voice.language for voice in VOICES} == set(PHONE_SETS)


def test_a_voice_is_kept_and_found_again(tmp_path: Path) -> None:
    synthesised(HIBARI, tmp_path, 7)
    made = voice_data(HIBARI, tmp_path, 7)
    assert made.samples.dtype == np.int16 and made.samples.shape == (STEP_SAMPLES * len(made.targets),)
    assert made.targets.shape[1] == len(OUTPUTS) and 2 < made.seconds < 30
    labels = np.array(PHONES)[made.phones]
    pressed = made.targets[:, OUTPUTS.index("press")] > 0.9
    assert set(labels[pressed]) <= {"B", "M", "P"}
    loud = (made.samples.reshape(len(labels), -1).astype(np.float32) ** 2).mean(axis=1)
    assert loud[labels == "AA"].mean() > 100 * loud[labels == SILENCE].mean()
    assert path_of(HIBARI, tmp_path, 7).exists() and not path_of(HIBARI, tmp_path, 8).exists()
    synthesised(HIBARI, tmp_path / "again", 7)
    np.testing.assert_array_equal(voice_data(HIBARI, tmp_path / "again", 7).samples, made.samples)


def test_the_corpus_speaks_what_is_missing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """In processes of their own."""
    monkeypatch.setattr(corpus, "VOICES", (HIBARI, dataclasses.replace(HIBARI, likely=True), JOE))
    told: list[str] = []
    voices = load_corpus(tmp_path, 7, told.append)
    assert [one.key for one in voices] == ["own-hibari", "own-hibari"] and told[:2] == ["own-hibari has spoken"] * 2
    assert len(voices[0].samples) != len(voices[1].samples)
    told.clear()
    load_corpus(tmp_path, 7, told.append)
    assert len(told) == 1 and told[0].startswith("2 voices")


def test_a_faster_record_is_shorter_and_higher() -> None:
    rate = 16_000
    sound = np.sin(2 * np.pi * 400 * np.arange(rate) / rate).astype(np.float32)
    turned = played_at(Speech(sound, rate, phonemes=(Phoneme("AA", 0, 1),)), 1.25)
    assert len(turned.samples) == pytest.approx(0.8 * rate, abs=2)
    assert (turned.phonemes or ())[0].end == pytest.approx(0.8)
    spectrum = np.abs(np.fft.rfft(turned.samples[: rate // 2]))
    assert int(spectrum.argmax()) * 2 == pytest.approx(500, abs=3)


@pytest.mark.parametrize("program", ["flite", "festival"])
def test_a_missing_program_is_named(program: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shutil, "which", lambda name: None)
    with pytest.raises(MachineError, match=f"apt-get install {program}"):
        next(spoken(TrainingVoice("any", program), ["Hello."], 0))


@pytest.mark.skipif(shutil.which("flite") is None, reason="flite is not installed")
def test_flite_tells_its_phones() -> None:
    (said,) = spoken(TrainingVoice("awb", "flite"), ["The baby's mother bought a map."], 0)
    symbols = [one.symbol for one in said.phonemes or () if one.symbol != SILENCE]
    assert symbols.count("B") == 3 and symbols[-1] == "P"
    assert (said.phonemes or ())[-1].end == pytest.approx(said.seconds)
    assert said.seconds / STEP > 40
