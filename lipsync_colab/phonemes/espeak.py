"""How words of other languages are said: by the ``espeak-ng`` program, where it is installed.

It is called as a program, never linked: its licence (GPL-3) stays outside.
"""

from __future__ import annotations

import re
import shutil
import subprocess
import unicodedata

from lipsync_colab.errors import InputError, MachineError
from lipsync_colab.phonemes.pronounce import Word
from lipsync_colab.phonemes.text import LONGEST_TEXT, sentences

PROGRAM = "espeak-ng"
REMEDY = "apt-get install espeak-ng (or brew install espeak-ng)"
SECONDS = 30.0
"""How long it may take for one clause; it needs hundredths of a second."""
TIE = "^"
"""Stands between the letters of one sound: ``a^ɪ``."""
LANGUAGE_SWITCH = re.compile(r"\([a-z^-]+\)")
"""Marks round a word that is read by another language's rules."""
MARK = re.compile(r"([,;:.!?…—¡¿]+)(?=\s|$|[\"”’')\]»])")
"""Punctuation that the program swallows, and that speech models hear as pauses; not the point in 3.5."""
SPOKEN_MARKS = frozenset(",;:.!?…—")
KEPT_CATEGORIES = ("Nd", "Zs", "Pd", "Ps", "Pe", "Pi", "Pf", "Po", "Sc", "Mn", "Mc", "Sm", "No", "Lm", "Lo", "Ll", "Lu")


def espeak_available() -> bool:
    """Tell whether the program is installed."""
    return shutil.which(PROGRAM) is not None


def read_aloud(text: str, language: str) -> list[list[Word]]:
    """Return the words of every sentence of a text, in espeak's IPA with :data:`TIE` inside one sound.

    Where the program joins or splits words, a clause's words are kept together as the text of its first one.

    Args:
        text: in the language; numbers, dates and abbreviations are read by the program.
        language: as the program names it (``"es"``, ``"fr-fr"``, ``"pt-br"``).

    Raises:
        InputError: the text is empty or too long.
        MachineError: the program is missing, or knows no such language.
    """
    found = [_sentence(sentence, language) for sentence in sentences(readable(text), language)]
    return [words for words in found if any(word.phonemes for word in words)]


def readable(text: str) -> str:
    """Return a text without emoji, control characters and markup, in any script.

    Raises:
        InputError: the text is empty or too long.
    """
    if len(text) > LONGEST_TEXT:
        raise InputError(f"the text has {len(text):,} characters: cut it into parts of at most {LONGEST_TEXT:,}")
    kept = "".join(
        letter if letter == "\n" or unicodedata.category(letter) in KEPT_CATEGORIES else " "
        for letter in unicodedata.normalize("NFC", text)
    )
    if not any(letter.isalnum() for letter in kept):
        raise InputError("the text holds nothing to say: give at least one word")
    return kept


def _sentence(sentence: str, language: str) -> list[Word]:
    words: list[Word] = []
    for part in MARK.split(sentence):
        if part.strip() and MARK.fullmatch(part.strip()):
            marks = [mark for mark in part if mark in SPOKEN_MARKS]
            if marks and words:
                words[-1] = Word(words[-1].text, words[-1].ipa, False)
                words.append(Word(marks[0], marks[0], True))
        elif any(letter.isalnum() for letter in part):
            words += _clause(part.strip(), language)
    return words


def _clause(clause: str, language: str) -> list[Word]:
    spoken = phonemes_of(clause, language).split()
    written = [word.strip("\"“”«»'()[]-–") for word in clause.split()]
    written = [word for word in written if word]
    if len(written) == len(spoken):
        return [Word(text, ipa, True) for text, ipa in zip(written, spoken, strict=True)]
    return [Word(" ".join(written) if at == 0 else "", ipa, True) for at, ipa in enumerate(spoken)]


def phonemes_of(clause: str, language: str) -> str:
    """Return espeak's IPA of a clause, its words separated by spaces.

    Raises:
        MachineError: the program is missing, fails or knows no such language.
    """
    program = shutil.which(PROGRAM)
    if program is None:
        raise MachineError(f"reading {language!r} needs the program {PROGRAM}: {REMEDY}")
    command = [program, "-q", "--ipa", f"--tie={TIE}", "-v", language, "--stdin"]
    try:
        done = subprocess.run(command, input=clause.encode(), capture_output=True, timeout=SECONDS, check=False)
    except (OSError, subprocess.TimeoutExpired) as error:
        raise MachineError(f"{PROGRAM} does not run ({error}): {REMEDY}") from error
    if done.returncode != 0:
        reason = " ".join(done.stderr.decode(errors="replace").split())[:120]
        raise MachineError(f"{PROGRAM} cannot read {language!r} ({reason}): {REMEDY}")
    return " ".join(LANGUAGE_SWITCH.sub("", done.stdout.decode()).replace("‿", " ").split())
