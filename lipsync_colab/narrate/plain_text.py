"""What a small model's free text is worth: its usable sentences, cut out of lists, echoes and ramblings."""

from __future__ import annotations

import re
from collections.abc import Iterable

from lipsync_colab.phonemes.text import is_readable, sentences

FEWEST_WORDS, MOST_WORDS = 3, 40
"""In one usable sentence; shorter ones are scraps, longer ones ramble."""
LIKENESS = 0.6
"""Share of common words above which a sentence only repeats another."""
REPEATED_RUN = 3
"""Words; a sentence that says the same run of words twice is in a loop."""

MARKUP = re.compile(r"[*_`#<>{}|~\\]+")
BULLET = re.compile(r"^\s*(?:[-•]|\(?\d{1,2}[.):]|\(?[a-z][.)](?=\s))\s*", re.MULTILINE)
LABEL = re.compile(
    r"^\s*[A-Z][\w ]{0,30}:\s*$|^\s*(?:narrator|speaker|host|title|script|sentence \d+)\s*:\s*", re.I | re.M
)
STAGE_DIRECTION = re.compile(r"\[[^\]]*\]|\([^)]*\)")
TALK = re.compile(
    r"\b(as an ai|language model|i cannot|i can't|(?:happy|glad) to (?:help|assist)|here (?:is|are)"
    r"|sure[,!]|certainly[,!]|the (?:text|script|prompt)|sentences?|paragraph|word count|instructions?|ignore)\b",
    re.IGNORECASE,
)
"""A model that talks of its task instead of doing it."""
COMPLETE = re.compile(r"[.!?…][\"”’')]*$")


def usable_sentences(answer: str, earlier: Iterable[str] = (), most: int = MOST_WORDS) -> list[str]:
    """Return the sentences of an answer that can be spoken, in order.

    Args:
        answer: free text.
        earlier: sentences that are there already and must not come again.
        most: words of one sentence.
    """
    found = list(earlier)
    first = len(found)
    for sentence in sentences(_without_markup(answer)):
        plain = sentence.strip(" \"“”'‘’-–—:;,")
        if COMPLETE.search(sentence) and not COMPLETE.search(plain):
            plain += sentence.rstrip("\"“”'‘’ ")[-1]
        if COMPLETE.search(plain) and is_sound(plain, most) and not any(are_alike(plain, other) for other in found):
            found.append(plain[0].upper() + plain[1:])
    return found[first:]


def is_sound(sentence: str, most: int = MOST_WORDS) -> bool:
    """Tell whether a sentence has a sensible length, is in no loop and does not talk of the task."""
    words = words_of(sentence)
    if not FEWEST_WORDS <= len(words) <= min(most, MOST_WORDS) or TALK.search(sentence):
        return False
    runs = [tuple(words[at : at + REPEATED_RUN]) for at in range(len(words) - REPEATED_RUN + 1)]
    return len(set(runs)) == len(runs) and len(set(words)) > len(words) / 2


def are_alike(one: str, other: str) -> bool:
    """Tell whether two sentences share most of their words."""
    first, second = set(words_of(one)), set(words_of(other))
    return len(first & second) > LIKENESS * min(len(first), len(second))


def words_of(text: str) -> list[str]:
    """Return the words of a text in lower case, without punctuation."""
    return re.findall(r"[^\W_]+(?:['’][^\W_]+)*", text.lower())


def _without_markup(answer: str) -> str:
    text = LABEL.sub("", BULLET.sub("\n\n", STAGE_DIRECTION.sub(" ", answer)))
    return "".join(letter if is_readable(letter) else " " for letter in MARKUP.sub("", text))
