"""Captions: a text cut into pieces that can be read, each timed by the first and the last sound of its words."""

from __future__ import annotations

import dataclasses
import difflib
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from lipsync_colab.errors import InputError
from lipsync_colab.narrate.script import PUNCTUATION, bare_words
from lipsync_colab.phonemes.pronounce import pronounce_sentence
from lipsync_colab.phonemes.text import CONTINUING, FOREIGN_CONTINUING, spoken_text
from lipsync_colab.types import Caption, Phoneme

LINE = 42
"""Characters in one line, as broadcasters and streaming services ask for."""
SHORTEST, LONGEST = 1.0, 6.0
"""Seconds that a caption stands."""
FASTEST = 20.0
"""Characters a second that can be read."""
LINGER = 0.8
"""Seconds that a caption may stay after its last word, where the next one leaves time."""
PAUSE = 0.6
"""Seconds of silence at which a caption rather ends."""
WORD_GAP, NUMBER_GAP = 0.1, 0.5
"""Seconds of silence between two sounds of one word."""

QUOTES = "\"”’')"
Measure = Callable[[str], float]


@dataclass(frozen=True)
class Token:
    """A written word with the time in which it is said.

    Attributes:
        text: with its punctuation.
        start: seconds.
        end: seconds.
    """

    text: str
    start: float
    end: float


def captions_of(
    text: str,
    phonemes: Sequence[Phoneme],
    end: float,
    *,
    measure: Measure = len,
    limit: float = LINE,
) -> tuple[Caption, ...]:
    """Return the captions of a text whose sounds' times are known.

    Args:
        text: as it is to be read.
        phonemes: of the speech, each with its word.
        end: last second at which a caption may stand.
        measure: width of a line.
        limit: the widest line, in the same unit; a line has at most 42 characters besides.
    """
    tokens = [part for token in timed_tokens(text, phonemes) for part in _fitting(token, measure, limit)]
    pieces = [tokens[first:last] for first, last in _cuts(tokens, measure, limit)]
    found = []
    for index, piece in enumerate(pieces):
        after = pieces[index + 1][0].start if index + 1 < len(pieces) else end
        words = " ".join(token.text for token in piece)
        wanted = piece[0].start + max(SHORTEST, len(words) / FASTEST)
        stay = min(max(wanted, piece[-1].end + 0.2), piece[-1].end + LINGER, piece[0].start + LONGEST)
        last = min(max(stay, piece[-1].end), max(after, piece[-1].end))
        found.append(Caption(piece[0].start, last, _wrapped(words, measure, limit) or words))
    return tuple(found)


def later(captions: Sequence[Caption], seconds: float, end: float | None = None) -> tuple[Caption, ...]:
    """Return captions later by some seconds, none beyond ``end``."""
    shifted = (dataclasses.replace(one, start=one.start + seconds, end=one.end + seconds) for one in captions)
    return tuple(dataclasses.replace(one, end=one.end if end is None else min(one.end, end)) for one in shifted)


def timed_tokens(text: str, phonemes: Sequence[Phoneme]) -> list[Token]:
    """Return the written words with the times in which they are said.

    A number or an abbreviation is said as several words, or as others than written: what lies between two words that
    are found shares the time between them by length. A mark that is not said belongs to the word before it.

    Raises:
        InputError: none of the text is said.
    """
    spoken = _spoken_words(phonemes)
    written = _joined_marks(text.split())
    expanded = [(index, word) for index, token in enumerate(written) for word in _readings(token)]
    words = [word for _, word in expanded]
    matcher = difflib.SequenceMatcher(None, words, [word for word, _, _ in spoken], autojunk=False)
    spans: dict[int, tuple[float, float]] = {}
    for kind, first, last, low, high in matcher.get_opcodes():
        if low == high or first == last:
            continue
        length = 1 if kind == "equal" else last - first
        for place in range(first, last):
            if kind == "equal":
                start, end = spoken[low + place - first][1:]
            else:
                start, until = spoken[low][1], spoken[high - 1][2]
                step = (until - start) / length
                start, end = start + (place - first) * step, start + (place - first + 1) * step
            index = expanded[place][0]
            known = spans.get(index, (start, end))
            spans[index] = min(known[0], start), max(known[1], end)
    if not spans:
        raise InputError("the captions' text is not what is said: check the text")
    return _completed(written, spans)


def _completed(written: Sequence[str], spans: dict[int, tuple[float, float]]) -> list[Token]:
    """Give words that were not found the gap between their neighbours, in order of time."""
    found: list[Token] = []
    now = min(start for start, _ in spans.values())
    for index, token in enumerate(written):
        if index not in spans:
            following = next((spans[other][0] for other in range(index + 1, len(written)) if other in spans), now)
            spans[index] = now, max(now, following)
        start, end = max(spans[index][0], now), max(spans[index][1], now)
        found.append(Token(token, start, end))
        now = end
    return found


def _spoken_words(phonemes: Sequence[Phoneme]) -> list[tuple[str, float, float]]:
    """The words that are said, in lower case, each with its start and end."""
    found: list[tuple[str, float, float]] = []
    for phoneme in phonemes:
        bare = phoneme.word.strip(PUNCTUATION).casefold()
        if not bare:
            continue
        # A long number is one word with pauses in it; other words have none, or they are said twice.
        gap = NUMBER_GAP if any(letter.isdigit() for letter in bare) else WORD_GAP
        if found and bare == found[-1][0] and phoneme.start - found[-1][2] < gap:
            found[-1] = bare, found[-1][1], phoneme.end
        else:
            found.append((bare, phoneme.start, phoneme.end))
    return found


def _joined_marks(parts: Sequence[str]) -> list[str]:
    """Join marks that stand alone, a dash or a quote, to the word before them (the first to the word after)."""
    joined: list[str] = []
    for part in parts:
        if joined and not (_sounds(part) and _sounds(joined[-1])):
            joined[-1] += f" {part}"
        else:
            joined.append(part)
    return joined


def _sounds(part: str) -> bool:
    return any(letter.isalnum() for letter in part)


def _readings(token: str) -> list[str]:
    """The words that a written one is said as."""
    if token.strip(PUNCTUATION).isalpha() and len(token.strip(PUNCTUATION)) > 1:
        return bare_words(token)
    try:
        words = pronounce_sentence(spoken_text(token))
    except InputError:  # nothing in it is said
        return []
    return [bare for word in words if word.phonemes for bare in bare_words(word.text)]


def _fitting(token: Token, measure: Measure, limit: float) -> list[Token]:
    """Cut a word that is wider than a line into parts that are not."""
    if measure(token.text) <= limit and len(token.text) <= LINE:
        return [token]
    size = max(1, min(LINE, int(len(token.text) * limit / max(measure(token.text), 1e-6)) - 1))
    parts = [token.text[at : at + size] for at in range(0, len(token.text), size)]
    step = (token.end - token.start) / len(parts)
    return [Token(part, token.start + i * step, token.start + (i + 1) * step) for i, part in enumerate(parts)]


def _cuts(tokens: Sequence[Token], measure: Measure, limit: float) -> list[tuple[int, int]]:
    """Choose where captions end: the cheapest way through the text (see :func:`_cost`)."""
    best: list[tuple[float, int]] = [(0.0, 0)]
    for last in range(1, len(tokens) + 1):
        found = (float("inf"), last - 1)
        for first in range(last - 1, -1, -1):
            words = " ".join(token.text for token in tokens[first:last])
            alone = last - first == 1
            fits = _wrapped(words, measure, limit) and tokens[last - 1].end - tokens[first].start <= LONGEST
            if not (alone or fits):
                break
            cost = best[first][0] + _cost(tokens, first, last, len(words))
            found = min(found, (cost, first))
        best.append(found)
    cuts: list[tuple[int, int]] = []
    at = len(tokens)
    while at > 0:
        cuts.append((best[at][1], at))
        at = best[at][1]
    return cuts[::-1]


def _cost(tokens: Sequence[Token], first: int, last: int, letters: int) -> float:
    """What a caption costs: one for itself, more where it ends within a phrase, runs over a pause or is too short."""
    cost = 1.0
    if last < len(tokens):
        cost += _break_cost(tokens[last - 1], tokens[last])
    for place in range(first, last - 1):
        before, after = tokens[place], tokens[place + 1]
        cost += 0.8 * _ends_sentence(before.text)
        cost += 3.0 * (after.start - before.end > PAUSE)
    until = tokens[last].start if last < len(tokens) else tokens[last - 1].end + LINGER
    seconds = min(until, tokens[last - 1].end + LINGER) - tokens[first].start
    cost += 4.0 * max(0.0, SHORTEST - seconds)
    cost += 0.4 * max(0.0, letters / max(seconds, 0.1) - FASTEST)
    return cost + 0.5 * (letters < 12)


def _break_cost(before: Token, after: Token) -> float:
    if _ends_sentence(before.text) or after.start - before.end > PAUSE:
        return 0.0
    return 1.0 if before.text.rstrip(QUOTES).endswith((",", ";", ":", "—", "–")) else 2.5


def _ends_sentence(word: str) -> bool:
    bare = word.rstrip(QUOTES)
    return bare.endswith((".", "!", "?", "…")) and bare.rstrip(".").casefold() not in CONTINUING | FOREIGN_CONTINUING


def _wrapped(words: str, measure: Measure, limit: float) -> str:
    """Return a text in one line, or in two of similar width; empty where it does not fit into two."""

    def fits(line: str) -> bool:
        return len(line) <= LINE and measure(line) <= limit

    if fits(words):
        return words
    parts = words.split(" ")
    ways = [(" ".join(parts[:at]), " ".join(parts[at:])) for at in range(1, len(parts))]
    good = [way for way in ways if fits(way[0]) and fits(way[1])]
    if not good:
        return ""
    first, second = min(good, key=lambda way: abs(len(way[0]) - len(way[1])) - 6 * way[0].endswith((",", ".", ";")))
    return f"{first}\n{second}"
