"""Forced alignment: when is each phoneme of a known text said?"""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence

from lipsync_colab.audio.level import STEP, SpeechGate
from lipsync_colab.phonemes.arpabet import VOWELS
from lipsync_colab.phonemes.pieces import PADDING, pieces
from lipsync_colab.phonemes.pronounce import Word, pronounce
from lipsync_colab.phonemes.timing import tiled, trimmed
from lipsync_colab.phonemes.word_aligner import AlignmentFailed, PhoneTimes, SpokenWord, WordAligner
from lipsync_colab.types import Phoneme, Speech

WINDOW = 150.0
"""Seconds whose words are placed in one go; longer recordings are worked through window by window."""
WINDOW_OVERLAP = 8.0
"""Seconds at a window's end whose words are placed again by the next window."""
MOST_WORDS = 6.0
"""Words per second that nobody exceeds: how much text a window may need."""
SLOWEST_RATE, FASTEST_RATE = 3.0, 26.0
"""Phonemes per second of sound; outside that the text cannot be what is said."""

SHORTEST_PHONE = 0.031
"""The recogniser's models last three frames of 10 ms at least."""
MOST_SHORTEST = 0.25
"""No right text had more of its phones squeezed into that (46 recorded prompts: at most 24 %). Of 46 wrong texts the
decoder itself refuses 32, and this a third of the others."""


def align(speech: Speech, text: str, gate: SpeechGate | None = None) -> tuple[Phoneme, ...]:
    """Return when each phoneme of a text is said, from 0 to the end without gaps.

    Args:
        speech: 16 kHz, of any length.
        text: English; what is said, word by word.
        gate: of the speech, when it has been measured already.

    Raises:
        AlignmentFailed: the text is not what is said.
        InputError: the text holds no words.
        MachineError: a package is missing.
    """
    gate = gate or SpeechGate.of(speech)
    words = [word for sentence in pronounce(text) for word in sentence if word.phonemes]
    check_rate(words, gate)
    aligner = WordAligner(speech, words)
    found: list[Phoneme] = []
    for start, end, part in placed(aligner, gate):
        found += phonemes_in(aligner, start, end, part)
    check_lengths(found)
    return tiled(trimmed(found, gate), speech.seconds)


def check_rate(words: Sequence[Word], gate: SpeechGate) -> None:
    """Refuse a text that is far too long or too short for its sound.

    Raises:
        AlignmentFailed: nobody speaks as fast, or as slowly.
    """
    seconds = float(gate.active.sum()) * STEP
    count = sum(len(word.phonemes) for word in words)
    if not SLOWEST_RATE * seconds <= count <= FASTEST_RATE * seconds:
        raise AlignmentFailed(f"{count} phonemes of text for {seconds:.1f} s of speech")


def check_lengths(phonemes: Sequence[Phoneme]) -> None:
    """Refuse an alignment that had to squeeze many phones.

    Raises:
        AlignmentFailed: the text is not what is said.
    """
    short = sum(one.end - one.start <= SHORTEST_PHONE for one in phonemes)
    if short > MOST_SHORTEST * len(phonemes):
        raise AlignmentFailed(f"{short} of {len(phonemes)} phones had no room")


def placed(aligner: WordAligner, gate: SpeechGate) -> Iterator[tuple[float, float, list[SpokenWord]]]:
    """Yield spans short enough for phoneme alignment, with the words that are said in each."""
    spans = pieces(gate)
    if not spans:
        return
    if len(spans) == 1:
        yield (*spans[0], aligner.words)
        return
    timed = list(timed_words(aligner, spans[0][0], spans[-1][1]))
    position = 0
    for index, (start, end) in enumerate(spans):
        last = index + 1 == len(spans)
        stop = position
        while stop < len(timed) and (last or timed[stop].middle < (end + spans[index + 1][0]) / 2):
            stop += 1
        part = timed[position:stop]
        position = stop
        if part:  # a cut without a pause may lie within a word
            yield min(start, part[0].start), max(end, part[-1].end), part


def timed_words(aligner: WordAligner, start: float, end: float) -> Iterator[SpokenWord]:
    """Yield all words with their times, working through a long recording window by window."""
    position = 0
    while end - start > WINDOW * 1.2:
        stop = start + WINDOW
        some = aligner.words[position : position + round(WINDOW * MOST_WORDS)]
        found = aligner.word_times(start, stop, some, all_said=False)
        kept = [one for one in found if one.end < stop - WINDOW_OVERLAP]
        if not kept:
            raise AlignmentFailed(f"no word of the text was found from {start:.0f} s to {stop:.0f} s")
        yield from kept
        position += len(kept)
        start = max(kept[-1].end - PADDING / 3, start + 1)
    rest = aligner.words[position:]
    if rest:
        yield from aligner.word_times(start, end, rest, all_said=True)


def phonemes_in(aligner: WordAligner, start: float, end: float, words: list[SpokenWord]) -> list[Phoneme]:
    """Return the phonemes of one piece.

    The decoder's pass over the phones fails on some utterances where its pass over the words does not: then the piece
    is cut in two between words, down to single words, whose phonemes are spread over the word's time.
    """
    try:
        return _named(words, aligner.phone_times(start, end, words))
    except AlignmentFailed:
        if len(words) == 1 and words[0].end > words[0].start:
            return spread(words[0])
        try:
            timed = aligner.word_times(start, end, words, all_said=True)
        except AlignmentFailed:  # a cut fell badly; the words' times from before it still stand
            if all(word.end > word.start for word in words):
                return [phoneme for word in words for phoneme in spread(word)]
            raise
    if len(timed) == 1:
        return spread(timed[0])
    at = _widest_gap(timed)
    cut = (timed[at - 1].end + timed[at].start) / 2
    return phonemes_in(aligner, start, cut, timed[:at]) + phonemes_in(aligner, cut, end, timed[at:])


def _widest_gap(words: Sequence[SpokenWord]) -> int:
    """The number of the word before which to cut: the longest pause, near the middle."""
    gaps = [after.start - before.end for before, after in itertools.pairwise(words)]
    middle = len(words) / 2
    return max(range(1, len(words)), key=lambda at: gaps[at - 1] - 0.01 * abs(at - middle))


def _named(words: Sequence[SpokenWord], phones: Sequence[PhoneTimes]) -> list[Phoneme]:
    found = []
    for word, times in zip(words, phones, strict=True):
        stresses = _stresses(word.word, [symbol for symbol, _, _ in times])
        for (symbol, start, end), stress in zip(times, stresses, strict=True):
            found.append(Phoneme(symbol, start, end, stress, word.word.text))
    return found


def spread(word: SpokenWord) -> list[Phoneme]:
    """Return a word's phonemes at equal lengths over its time, vowels twice as long."""
    weights = [2.0 if symbol in VOWELS else 1.0 for symbol, _ in word.word.phonemes]
    unit = (word.end - word.start) / sum(weights)
    found = []
    now = word.start
    for (symbol, stress), weight in zip(word.word.phonemes, weights, strict=True):
        found.append(Phoneme(symbol, now, now + weight * unit, stress, word.word.text))
        now += weight * unit
    return found


def _stresses(word: Word, symbols: list[str]) -> list[int]:
    """The stress of each phone that was found, from the pronouncer where both agree on the number of vowels."""
    known = [stress for symbol, stress in word.phonemes if symbol in VOWELS]
    vowels = [at for at, symbol in enumerate(symbols) if symbol in VOWELS]
    if len(known) != len(vowels):
        known = [1] + [0] * (len(vowels) - 1) if vowels else []
    found = [0] * len(symbols)
    for at, stress in zip(vowels, known, strict=True):
        found[at] = stress
    return found
