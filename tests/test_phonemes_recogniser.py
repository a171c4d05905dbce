"""Words heard in a recording without a text, and the times of their phonemes."""

from __future__ import annotations

import dataclasses
import math
import sys
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from human_speech import HumanSpeech
from test_phonemes_align import bare, start_errors

from lipsync_colab.errors import MachineError
from lipsync_colab.narrate.voice import speak
from lipsync_colab.phonemes import recogniser
from lipsync_colab.phonemes.align import align
from lipsync_colab.phonemes.arpabet import SILENCE
from lipsync_colab.phonemes.recogniser import recognise, recogniser_available
from lipsync_colab.phonemes.source import expected_source, timed_phonemes
from lipsync_colab.types import Speech

pytestmark = pytest.mark.recogniser
needs_recogniser = pytest.mark.skipif(not recogniser_available(), reason=recogniser.REMEDY)


@needs_recogniser
def test_a_human_recording_alone_gets_the_phonemes_of_its_words(human_speech: HumanSpeech) -> None:
    errors, matched, total = [], 0, 0
    for name in human_speech.longer_than(8)[:2]:
        speech = human_speech.load(name)
        found, source = timed_phonemes(bare(speech))
        assert source == "recogniser", name
        truth = align(speech, speech.text)
        errors.append(start_errors(found, truth))
        matched += len(errors[-1])
        total += sum(one.symbol != SILENCE for one in truth)
    size = np.abs(np.concatenate(errors))
    assert matched >= 0.9 * total
    assert np.median(size) <= 0.020 and np.percentile(size, 90) <= 0.050


@needs_recogniser
def test_what_holds_no_english_words_is_not_trusted() -> None:
    noise = np.random.default_rng(0).normal(0, 0.1, 32_000).astype(np.float32)
    assert timed_phonemes(Speech(noise, 16_000))[1] != "recogniser"
    backwards = speak("The harbour was quiet, and a few boats moved slowly past.").samples[::-1].copy()
    assert timed_phonemes(Speech(backwards, 16_000))[1] != "recogniser"
    assert timed_phonemes(Speech(np.zeros(16_000, np.float32), 16_000)) == ((), "energy")
    broken = recognise(Speech(np.full(16_000, np.nan, np.float32), 16_000))
    assert not broken.trusted


@needs_recogniser
def test_it_wants_sixteen_thousand_samples_a_second() -> None:
    with pytest.raises(ValueError, match="16000 Hz"):
        recognise(Speech(np.zeros(8_000, np.float32), 8_000))


@dataclasses.dataclass(frozen=True)
class Segment:
    """One of Whisper's segments."""

    end: float
    avg_logprob: float
    text: str = " la la"
    tokens: tuple[int, ...] = (1, 2)
    compression_ratio: float = 1.0


@pytest.mark.parametrize(("sure", "asked"), [(0.4, 7), (0.7, 20)])
def test_another_language_is_not_listened_to_for_long(monkeypatch: pytest.MonkeyPatch, sure: float, asked: int) -> None:
    """Segments of ten seconds, which are made as they are asked for."""
    made: list[Segment] = []

    def segments() -> Iterator[Segment]:
        for end in range(10, 201, 10):
            made.append(Segment(float(end), math.log(sure)))
            yield made[-1]

    model = SimpleNamespace(transcribe=lambda samples, **options: (segments(), None))
    monkeypatch.setattr(recogniser, "model_folder", lambda: Path("here"))
    monkeypatch.setattr(recogniser, "_model", lambda folder: model)
    heard = recognise(Speech(np.zeros(200 * 16_000, np.float32), 16_000))
    assert len(made) == asked
    assert heard.confidence == pytest.approx(sure) and heard.text == " ".join(["la la"] * asked)


def test_a_long_recording_is_recognised_in_stretches(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each is cut at a pause, and what a stretch tells of its own times is moved to the recording's."""
    line = speak("Mama made some more jam for Bob.").samples
    said = np.concatenate([np.concatenate([line, np.zeros(8000, np.float32)])] * 20)
    lengths: list[int] = []

    def transcribe(samples: np.ndarray, **options: object) -> tuple[Iterator[Segment], None]:
        lengths.append(len(samples))
        return iter([Segment(1.0, math.log(0.9))]), None

    monkeypatch.setattr(recogniser, "recogniser_model", lambda: SimpleNamespace(transcribe=transcribe))
    speech = Speech(said, 16_000)
    assert recognise(speech).text == "la la" and lengths == [len(said)]
    lengths.clear()
    monkeypatch.setattr(recogniser, "LONGEST_STRETCH", 15.0)
    assert recognise(speech).text == " ".join(["la la"] * len(lengths))
    assert len(lengths) > 3 and max(lengths) <= 15 * 16_000
    assert sum(lengths) > 0.9 * (np.abs(said) > 1e-3).sum()
    ends = [end for end, _ in recogniser._segments(recogniser.recogniser_model(), speech)]
    assert ends == sorted(ends) and ends[-1] > 0.6 * speech.seconds


def test_a_plan_says_where_the_lips_will_come_from(monkeypatch: pytest.MonkeyPatch) -> None:
    spoken = speak("Mama.")
    assert expected_source(spoken)[1] == "the voice's own phoneme times"
    monkeypatch.setattr(recogniser, "PACKAGE", "no_such_package")
    assert expected_source(bare(spoken))[1] == "the sound alone (phone loop)"
    assert expected_source(bare(spoken), "Mama.")[1].startswith("forced alignment with the text, otherwise the sound")
    monkeypatch.setitem(sys.modules, "pocketsphinx", None)
    assert expected_source(bare(spoken), "Mama.") == ("sound", "the sound alone (loudness)")
    monkeypatch.undo()
    if recogniser_available():
        source, told = expected_source(bare(spoken))
        assert source == "recogniser" and told.endswith("otherwise the sound alone (viseme network)")


def test_without_the_recogniser(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(recogniser, "PACKAGE", "no_such_package")
    assert not recogniser_available()
    speech = bare(speak("Mama made some more jam for Bob."))
    assert timed_phonemes(speech)[1] == "phone loop"
    with pytest.raises(MachineError, match="pip install faster-whisper"):
        recognise(speech)
