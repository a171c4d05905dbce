"""The mouth of each phoneme: targets, and how strongly each imposes itself on its neighbours."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from lipsync_colab.engines.viseme.tongue import BEHIND
from lipsync_colab.phonemes.arpabet import CLOSURES, SILENCE, VOWELS
from lipsync_colab.types import Phoneme

SHAPES = ("jaw", "wide", "round", "upper", "lower")
"""The channels that neighbours blend in; press, tuck and tongue are events of one consonant."""


@dataclass(frozen=True)
class Viseme:
    """Where one sound takes the mouth.

    Attributes:
        jaw: opening in [0, 1], as are all the shapes.
        wide: spread of the corners.
        round: rounding.
        upper: upper-lip raise.
        lower: lower-lip drop.
        tongue: how far the tongue comes forward, see :mod:`lipsync_colab.engines.viseme.tongue`.
        press: 1 when the lips close.
        tuck: 1 when the lower lip meets the upper teeth.
        jaw_weight: how strongly the sound insists on its jaw (Cohen and Massaro's dominance).
        lip_weight: and on its lips.
    """

    jaw: float
    wide: float = 0.0
    round: float = 0.0
    upper: float = 0.0
    lower: float = 0.0
    tongue: float = 0.0
    press: float = 0.0
    tuck: float = 0.0
    jaw_weight: float = 1.2
    lip_weight: float = 0.9

    @property
    def shape(self) -> tuple[float, ...]:
        """The targets of :data:`SHAPES`, in order."""
        return self.jaw, self.wide, self.round, self.upper, self.lower


REST = Viseme(jaw=0.0, jaw_weight=0.55, lip_weight=0.5)
LIPS_CLOSED = Viseme(jaw=0.10, press=1, jaw_weight=0.8, lip_weight=0.6)
LIP_ON_TEETH = Viseme(jaw=0.16, upper=0.45, tuck=1, jaw_weight=1.0, lip_weight=0.8)
TONGUE_BETWEEN = Viseme(jaw=0.22, upper=0.25, tongue=1, jaw_weight=0.8, lip_weight=0.4)
TONGUE_TIP = Viseme(jaw=0.17, wide=0.15, upper=0.2, lower=0.3, tongue=0.9 * BEHIND, jaw_weight=0.7, lip_weight=0.25)
TONGUE_BACK = Viseme(jaw=0.24, upper=0.1, jaw_weight=0.5, lip_weight=0.15)
HUSHING = Viseme(jaw=0.14, round=0.55, upper=0.5, lower=0.5, jaw_weight=0.9, lip_weight=0.9)
HISSING = Viseme(jaw=0.09, wide=0.25, upper=0.35, lower=0.45, jaw_weight=1.0, lip_weight=0.5)

REDUCED = Viseme(jaw=0.34, upper=0.05)
"""An unstressed AH: schwa."""

TABLE = {
    SILENCE: REST,
    **dict.fromkeys(CLOSURES, LIPS_CLOSED),
    **dict.fromkeys(("F", "V"), LIP_ON_TEETH),
    **dict.fromkeys(("TH", "DH"), TONGUE_BETWEEN),
    **dict.fromkeys(("T", "D", "N"), TONGUE_TIP),
    **dict.fromkeys(("K", "G", "NG"), TONGUE_BACK),
    **dict.fromkeys(("CH", "JH", "SH", "ZH"), HUSHING),
    **dict.fromkeys(("S", "Z"), HISSING),
    "R": Viseme(jaw=0.20, round=0.45, upper=0.15, jaw_weight=0.6, lip_weight=0.6),
    "L": Viseme(jaw=0.30, upper=0.15, tongue=BEHIND, jaw_weight=0.6, lip_weight=0.2),
    "W": Viseme(jaw=0.12, round=1.0, jaw_weight=1.0, lip_weight=1.2),
    "Y": Viseme(jaw=0.16, wide=0.5, upper=0.3, lower=0.3, jaw_weight=0.7, lip_weight=0.7),
    "HH": Viseme(jaw=0.30, jaw_weight=0.2, lip_weight=0.1),
    "AA": Viseme(jaw=0.92, upper=0.15),
    "AE": Viseme(jaw=0.82, wide=0.3, upper=0.25),
    "AH": Viseme(jaw=0.55, upper=0.1),
    "AO": Viseme(jaw=0.72, round=0.5),
    "EH": Viseme(jaw=0.56, wide=0.3, upper=0.2),
    "ER": Viseme(jaw=0.32, round=0.4, upper=0.1),
    "IH": Viseme(jaw=0.36, wide=0.35, upper=0.2, lower=0.2),
    "IY": Viseme(jaw=0.24, wide=0.75, upper=0.35, lower=0.4),
    "OW": Viseme(jaw=0.50, round=0.85),
    "UH": Viseme(jaw=0.32, round=0.6),
    "UW": Viseme(jaw=0.20, round=1.0),
}
"""Jaw 1 is the opening of a loud, stressed "ah"; measured shapes of English vowels and consonants in proportion."""

DIPHTHONGS = {"AW": ("AA", "UW"), "AY": ("AA", "IH"), "EY": ("EH", "IY"), "OW": ("OW", "UW"), "OY": ("AO", "IH")}
FIRST_PART = 0.6
"""A diphthong spends this share of its time on its first vowel."""
SHORTEST_DIPHTHONG = 0.07
"""Seconds; a shorter one is said as its first vowel."""


@dataclass(frozen=True)
class Gesture:
    """One viseme in time.

    Attributes:
        viseme: where it takes the mouth.
        start: seconds.
        end: seconds.
        vowel: vowels reach further in time than consonants.
        stress: 0 none, 1 primary, 2 secondary.
    """

    viseme: Viseme
    start: float
    end: float
    vowel: bool
    stress: int = 0

    @property
    def middle(self) -> float:
        """Seconds."""
        return (self.start + self.end) / 2

    @property
    def seconds(self) -> float:
        """How long it lasts."""
        return self.end - self.start


def gestures(phonemes: Iterable[Phoneme]) -> list[Gesture]:
    """Return the mouth's gestures for timed phonemes, diphthongs as two."""
    found = []
    for phoneme in phonemes:
        if phoneme.end <= phoneme.start:
            continue
        for symbol, start, end in _parts(phoneme):
            reduced = symbol == "AH" and not phoneme.stress
            viseme = REDUCED if reduced else TABLE.get(symbol, TABLE["AH"])
            found.append(Gesture(viseme, start, end, symbol in VOWELS, phoneme.stress))
    return found


def _parts(phoneme: Phoneme) -> list[tuple[str, float, float]]:
    symbol, start, end = phoneme.symbol, phoneme.start, phoneme.end
    if symbol not in DIPHTHONGS:
        return [(symbol, start, end)]
    first, second = DIPHTHONGS[symbol]
    if end - start < SHORTEST_DIPHTHONG:
        return [(first, start, end)]
    turn = start + FIRST_PART * (end - start)
    return [(first, start, turn), (second, turn, end)]
