"""The recogniser's alignment of words and of their phones, with wider and wider beams."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

from lipsync_colab.phonemes.pronounce import Word
from lipsync_colab.phonemes.sphinx import FRAMES_PER_SECOND, alignment_decoder, feed, pcm_of, symbol_of
from lipsync_colab.types import Speech

BEAMS: tuple[dict[str, float], ...] = (
    {},
    {"beam": 1e-57, "wbeam": 1e-40, "pbeam": 1e-57},
    {"beam": 1e-80, "wbeam": 1e-60, "pbeam": 1e-80},
)
"""From the default to very wide: some utterances lose every path at the default."""

LONGEST_ALTERNATIVE = 10

Result = TypeVar("Result")
PhoneTimes = list[tuple[str, float, float]]


class AlignmentFailed(Exception):
    """The text and the sound do not go together."""


@dataclass(frozen=True)
class SpokenWord:
    """A word as the decoder knows it.

    Attributes:
        key: its name in the decoder's dictionary.
        word: what it was in the text.
        start: seconds, once it has been placed.
        end: seconds.
    """

    key: str
    word: Word
    start: float = 0.0
    end: float = 0.0

    @property
    def middle(self) -> float:
        """Seconds."""
        return (self.start + self.end) / 2


class WordAligner:
    """Aligns words of one text with spans of one recording.

    Attributes:
        words: the text's words, each with the decoder's name for it.
    """

    def __init__(self, speech: Speech, words: Sequence[Word]) -> None:
        self._speech = speech
        self._decoders: dict[int, Any] = {}
        self._learnt: list[tuple[str, str]] = []
        first = alignment_decoder(**BEAMS[0])
        self.words = self._name(first, words)
        self._decoders[0] = self._taught(first)

    def _name(self, decoder: Any, words: Sequence[Word]) -> list[SpokenWord]:
        """Choose each word's entry: the dictionary's, with the pronouncer's reading beside it, or a new one."""
        named: dict[tuple[str, str], str] = {}
        spoken = []
        for word in words:
            sounds = " ".join(symbol for symbol, _ in word.phonemes)
            plain = word.text.lower()
            if (plain, sounds) not in named:
                named[plain, sounds] = self._entry(decoder, plain, sounds, len(named))
            spoken.append(SpokenWord(named[plain, sounds], word))
        return spoken

    def _entry(self, decoder: Any, plain: str, sounds: str, number: int) -> str:
        usable = plain.replace("'", "").isalpha() and plain.isascii()
        listed = decoder.lookup_word(plain) if usable else None
        if listed is None:
            key = f"_{number}"
            self._learnt.append((key, sounds))
            return key
        alternatives = [listed]
        for index in range(2, LONGEST_ALTERNATIVE):
            other = decoder.lookup_word(f"{plain}({index})")
            if other is None:
                break
            alternatives.append(other)
        if sounds not in alternatives:
            entry = (f"{plain}({len(alternatives) + 1})", sounds)
            if entry not in self._learnt:
                self._learnt.append(entry)
        return plain

    def _taught(self, decoder: Any) -> Any:
        for key, sounds in self._learnt:
            decoder.add_word(key, sounds, False)
        return decoder

    def _decoder(self, level: int) -> Any:
        if level not in self._decoders:
            self._decoders[level] = self._taught(alignment_decoder(**BEAMS[level]))
        return self._decoders[level]

    def _widening(self, attempt: Callable[[Any], Result]) -> Result:
        """Try with every beam in turn.

        Raises:
            AlignmentFailed: none of them found a path.
        """
        problem = ""
        for level in range(len(BEAMS)):
            try:
                return attempt(self._decoder(level))
            except RuntimeError as error:
                problem = str(error)
        raise AlignmentFailed(problem)

    def word_times(self, start: float, end: float, words: Sequence[SpokenWord], all_said: bool) -> list[SpokenWord]:
        """Return words with their times in a span.

        Args:
            start: seconds.
            end: seconds.
            words: in order; when not all are said, the span may end after any of them.
            all_said: whether the last word must be reached.

        Raises:
            AlignmentFailed: the words do not fit the sound.
        """
        pcm = pcm_of(self._speech, start, end)

        def attempt(decoder: Any) -> list[SpokenWord]:
            _expect(decoder, [word.key for word in words], all_said)
            feed(decoder, pcm)
            spans = _words_heard(decoder, start)
            if (all_said and len(spans) != len(words)) or len(spans) > len(words) or not spans:
                raise RuntimeError(f"{len(spans)} of {len(words)} words were found")
            return [
                dataclasses.replace(word, start=first, end=last)
                for word, (first, last) in zip(words, spans, strict=False)
            ]

        return self._widening(attempt)

    def phone_times(self, start: float, end: float, words: Sequence[SpokenWord]) -> list[PhoneTimes]:
        """Return ``(symbol, start, end)`` of every phone, word by word, in a span of at most half a minute.

        Raises:
            AlignmentFailed: the words do not fit the sound.
        """
        pcm = pcm_of(self._speech, start, end)

        def attempt(decoder: Any) -> list[PhoneTimes]:
            decoder.set_align_text(" ".join(word.key for word in words))
            feed(decoder, pcm)
            try:
                decoder.set_alignment()
                feed(decoder, pcm)
            except RuntimeError as error:  # wider beams do not help this pass
                raise AlignmentFailed(str(error)) from error
            found = _phones_heard(decoder, start)
            if len(found) != len(words):
                raise RuntimeError(f"{len(found)} of {len(words)} words were found")
            return found

        return self._widening(attempt)


def _expect(decoder: Any, keys: list[str], all_said: bool) -> None:
    """Set the decoder to hear these words one after the other."""
    if all_said:
        decoder.set_align_text(" ".join(keys))
        return
    last = len(keys)
    steps: list[tuple[Any, ...]] = [(at, at + 1, 1.0, key) for at, key in enumerate(keys)]
    steps += [(at, last, 1.0) for at in range(1, last - 1)]
    decoder.add_fsg("window", decoder.create_fsg("window", 0, last, steps))
    decoder.activate_search("window")


def _words_heard(decoder: Any, offset: float) -> list[tuple[float, float]]:
    return [
        (offset + one.start_frame / FRAMES_PER_SECOND, offset + (one.end_frame + 1) / FRAMES_PER_SECOND)
        for one in decoder.seg() or ()
        if is_word(one.word)
    ]


def _phones_heard(decoder: Any, offset: float) -> list[PhoneTimes]:
    return [
        [
            (
                symbol_of(phone.name),
                offset + phone.start / FRAMES_PER_SECOND,
                offset + (phone.start + phone.duration) / FRAMES_PER_SECOND,
            )
            for phone in entry
        ]
        for entry in decoder.get_alignment()
        if is_word(entry.name)
    ]


def is_word(name: str) -> bool:
    """Tell a word from the decoder's silences and noises."""
    return not name.startswith(("<", "[", "+", "(NULL)"))
