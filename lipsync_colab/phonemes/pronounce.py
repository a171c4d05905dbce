"""How English words are said: the lexicon, rules and letter-to-sound network that the embedded voice carries."""

from __future__ import annotations

import functools
from dataclasses import dataclass
from typing import Any

from lipsync_colab.errors import MachineError
from lipsync_colab.phonemes.arpabet import spell
from lipsync_colab.phonemes.text import sentences, spoken_text


@dataclass(frozen=True)
class Word:
    """One word, or one mark of punctuation, as it is said.

    Attributes:
        text: as written (numbers as they were read out).
        ipa: its sounds in the misaki alphabet; a mark of punctuation stands for itself.
        space: True when a space follows.
    """

    text: str
    ipa: str
    space: bool

    @property
    def phonemes(self) -> tuple[tuple[str, int], ...]:
        """ARPAbet symbols with stress; empty for punctuation."""
        return spell(self.ipa)


def pronounce(text: str) -> list[list[Word]]:
    """Return the words of every sentence of a text.

    Raises:
        InputError: the text is empty, too long or not in the Latin alphabet.
        MachineError: ``hibari-tts`` is not installed.
    """
    found = [pronounce_sentence(sentence) for sentence in sentences(spoken_text(text))]
    return [words for words in found if any(word.phonemes for word in words)]


def pronounce_sentence(sentence: str) -> list[Word]:
    """Return the words of one sentence, in order, in context ("read", "live", "the")."""
    reader, normalize = _reader()
    tokens = reader.phonemize_tokens(reader.tokenize(normalize(sentence)))
    return [Word(token.text, token.phonemes or "", bool(token.whitespace)) for token in tokens]


@functools.cache
def _reader() -> tuple[Any, Any]:
    try:
        from hibari.g2p import G2P
        from hibari.g2p.normalize import normalize
    except ImportError as error:
        raise MachineError("the English pronouncer is missing: pip install hibari-tts==0.2.1") from error
    return G2P(), normalize
