"""Text in any language a voice speaks → words with their sounds."""

from __future__ import annotations

from lipsync_colab.phonemes.espeak import read_aloud, readable
from lipsync_colab.phonemes.pronounce import Word, pronounce
from lipsync_colab.phonemes.text import spoken_text

ENGLISH = "en"


def is_english(language: str) -> bool:
    """Tell whether a language code (``"en"``, ``"en-GB"``, ``"en-us"``) is one of English."""
    return language.lower().partition("-")[0] == ENGLISH


def sayable(text: str, language: str = ENGLISH) -> str:
    """Return a text as it is handed to the reader of its language.

    Raises:
        InputError: it holds nothing to say, is too long, or (English) is written in other letters.
    """
    return spoken_text(text) if is_english(language) else readable(text)


def read_text(text: str, language: str = ENGLISH) -> list[list[Word]]:
    """Return the words of every sentence: English by the embedded pronouncer, others by ``espeak-ng``.

    Args:
        text: to be said.
        language: ``"en…"``, or a language as espeak-ng names it.

    Raises:
        InputError: see :func:`sayable`.
        MachineError: the reader is not installed.
    """
    return pronounce(text) if is_english(language) else read_aloud(text, language)
