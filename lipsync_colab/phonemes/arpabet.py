"""ARPAbet, the alphabet of :class:`~lipsync_colab.types.Phoneme`, and how IPA is written in it."""

from __future__ import annotations

from collections.abc import Iterator

SILENCE = "SIL"

VOWELS = frozenset("AA AE AH AO AW AY EH ER EY IH IY OW OY UH UW".split())
CONSONANTS = frozenset("B CH D DH F G HH JH K L M N NG P R S SH T TH V W Y Z ZH".split())
CLOSURES = frozenset("B M P".split())
"""The consonants that no mouth makes without closing its lips."""

ARPABET_OF_IPA = {
    **{"b": "B", "d": "D", "f": "F", "ɡ": "G", "g": "G", "h": "HH", "k": "K", "l": "L", "m": "M", "n": "N"},
    **{"p": "P", "s": "S", "t": "T", "v": "V", "w": "W", "z": "Z", "j": "Y", "ɹ": "R", "r": "R", "ŋ": "NG"},
    **{"ð": "DH", "θ": "TH", "ʃ": "SH", "ʒ": "ZH", "ʧ": "CH", "ʤ": "JH", "T": "T", "ɾ": "T", "ʔ": "T"},
    **{"ɫ": "L", "x": "K", "ç": "HH", "ɲ": "N", "β": "V", "ɸ": "F", "ʁ": "R", "ɻ": "R", "c": "K", "q": "K"},
    **{"ɑ": "AA", "ɒ": "AA", "a": "AA", "æ": "AE", "ʌ": "AH", "ə": "AH", "ᵊ": "AH", "ɐ": "AH", "ɔ": "AO"},
    **{"ɛ": "EH", "e": "EH", "ɜ": "ER", "ɚ": "ER", "ɝ": "ER", "ɪ": "IH", "ᵻ": "IH", "ɨ": "IH", "i": "IY"},
    **{"o": "OW", "ʊ": "UH", "u": "UW", "y": "UW", "ø": "ER", "œ": "ER"},
    # Letters of other languages: the mouth's shape decides, since nothing here is heard.
    **{"ʎ": "Y", "ʝ": "Y", "ɥ": "W", "ʋ": "V", "ɱ": "V", "ɣ": "G", "χ": "K", "ħ": "HH", "ɦ": "HH", "ɟ": "JH"},
    **{"ɕ": "SH", "ʑ": "ZH", "ʂ": "SH", "ʐ": "ZH", "ʈ": "T", "ɖ": "D", "ʦ": "T", "ʣ": "D", "ʨ": "CH", "ʥ": "JH"},
    **{"ɭ": "L", "ɬ": "L", "ʟ": "L", "ɳ": "N", "ɴ": "NG", "ʀ": "R", "ɽ": "R", "ɓ": "B", "ɗ": "D", "ɠ": "G"},
    **{"ɯ": "IH", "ɤ": "AH", "ɵ": "UH", "ʉ": "UW", "ɘ": "AH", "ɞ": "ER", "ʏ": "UW", "ɶ": "AA", "ʍ": "W"},
    **{"A": "EY", "I": "AY", "O": "OW", "Q": "OW", "W": "AW", "Y": "OY"},
}
"""One IPA letter to one symbol. The capitals are the diphthongs of the misaki alphabet, ``T`` its flap."""

STRESS_MARKS = {"ˈ": 1, "ˌ": 2}
LENGTH_MARK = "ː"


def spell(ipa: str) -> tuple[tuple[str, int], ...]:
    """Return the ARPAbet symbols of an IPA word, each with its stress (0, 1 primary, 2 secondary).

    Letters that the table does not know are left out; a vowel followed by ɹ in one syllable (ɜɹ, əɹ) is ER.
    """
    return tuple((symbol, stress) for symbol, stress, _ in spelled(ipa))


def spelled(ipa: str) -> Iterator[tuple[str, int, list[int]]]:
    """Yield ``(symbol, stress, positions)``: the letters of ``ipa`` that make up each symbol.

    A stress mark's position belongs to the next vowel or consonant, a length mark's to the one before.
    """
    stress, waiting = 0, list[int]()
    pending: tuple[str, int, list[int]] | None = None
    for position, letter in enumerate(ipa):
        if letter in STRESS_MARKS:
            stress = STRESS_MARKS[letter]
            waiting.append(position)
            continue
        if letter == LENGTH_MARK and pending:
            pending[2].append(position)
            continue
        symbol = ARPABET_OF_IPA.get(letter)
        if symbol is None:
            continue
        if pending and letter == "ɹ" and ipa[pending[2][-1]] in "ɜə":
            pending = ("ER", pending[1], [*pending[2], position])
            continue
        if pending:
            yield pending
        vowel = symbol in VOWELS
        pending = (symbol, stress if vowel else 0, [*waiting, position])
        stress, waiting = (0 if vowel else stress), []
    if pending:
        yield pending
