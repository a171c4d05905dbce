"""Written English into what is said: sentences, and the readings that the pronouncer does not know by itself."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Collection

from lipsync_colab.errors import InputError

LONGEST_TEXT = 100_000
"""Characters; about two hours of speech."""
FOREIGN_SHARE = 0.5
"""More letters than this outside the Latin alphabet, and an English voice would not read the text but skip it."""

ABBREVIATIONS = frozenset(
    "mr mrs ms dr prof rev hon gen col capt lt sgt maj st jr sr vs etc approx dept est inc ltd co corp fig no nos vol p"
    " pp ch sec apt ave blvd rd mt ft jan feb mar apr jun jul aug sep sept oct nov dec e.g i.e a.m p.m u.s u.k".split()
)
CONTINUING = frozenset(
    "mr mrs ms dr prof rev hon gen col capt lt sgt maj st fig no nos vol p pp apt vs e.g i.e".split()
)
"""Abbreviations that a sentence never ends with; after the others a capital letter begins a new one."""
FOREIGN_CONTINUING = frozenset(
    "sr sra srta dra dña ud uds núm pág art mme mlle mm sig sigg sig.ra dott dott.ssa ing avv hr fr nr z.b d.h".split()
)
"""Those of the other languages that our voices speak; in English "Sr." may end a sentence."""

SENTENCE_END = re.compile(r"[.!?…।]+[\"”’')\]]*\s+(?=\S)")

DIGITS = ("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine")
READINGS: tuple[tuple[re.Pattern[str], str], ...] = (
    (re.compile(r"\bhttps?://"), ""),
    (re.compile(r"\bwww\."), "double you double you double you dot "),
    (re.compile(r"(?<=\w)\.(com|org|net|edu|gov|io|ai|uk|de|fr|eu)\b"), r" dot \1"),
    (re.compile(r"\b24/7\b"), "twenty-four seven"),
    (re.compile(r"\b(\d{1,2})\.([0-5]\d) ?(?=[ap]\.?m\b)", re.IGNORECASE), r"\1:\2 "),
    (re.compile(r"(?<=\d:\d\d) ?[–-] ?(?=\d{1,2}:\d\d)"), " to "),
    (re.compile(r"(?<=\d)( ?[ap]\.?m\.?) ?[–-] ?(?=\d)", re.IGNORECASE), r"\1 to "),
    (re.compile(r"(?<![\d.,])(\d+(?:\.\d+)?)k\b"), r"\1 thousand"),
    (re.compile(r"(?<=\d) ?km²"), " square kilometers"),
    (re.compile(r"(?<=\d) ?m²"), " square meters"),
    (re.compile(r"(?<=\d) ?m³"), " cubic meters"),
    (re.compile(r"\bC\+\+"), "C plus plus"),
    (re.compile(r"\b([CF])#"), r"\1 sharp"),
    (re.compile(r"#(?=[A-Za-z])"), "hashtag "),
    (re.compile(r"\bCO2\b"), "C O two"),
    (re.compile(r"\bH2O\b"), "H two O"),
    (re.compile(r"\bIP ?v(\d)\b"), r"I P version \1"),
    (re.compile(r"\bv\.? ?(\d+)\.(\d+)\b"), r"version \1 point \2"),
    (re.compile(r"\bpp\. ?(?=\d)"), "pages "),
    (re.compile(r"\bp\. ?(?=\d)"), "page "),
    (re.compile(r"\bNos\. ?(?=\d)"), "numbers "),
    (re.compile(r"(?:\bNo\. ?|№ ?)(?=\d)"), "number "),
    (re.compile(r"\b(\d)'(\d{1,2})(?:\"|”|'')"), r"\1 foot \2"),
    (re.compile(r"\b(\d+(?:\.\d+)?)e([+-]?\d+)\b"), r"\1 times ten to the \2"),
    (re.compile(r"\b(\d+)x\b"), r"\1 times"),
    (re.compile(r"\be\.g\.(,?) "), r"for example\1 "),
    (re.compile(r"\bi\.e\.(,?) "), r"that is\1 "),
    (re.compile(r"(?<![\d/.,$€£])\b(\d+) (\d/\d)(?![\d/])"), r"\1 and \2"),
    (re.compile(r"(?<![\d.,$€£])\b([\d,.]*\d) m\b(?![.'’²³])"), r"\1 meters"),
    (re.compile(r"\b(Jan|Feb|Mar|Apr|Jun|Jul|Aug|Sep|Sept|Oct|Nov|Dec)\. (?=\d)"), r"\1 "),
)
PHONE_NUMBER = re.compile(
    r"(?<![\w.,-])(?:"
    r"\d{3}-\d{4}"  # 555-1234; 2019-2020 is a range of years
    r"|(?:\+\d{1,3}[ -])?\(?\d{3,5}\)?[ -]\d{3,4}[ -]\d{3,4}"
    r"|\+\d{1,3}(?:[ -]\d{2,5}){2,5}"
    r"|0\d{2,4}[ -]\d{3,8}"
    r")(?![\w,-])"
)
LEADING_ZERO = re.compile(r"(?<![\w.,:/-])0\d{2,}(?![\w,:/-])")


def spoken_text(text: str) -> str:
    """Return a text with what the pronouncer stumbles over written out; emoji and foreign letters are left out.

    Raises:
        InputError: the text is empty, too long or not written in the Latin alphabet.
    """
    if len(text) > LONGEST_TEXT:
        raise InputError(f"the text has {len(text):,} characters: cut it into parts of at most {LONGEST_TEXT:,}")
    text = unicodedata.normalize("NFC", text)
    letters = [letter for letter in text if letter.isalpha()]
    foreign = [letter for letter in letters if not is_latin(letter)]
    if letters and len(foreign) > FOREIGN_SHARE * len(letters):
        script = unicodedata.name(foreign[0], "unknown").split()[0].capitalize()
        raise InputError(f"the embedded voices read English, the text is written in {script} letters: translate it")
    kept = "".join(letter if is_readable(letter) else " " for letter in text)
    if not any(letter.isalnum() for letter in kept):
        raise InputError("the text holds nothing to say: give at least one word")
    kept = PHONE_NUMBER.sub(lambda match: _digits(match.group()), kept)
    kept = LEADING_ZERO.sub(lambda match: _digits(match.group()), kept)
    for pattern, reading in READINGS:
        kept = pattern.sub(reading, kept)
    return kept


def is_latin(letter: str) -> bool:
    """Tell whether a letter belongs to the Latin alphabet, accents included."""
    return unicodedata.name(letter, "").startswith(("LATIN", "MODIFIER", "FEMININE", "MASCULINE"))


def is_readable(letter: str) -> bool:
    """Tell whether a character can be said or marks a pause: no emoji, no control or foreign letters."""
    if letter.isalpha():
        return is_latin(letter)
    category = unicodedata.category(letter)
    return letter in "\n°№^" or category in ("Nd", "Zs", "Pd", "Ps", "Pe", "Pi", "Pf", "Po", "Pc", "Sc", "Sm", "No")


def sentences(text: str, language: str = "en") -> list[str]:
    """Return the sentences of a text, each without surrounding space; a blank line always ends one.

    Args:
        text: of any length.
        language: a code: what abbreviations it has.
    """
    continuing = CONTINUING if language.partition("-")[0] == "en" else CONTINUING | FOREIGN_CONTINUING
    found: list[str] = []
    for paragraph in re.split(r"\n\s*\n|\n(?=\s*[-*•\d])", text):
        flat = " ".join(paragraph.split())
        start = 0
        for match in SENTENCE_END.finditer(flat):
            if _ends_sentence(flat[start : match.start()], match.group(), flat[match.end()], continuing):
                found.append(flat[start : match.end()].strip())
                start = match.end()
        found.append(flat[start:].strip())
    return [sentence for sentence in found if any(letter.isalnum() for letter in sentence)]


def _ends_sentence(before: str, mark: str, following: str, continuing: Collection[str]) -> bool:
    if not mark.startswith(".") or mark.startswith(".."):
        return not following.islower()
    word = before.rsplit(maxsplit=1)[-1].lstrip("(\"“'‘").lower() if before.split() else ""
    initial = len(word) == 1 and word.isalpha() and word != "i"
    if word in continuing or initial:
        return False
    if following.islower() or (word in ABBREVIATIONS and following.isdigit()):
        return False
    return not (word in ("u.s", "u.k", "a.m", "p.m") and following.isupper() and _is_acronym_next(before))


def _is_acronym_next(before: str) -> bool:
    """An abbreviation right after an article ("the U.S. …") describes what follows."""
    words = before.split()
    return len(words) > 1 and words[-2].lower() in ("the", "a", "an", "of", "in")


def _digits(number: str) -> str:
    """Read a number digit by digit, with a short pause between its groups."""
    groups = re.findall(r"\d+", number)
    return ", ".join(" ".join(DIGITS[int(digit)] for digit in group) for group in groups)
