"""Forced alignment: against known times, on human speech, on long recordings, with wrong texts."""

from __future__ import annotations

import dataclasses
from difflib import SequenceMatcher

import numpy as np
import pytest
from human_speech import HumanSpeech

from lipsync_colab.audio.level import STEP, SpeechGate
from lipsync_colab.narrate.voice import speak
from lipsync_colab.phonemes.align import align, spread
from lipsync_colab.phonemes.arpabet import CLOSURES, SILENCE, VOWELS
from lipsync_colab.phonemes.pronounce import Word
from lipsync_colab.phonemes.source import timed_phonemes
from lipsync_colab.phonemes.word_aligner import AlignmentFailed, SpokenWord
from lipsync_colab.types import Phoneme, Speech

LINES = (
    "The quick brown fox jumps over the lazy dog, while a bored family from Boston watched the harbour lights.",
    "Every morning my mother bakes bread, and by noon nobody in the house remembers where the butter went.",
    "On the 3rd of March, 1,250 people paid $9.99 each to hear it. Perhaps they should have brought an umbrella.",
)


def bare(speech: Speech) -> Speech:
    """The same sound without what is known of it."""
    return dataclasses.replace(speech, phonemes=None, text="")


def start_errors(found: tuple[Phoneme, ...], known: tuple[Phoneme, ...]) -> np.ndarray:
    """Differences in seconds of the phonemes that both have, matched in order."""
    mine, truth = ([one for one in list_ if one.symbol != SILENCE] for list_ in (found, known))
    blocks = SequenceMatcher(None, [one.symbol for one in truth], [one.symbol for one in mine], autojunk=False)
    return np.array(
        [
            mine[block.b + at].start - truth[block.a + at].start
            for block in blocks.get_matching_blocks()
            for at in range(block.size)
        ]
    )


def test_times_agree_with_known_ones() -> None:
    errors = []
    for text in LINES:
        speech = speak(text)
        found = align(bare(speech), text)
        assert found[0].start == 0 and found[-1].end == pytest.approx(speech.seconds)
        difference = start_errors(found, speech.phonemes or ())
        assert len(difference) > 0.7 * sum(one.symbol != SILENCE for one in speech.phonemes or ())
        errors.append(difference)
    size = np.abs(np.concatenate(errors))
    assert np.median(size) <= 0.020 and np.percentile(size, 90) <= 0.050


def test_words_and_stress_are_kept() -> None:
    text = "Blorvex paid $3.50 to Amelia."
    found = [one for one in align(bare(speak(text)), text) if one.symbol != SILENCE]
    words = list(dict.fromkeys(one.word for one in found))
    assert words[0] == "Blorvex" and words[-1] == "Amelia" and len(words) == 5
    amelia = [one.stress for one in found if one.word == "Amelia" and one.symbol in VOWELS]
    assert max(amelia) == 1 and amelia.count(1) == 1
    assert all(one.stress == 0 for one in found if one.symbol not in VOWELS)


def test_a_long_recording_is_aligned_in_pieces(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("lipsync_colab.phonemes.align.WINDOW", 20.0)
    text = " ".join(LINES * 3)
    speech = speak(text)
    assert speech.seconds > 50
    errors = np.abs(start_errors(align(bare(speech), text), speech.phonemes or ()))
    assert np.median(errors) <= 0.02 and np.mean(errors > 0.25) < 0.02


@pytest.mark.parametrize("text", ["Yes.", "word " * 400])
def test_a_text_that_is_not_said_is_refused(text: str) -> None:
    with pytest.raises(AlignmentFailed):
        align(bare(speak(LINES[0])), text)


def test_the_text_of_another_recording_is_refused(human_speech: HumanSpeech) -> None:
    names = human_speech.longer_than(8)[:5]
    refused = 0
    for name, other in zip(names, names[1:] + names[:1], strict=True):
        try:
            align(human_speech.load(name), human_speech.prompts[other])
        except AlignmentFailed:
            refused += 1
    assert refused >= 3


def test_the_phonemes_of_a_lost_word_are_spread_over_it() -> None:
    found = spread(SpokenWord("mama", Word("mama", "mˈɑmə", False), 1.0, 1.6))
    assert [one.symbol for one in found] == ["M", "AA", "M", "AH"]
    np.testing.assert_allclose([one.end - one.start for one in found], [0.1, 0.2, 0.1, 0.2])
    assert found[0].start == 1.0 and found[-1].end == pytest.approx(1.6)


def test_sources_in_order() -> None:
    speech = speak("Mama made some more jam for Bob.")
    assert timed_phonemes(speech) == (speech.phonemes, "phonemes")
    assert timed_phonemes(bare(speech), "Mama made some more jam for Bob.")[1] == "alignment"
    assert timed_phonemes(dataclasses.replace(speech, phonemes=None))[1] == "alignment"
    assert timed_phonemes(bare(speech))[1] == "phone loop"
    assert timed_phonemes(bare(speech), "Совсем другой текст")[1] == "phone loop"
    assert timed_phonemes(bare(speech), "No.")[1] == "phone loop"
    silent = Speech(np.zeros(16_000, np.float32), 16_000)
    assert timed_phonemes(silent, "Hello there.") == ((), "energy")


def test_human_closures_lie_where_the_sound_is_weak(human_speech: HumanSpeech) -> None:
    """No times are known for a human voice, but lips that close make it quieter than the vowels beside them."""
    deeper = total = 0
    for name in human_speech.longer_than(8)[:6]:
        speech = human_speech.load(name)
        found, source = timed_phonemes(speech)
        assert source == "alignment", name
        level = SpeechGate.of(speech).level
        for before, one, after in zip(found[:-2], found[1:-1], found[2:], strict=True):
            if one.symbol in CLOSURES - {"M"} and {before.symbol, after.symbol} <= VOWELS:
                spans = [level[int(p.start / STEP) : int(np.ceil(p.end / STEP))] for p in (before, one, after)]
                total += 1
                deeper += spans[1].min() < min(spans[0].max(), spans[2].max()) - 6
    assert total >= 5 and deeper >= 0.8 * total
