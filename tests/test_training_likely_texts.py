"""Sentences that a language model finds likely."""

from __future__ import annotations

import numpy as np
import pytest

from lipsync_colab.phonemes.arpabet import CLOSURES
from lipsync_colab.training.corpus import texts_of
from lipsync_colab.training.likely_texts import language_model, lexicon, likely_sentences
from lipsync_colab.training.voices import TrainingVoice

pytest.importorskip("pocketsphinx")


def test_sentences_repeat_differ_and_may_be_cut_short() -> None:
    found = likely_sentences(30, 3)
    assert found[:10] == likely_sentences(10, 3) != likely_sentences(10, 4)
    assert len(set(found)) == 30
    assert all(one[0].isupper() and one[-1] in ".?!" and "{" not in one for one in found)


def test_words_follow_each_other_as_in_speech() -> None:
    random = np.random.default_rng(0)
    frequencies = {word: number for word, number in zip(lexicon().words, lexicon().frequencies, strict=True)}
    sentences = (one.lower().strip(".?!").replace(",", "").split() for one in likely_sentences(120, 1))
    pairs = [(one[at], one[at + 1]) for one in sentences for at in range(len(one) - 1)]
    gains, others = [], []
    for before, word in pairs:
        if word in frequencies:
            gains.append(language_model().prob([word, before]) - language_model().prob([word]))
            stranger = pairs[random.integers(len(pairs))][0]
            others.append(language_model().prob([word, stranger]) - language_model().prob([word]))
    assert len(gains) > 300
    assert np.mean(gains) > np.mean(others) + 5000  # half a natural logarithm, in the model's own whole numbers


def test_lips_close_more_often_than_in_words_that_are_drawn_evenly() -> None:
    known = lexicon()
    closes = np.array([bool({letter.lower() for letter in CLOSURES} & set(word)) for word in known.words])
    assert known.chances.sum() == pytest.approx(1) and known.even.sum() == pytest.approx(1)
    assert known.even[closes].sum() > closes.mean() + 0.1
    usual = np.exp(known.frequencies)
    assert known.chances[closes].sum() > (usual[closes].sum() / usual.sum()) + 0.1


def test_a_voice_says_the_sentences_that_it_is_to_say() -> None:
    made_up, likely = (TrainingVoice("hibari", "own", sentences=3, likely=flag) for flag in (False, True))
    assert texts_of(likely, 7) == likely_sentences(3, 7 + sum(map(ord, "own-hibari"))) != texts_of(made_up, 7)
    assert len(texts_of(made_up, 7)) == 3
