"""English sentences that a language model finds likely, with more closed lips than people need.

Words that follow each other as they do in speech bring the weak vowels and the small words ("of the", "to be") between
which people's closures are missed and imagined. The model is the recogniser's; nothing is taken from any text.
"""

from __future__ import annotations

import functools
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from lipsync_colab.errors import MachineError
from lipsync_colab.phonemes.arpabet import CLOSURES
from lipsync_colab.training.texts import FRAMES

CONSIDERED = 400
"""Words that are drawn for every place; one of them is kept by how well it follows."""
LENGTHS = (5, 13)
LIKELY_SHARE = 0.65
"""The other sentences are frames with words of the whole dictionary: rare neighbours."""
RARITY = 0.75
"""Power of a word's frequency: below 1 rare words come more often than in speech."""
CLOSING, CLOSING_INSIDE, CONFUSED = 1.6, 1.6, 1.2
"""How much more often words come that close the lips, that do so after their first sound, and that have a sound which
is taken for it."""
SHORT = frozenset("a i am an as at be by do go he if in is it me my no of oh on or so to up us we".split())
"""Words of fewer than three letters, without the dictionary's abbreviations."""
MISHEARD = frozenset("DH F N V W".split())
UNIT = float(np.log(1.0001))
"""Natural logarithm of what the model's whole numbers count."""
COMMA_SHARE, QUESTION_SHARE = 0.12, 0.12
LEAST_WORDS_TO_PAUSE = 3


@dataclass(frozen=True, eq=False)
class Lexicon:
    """Words that the recogniser knows.

    Attributes:
        words: in small letters.
        chances: of each to be drawn, float64, summing up to 1.
        even: the same if all were as frequent as each other.
        frequencies: natural logarithms, by the language model.
    """

    words: tuple[str, ...]
    chances: np.ndarray
    even: np.ndarray
    frequencies: np.ndarray


def likely_sentences(count: int, seed: int) -> list[str]:
    """Return English sentences; the first ones do not depend on how many are asked for.

    Raises:
        MachineError: ``pocketsphinx`` is not installed.
    """
    random = np.random.default_rng([seed, CONSIDERED])
    return [_sentence(random) for _ in range(count)]


def _sentence(random: np.random.Generator) -> str:
    words = _following(random) if random.random() < LIKELY_SHARE else _framed(random)
    return words[0].upper() + words[1:]


def _following(random: np.random.Generator) -> str:
    """Words each of which is likely after the two before it."""
    known = lexicon()
    said: list[str] = []
    pause = 0
    text = ""
    for place in range(random.integers(*LENGTHS)):
        drawn = random.choice(len(known.words), CONSIDERED, p=known.chances)
        before = list(reversed(said[-2:])) or ["<s>"]
        follows = np.array([language_model().prob([known.words[at], *before]) for at in drawn]) * UNIT
        # As rare words are drawn more often than they are said, so they are also kept.
        weights = np.exp(follows - known.frequencies[drawn])
        said.append(known.words[drawn[random.choice(CONSIDERED, p=weights / weights.sum())]])
        pauses = place - pause >= LEAST_WORDS_TO_PAUSE and random.random() < COMMA_SHARE
        pause = place if pauses else pause
        text += ("," if pauses else "") + (" " if place else "") + said[-1]
    return text + ("?" if random.random() < QUESTION_SHARE else ".")


def _framed(random: np.random.Generator) -> str:
    known = lexicon()
    frame = FRAMES[random.integers(len(FRAMES))]
    return frame.format(*(random.choice(known.words, p=known.even) for _ in range(frame.count("{}"))))


@functools.cache
def lexicon() -> Lexicon:
    """Return the dictionary's words of up to ten letters that the language model knows too.

    Raises:
        MachineError: ``pocketsphinx`` is not installed.
    """
    lines = (_folder() / "cmudict-en-us.dict").read_text(encoding="utf-8").splitlines()
    said = {head: phones.split() for head, _, phones in (line.partition(" ") for line in lines)}
    known = {
        word: language_model().prob([word]) * UNIT
        for word in said
        if word.isascii() and word.isalpha() and (len(word) in range(3, 11) or word in SHORT)
    }
    known = {word: frequency for word, frequency in known.items() if frequency > -30}
    frequencies = np.array(list(known.values()))
    wanted = np.array([_wanted(said[word]) for word in known])
    chances = wanted * np.exp(RARITY * frequencies)
    return Lexicon(tuple(known), chances / chances.sum(), wanted / wanted.sum(), frequencies)


def _wanted(phones: list[str]) -> float:
    """How much more often a word with these sounds is to come."""
    closed = [phone in CLOSURES for phone in phones]
    confused = any(phone in MISHEARD for phone in phones)
    return (CLOSING if any(closed) else 1) * (CLOSING_INSIDE if any(closed[1:]) else 1) * (CONFUSED if confused else 1)


@functools.cache
def language_model() -> Any:
    """Return the recogniser's model of three words in a row, whose whole numbers are logarithms to the base 1.0001.

    Raises:
        MachineError: ``pocketsphinx`` is not installed.
    """
    folder = _folder()
    import pocketsphinx

    return pocketsphinx.NGramModel.readfile(str(folder / "en-us.lm.bin"))


def _folder() -> Path:
    try:
        import pocketsphinx
    except (ImportError, OSError) as error:
        raise MachineError("the dictionary is missing: pip install pocketsphinx==5.1.1") from error
    return Path(pocketsphinx.get_model_path()) / "en-us"
