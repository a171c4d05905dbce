"""Phonemes from the sound alone, and cutting recordings into pieces."""

from __future__ import annotations

import dataclasses
import itertools
import subprocess
import sys

import numpy as np
import pytest
from human_speech import HumanSpeech
from hypothesis import given, settings
from hypothesis import strategies as st

from lipsync_colab.audio.level import SpeechGate
from lipsync_colab.errors import MachineError
from lipsync_colab.narrate.voice import speak
from lipsync_colab.phonemes.align import align
from lipsync_colab.phonemes.arpabet import CLOSURES, SILENCE
from lipsync_colab.phonemes.loop import phone_loop
from lipsync_colab.phonemes.pieces import pieces
from lipsync_colab.phonemes.source import timed_phonemes
from lipsync_colab.phonemes.sphinx import pcm_of, sphinx_available, symbol_of
from lipsync_colab.types import Phoneme, Speech

LINE = "Mama baked apple pie for Bob. People move both lips to make a big blue balloon pop, and we feel free to smile."


def closure_recall(heard: tuple[Phoneme, ...], known: tuple[Phoneme, ...], slack: float = 0.04) -> tuple[int, int]:
    """How many known closures have a heard one within ``slack`` seconds, and how many there are."""
    mine = [one for one in heard if one.symbol in CLOSURES]
    truth = [one for one in known if one.symbol in CLOSURES]
    hit = sum(any(a.start - slack < b.end and b.start - slack < a.end for b in mine) for a in truth)
    return hit, len(truth)


def test_closures_are_heard() -> None:
    speech = speak(LINE)
    heard = phone_loop(dataclasses.replace(speech, phonemes=None))
    assert heard[0].start == 0 and heard[-1].end == pytest.approx(speech.seconds)
    hit, total = closure_recall(heard, speech.phonemes or ())
    assert hit >= 0.6 * total
    assert (
        0.6
        < sum(one.symbol != SILENCE for one in heard) / sum(one.symbol != SILENCE for one in speech.phonemes or ())
        < 1.4
    )


def test_human_closures_are_heard(human_speech: HumanSpeech) -> None:
    hits = total = 0
    for name in human_speech.longer_than(8)[:6]:
        speech = human_speech.load(name)
        hit, count = closure_recall(phone_loop(speech), align(speech, speech.text))
        hits, total = hits + hit, total + count
    assert total >= 20 and hits >= 0.5 * total


def test_silence_and_noise() -> None:
    silent = Speech(np.zeros(32_000, np.float32), 16_000)
    assert [one.symbol for one in phone_loop(silent)] == [SILENCE]
    blip = np.zeros(16_000, np.float32)
    blip[8000:8800] = 0.3
    assert phone_loop(Speech(blip, 16_000))[-1].end == 1.0


@settings(max_examples=30, deadline=None)
@given(st.lists(st.tuples(st.booleans(), st.floats(0.03, 9)), min_size=1, max_size=12), st.floats(4, 20))
def test_pieces_hold_all_speech_and_are_short(stretches: list[tuple[bool, float]], longest: float) -> None:
    parts = [np.full(round(seconds * 4000), 0.3 * loud, np.float32) for loud, seconds in stretches]
    gate = SpeechGate.of(Speech(np.concatenate(parts), 4000))
    found = pieces(gate, longest)
    covered = np.zeros(len(gate.active), bool)
    for start, end in found:
        assert 0 <= end - start <= longest + 1e-6
        covered[max(0, round(start * 100)) : round(end * 100)] = True
    assert np.all(covered[gate.active])
    assert all(before[1] <= after[0] + 1e-6 for before, after in itertools.pairwise(found))


def test_samples_for_the_recogniser() -> None:
    speech = Speech(np.array([0, 0.1, -0.2, 0.05], np.float32), 16_000)
    pcm = np.frombuffer(pcm_of(speech, 0, 1), "<i2")
    assert pcm.min() == -29490 and len(pcm) == 4
    with pytest.raises(ValueError, match="16000"):
        pcm_of(Speech(np.zeros(4, np.float32), 8000), 0, 1)


def test_noises_are_silence() -> None:
    assert [symbol_of(name) for name in ("AA", "SIL", "+SPN+", "AH0", "<sil>")] == ["AA", "SIL", "SIL", "AH", "SIL"]


def test_no_portaudio_is_needed() -> None:
    code = (
        "import sys; sys.modules['sounddevice'] = None\n"
        "from lipsync_colab.phonemes.sphinx import phone_decoder\n"
        "phone_decoder()"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


def test_without_the_recogniser(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pocketsphinx", None)
    speech = Speech(np.full(8000, 0.2, np.float32), 16_000)
    assert not sphinx_available()
    assert timed_phonemes(speech) == ((), "energy")
    with pytest.raises(MachineError, match="pip install pocketsphinx"):
        phone_loop(speech)
