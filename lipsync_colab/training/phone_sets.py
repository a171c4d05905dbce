"""The phones of the speech programs in ARPAbet, with the stress that stands for how open a vowel is."""

from __future__ import annotations

from lipsync_colab.phonemes.arpabet import CONSONANTS, SILENCE, VOWELS

Sound = tuple[str, int]

TRILL = "N"
"""A rolled r is made by the tongue's tip; unlike the English R it does not round the lips."""
PAUSES = frozenset(("pau", "#", "##", "_", "ssil", "h#", "brth"))

ENGLISH: dict[str, Sound] = {
    **{symbol.lower(): (symbol, 2) for symbol in VOWELS},
    **{symbol.lower(): (symbol, 0) for symbol in CONSONANTS},
    **{"ax": ("AH", 0), "axr": ("ER", 0), "ah": ("AH", 1), "el": ("L", 0), "em": ("M", 0), "en": ("N", 0)},
    **{"dx": ("T", 0), "nx": ("N", 0), "hv": ("HH", 0)},
}
"""The Radio alphabet of festival and flite."""

_COMMON: dict[str, Sound] = {
    **{letter: (letter.upper(), 0) for letter in "pbmtdkglnfvsz"},
    **{"r": (TRILL, 0), "rr": (TRILL, 0), "j": ("Y", 0), "w": ("W", 0), "h": ("HH", 0)},
    **{"a": ("AA", 0), "e": ("EH", 0), "i": ("IY", 0), "o": ("AO", 0), "u": ("UW", 0), "y": ("UW", 0)},
    **{"ts": ("S", 0), "dz": ("Z", 0)},
}

ITALIAN = {
    **_COMMON,
    **{"a1": ("AA", 1), "e1": ("EH", 1), "E1": ("EH", 1), "i1": ("IY", 1), "o1": ("AO", 1), "O1": ("AO", 1)},
    **{"u1": ("UW", 1), "J": ("N", 0), "L": ("L", 0), "S": ("SH", 0), "tS": ("CH", 0), "dZ": ("JH", 0)},
}
CZECH = {
    **_COMMON,
    **{"a:": ("AA", 1), "e:": ("EH", 1), "i:": ("IY", 1), "o:": ("AO", 1), "u:": ("UW", 1), "ch": ("K", 0)},
    **{"c": ("S", 0), "c~": ("CH", 0), "s~": ("SH", 0), "z~": ("ZH", 0), "r~": ("ZH", 0), "r~*": ("SH", 0)},
    **{"n~": ("N", 0), "t~": ("T", 0), "d~": ("D", 0), "n*": ("NG", 0), "dz~": ("JH", 0), "w": ("V", 0)},
}
FINNISH = {
    **_COMMON,
    **{"a:": ("AA", 1), "e:": ("EH", 1), "i:": ("IY", 1), "o:": ("AO", 1), "u:": ("UW", 1), "y:": ("UW", 1)},
    **{"@": ("AE", 0), "@:": ("AE", 1), "7": ("ER", 0), "7:": ("ER", 1), "N": ("NG", 0)},
}
RUSSIAN = {
    **_COMMON,
    **{2 * letter: (letter.upper(), 0) for letter in "pbmtdkglnfvsz"},
    **{"h": ("K", 0), "hh": ("K", 0), "c": ("S", 0), "ch": ("CH", 0), "sh": ("SH", 0), "zh": ("ZH", 0)},
    **{"sch": ("SH", 0), "aa": ("AA", 1), "a": ("AH", 2), "ae": ("AH", 2), "ay": ("AH", 0), "oo": ("AO", 1)},
    **{"ur": ("UH", 0), "u": ("UH", 2), "uu": ("UW", 1), "ii": ("IY", 1), "i": ("IH", 0), "ee": ("EH", 1)},
    **{"yy": ("IH", 1), "y": ("IH", 0)},
}
PHONE_SETS = {"en": ENGLISH, "it": ITALIAN, "cs": CZECH, "fi": FINNISH, "ru": RUSSIAN}


def sound_of(phone: str, language: str) -> Sound:
    """Return a phone's ARPAbet symbol and stress.

    Raises:
        KeyError: the language's table has no such phone.
    """
    return (SILENCE, 0) if phone in PAUSES else PHONE_SETS[language][phone]
