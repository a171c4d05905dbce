"""Sentences to be spoken: English from a dictionary's words, other languages from their syllables.

What a sentence means does not matter to the lips; which sounds meet in it does. Words are drawn evenly from a whole
dictionary, so that rare neighbours occur as well, and stand in plain sentence frames that give a voice its usual
rhythm. Nothing is taken from any text.
"""

from __future__ import annotations

import functools
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from lipsync_colab.errors import MachineError

FRAMES = (
    "The {} of the {} was {} and {}.",
    "Maybe we should {} the {}, but my {} would {} it.",
    "I think the {} {} moved from {} to {}.",
    "Do you remember the {} by the {}?",
    "She put a {} above the {}, because a {} is never {}.",
    "Press {} for {}, or press {} to hear about {}.",
    "Please {} before the {} of {}.",
    "Both {} and {} have more {} than {}.",
    "Why did the {} {} at the {}?",
    "If you {} my {}, I will {} yours.",
    "{}, {}, {} and {}.",
    "A {} made of {} came up very {}.",
    "There are five {} in {}, and one {} with a {}.",
    "Mom and Bob will {} at home, but papa may {}.",
    "What a {} {}!",
    "We have been {} for over a {}, which was {}.",
)


@dataclass(frozen=True)
class Syllables:
    """How words of a language are spelt, roughly.

    Attributes:
        onsets: what a syllable begins with; repeated ones come more often.
        vowels: its nucleus.
        codas: what it may end with, mostly nothing.
    """

    onsets: tuple[str, ...]
    vowels: tuple[str, ...]
    codas: tuple[str, ...] = ("",)


LANGUAGES = {
    "it": Syllables(
        tuple("p b m t d c l r n s f v gn ch sc gl br tr pr fr st sp gr z g q'".replace("q'", "qu").split()),
        tuple("a e i o u a e i o ia io uo ie".split()),
        ("", "", "", "", "n", "r", "l", "m"),
    ),
    "cs": Syllables(
        tuple("p b m t d k l r n s f v h ch j z c č š ž ř br pr vl st sk mn tř".split()),
        tuple("a e i o u á é í ou a e o y".split()),
        ("", "", "", "k", "n", "t", "l", "m", "s", "v", "p"),
    ),
    "fi": Syllables(
        tuple("p m t k l r n s v h j p m v".split()),
        tuple("a e i o u y ä ö aa ii uu ee ai uo ie oi äi".split()),
        ("", "", "", "n", "s", "l", "t", "m"),
    ),
    "ru": Syllables(
        tuple("п б м т д к л р н с ф в г х з ш ж ч пр бр ст мн вл п б м в".split()),
        tuple("а е и о у ы я ю а о и".split()),
        ("", "", "", "н", "т", "м", "к", "р", "п", "с"),
    ),
    "ca": Syllables(
        tuple("p b m t d c l r n s f v pr br tr ll ny x g j m p b".split()),
        tuple("a e i o u a e i o u à è ó".split()),
        ("", "", "", "n", "r", "l", "s", "m", "t"),
    ),
}


def sentences(language: str, count: int, seed: int) -> list[str]:
    """Return made-up sentences.

    Args:
        language: ``"en"`` or a key of :data:`LANGUAGES`.
        count: how many.
        seed: the same seed gives the same sentences.
    """
    random = np.random.default_rng([seed, sum(map(ord, language))])
    if language == "en":
        return [english_sentence(random) for _ in range(count)]
    return [syllable_sentence(LANGUAGES[language], random) for _ in range(count)]


def english_sentence(random: np.random.Generator) -> str:
    """Return one frame filled with words of the dictionary."""
    frame = FRAMES[random.integers(len(FRAMES))]
    words = english_words()
    filled = frame.format(*(words[random.integers(len(words))] for _ in range(frame.count("{}"))))
    return filled[0].upper() + filled[1:]


def syllable_sentence(language: Syllables, random: np.random.Generator) -> str:
    """Return four to nine words of one to four syllables, some followed by a comma."""
    words = []
    for _ in range(random.integers(4, 10)):
        length = random.choice([1, 2, 2, 2, 3, 3, 4])
        word = "".join(
            str(random.choice(language.onsets)) + str(random.choice(language.vowels)) for _ in range(length)
        ) + str(random.choice(language.codas))
        words.append(word + ("," if random.random() < 0.12 else ""))
    sentence = " ".join(words).rstrip(",")
    return sentence[0].upper() + sentence[1:] + "."


@functools.cache
def english_words() -> tuple[str, ...]:
    """Return the words of the recogniser's dictionary (CMUdict) that have 3 to 10 letters.

    Raises:
        MachineError: ``pocketsphinx`` is not installed.
    """
    try:
        import pocketsphinx
    except (ImportError, OSError) as error:
        raise MachineError("the dictionary is missing: pip install pocketsphinx==5.1.1") from error
    path = Path(pocketsphinx.get_model_path()) / "en-us" / "cmudict-en-us.dict"
    heads = (line.split(" ", 1)[0] for line in path.read_text(encoding="utf-8").splitlines())
    return tuple(word for word in heads if word.isascii() and word.isalpha() and 3 <= len(word) <= 10)
