"""Captions: pieces that can be read, timed by the sounds of their words."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lipsync_colab.errors import InputError
from lipsync_colab.narrate.captions import FASTEST, LINE, LONGEST, SHORTEST, captions_of, later, timed_tokens
from lipsync_colab.narrate.voice import speak
from lipsync_colab.types import Caption, Phoneme, Speech

TEXT = (
    "In 1984 Dr. Smith's well-known book cost $25 million — really! Nobody, not even the most careful of observers, "
    "had foreseen how quickly it would all happen. No. The economy grew by 3.5% that year, and then it stopped."
)


@pytest.fixture(scope="module")
def speech() -> Speech:
    return speak(TEXT)


@pytest.fixture(scope="module")
def captions(speech: Speech) -> tuple[Caption, ...]:
    return captions_of(TEXT, speech.phonemes or (), speech.seconds)


def words_of(texts: list[str]) -> list[str]:
    return " ".join(texts).split()


def test_every_word_is_shown_once_and_in_order(captions: tuple[Caption, ...]) -> None:
    assert words_of([one.text for one in captions]) == TEXT.split()


def test_pieces_are_short_enough_to_read(captions: tuple[Caption, ...]) -> None:
    for one in captions:
        lines = one.text.split("\n")
        assert len(lines) <= 2 and max(map(len, lines)) <= LINE
        assert one.end - one.start <= LONGEST + 1e-9
        assert len(one.text) / (one.end - one.start) <= FASTEST + 3
    assert all(before.end <= after.start + 1e-9 for before, after in pairwise(captions))
    assert sum(one.end - one.start >= SHORTEST - 1e-9 for one in captions) >= len(captions) - 1


def test_pieces_end_at_punctuation(captions: tuple[Caption, ...]) -> None:
    ends = [one.text[-1] in ".,!?—" for one in captions]
    assert sum(ends) >= len(ends) - 1


def test_times_are_those_of_the_first_and_last_sound(speech: Speech, captions: tuple[Caption, ...]) -> None:
    tokens = {token.text: token for token in timed_tokens(TEXT, speech.phonemes or ())}
    sounds = [item for item in speech.phonemes or () if item.word == "Nobody"]
    assert tokens["Nobody,"].start == sounds[0].start and tokens["Nobody,"].end == sounds[-1].end
    starts = {item.start for item in speech.phonemes or ()}
    last = max(item.end for item in speech.phonemes or () if item.word)
    assert all(min(abs(one.start - start) for start in starts) < 0.001 for one in captions)
    assert captions[-1].end >= last


def test_numbers_and_abbreviations_take_the_time_that_they_are_said_in(speech: Speech) -> None:
    tokens = timed_tokens(TEXT, speech.phonemes or ())
    by_text = {token.text: token for token in tokens}
    year = [item for item in speech.phonemes or () if item.word == "1984"]
    assert by_text["1984"].start == year[0].start and by_text["1984"].end == year[-1].end
    assert by_text["3.5%"].end - by_text["3.5%"].start > 0.8
    assert all(before.end <= after.start + 1e-9 for before, after in pairwise(tokens))


def test_a_mark_alone_stays_with_the_word_before_it(captions: tuple[Caption, ...]) -> None:
    assert any("million —" in one.text.replace("\n", " ") for one in captions)


def test_another_measure_gives_other_lines(speech: Speech) -> None:
    narrow = captions_of(TEXT, speech.phonemes or (), speech.seconds, measure=lambda line: 10.0 * len(line), limit=180)
    assert max(len(line) for one in narrow for line in one.text.split("\n")) <= 18
    assert words_of([one.text for one in narrow]) == TEXT.split()


def test_a_word_wider_than_a_line_is_cut() -> None:
    phonemes = (Phoneme("AA", 0.0, 2.0, word="a" * 60),)
    lines = [line for one in captions_of("a" * 60, phonemes, 2.0) for line in one.text.split("\n")]
    assert "".join(lines) == "a" * 60 and max(map(len, lines)) <= LINE


def test_a_text_that_is_not_said_is_refused() -> None:
    with pytest.raises(InputError, match="not what is said"):
        captions_of("Hello.", (Phoneme("SIL", 0, 1),), 1.0)


@given(st.lists(st.tuples(st.integers(1, 14), st.floats(0.08, 0.9), st.floats(0, 1.5)), min_size=1, max_size=40))
def test_any_speech_is_cut_in_order(words: list[tuple[int, float, float]]) -> None:
    now, text, phonemes = 0.0, [], []
    for place, (length, spoken, gap) in enumerate(words):
        word = chr(ord("a") + place % 26) * length + "z"
        phonemes.append(Phoneme("AA", now, now + spoken, word=word))
        text.append(word + ("." if gap > 1 else ""))
        now += spoken + gap
    found = captions_of(" ".join(text), phonemes, now)
    assert words_of([one.text for one in found]) == text
    assert all(one.end > one.start for one in found)
    assert all(before.end <= after.start + 1e-9 for before, after in pairwise(found))


def test_later_captions_end_with_their_scene() -> None:
    assert later([Caption(1, 3, "x")], 2.0, 4.5) == (Caption(3, 4.5, "x"),)


def test_a_title_is_not_parted_from_its_name() -> None:
    words = "Everybody in the whole street waved when Prof. Gardener walked slowly by with her dogs and hens.".split()
    sounds = [Phoneme("AH", 0.35 * place, 0.35 * place + 0.35, 1, word) for place, word in enumerate(words)]
    found = captions_of(" ".join(words), sounds, 9.0)
    assert len(found) == 2 and not any(one.text.endswith("Prof.") for one in found)
