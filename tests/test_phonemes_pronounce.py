"""Text → sentences → words → phonemes."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lipsync_colab.errors import InputError
from lipsync_colab.phonemes.arpabet import ARPABET_OF_IPA, CONSONANTS, VOWELS, spell, spelled
from lipsync_colab.phonemes.pronounce import pronounce
from lipsync_colab.phonemes.text import sentences, spoken_text


def symbols(text: str) -> list[str]:
    """The text's phonemes word by word, all sentences in one list."""
    words = [word for sentence in pronounce(text) for word in sentence]
    return [" ".join(symbol for symbol, _ in word.phonemes) for word in words if word.phonemes]


def test_every_symbol_of_the_table_is_arpabet() -> None:
    assert set(ARPABET_OF_IPA.values()) == VOWELS | CONSONANTS


@pytest.mark.parametrize(
    ("ipa", "wanted"),
    [
        ("həlˈO", [("HH", 0), ("AH", 0), ("L", 0), ("OW", 1)]),
        ("bˈɜɹd", [("B", 0), ("ER", 1), ("D", 0)]),
        ("dˈɑləɹz", [("D", 0), ("AA", 1), ("L", 0), ("ER", 0), ("Z", 0)]),
        ("ˈmʌðəɹ", [("M", 0), ("AH", 1), ("DH", 0), ("ER", 0)]),
        ("ɹˌiˈædʤᵻs", [("R", 0), ("IY", 2), ("AE", 1), ("D", 0), ("JH", 0), ("IH", 0), ("S", 0)]),
        ("", []),
        (" ,.—", []),
    ],
)
def test_spelling(ipa: str, wanted: list[tuple[str, int]]) -> None:
    assert list(spell(ipa)) == wanted


@given(st.text(alphabet="ˈˌː bdfɡhklmnpstvwzjɹŋðθʃʒʧʤɑæʌəɔɛɜɪiʊuAIOWY.,", max_size=30))
def test_every_letter_belongs_to_one_symbol_in_order(ipa: str) -> None:
    positions = [at for _, _, letters in spelled(ipa) for at in letters]
    assert positions == sorted(set(positions))
    known = [at for at, letter in enumerate(ipa) if letter in ARPABET_OF_IPA]
    assert set(known) <= set(positions)


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("Dr. Smith met Mrs. Jones. They left.", ["Dr. Smith met Mrs. Jones.", "They left."]),
        ("At 5 p.m. Joe left. Why? Who knows!", ["At 5 p.m.", "Joe left.", "Why?", "Who knows!"]),
        ("The U.S. Army vs. the rest, e.g. Mr. X.", ["The U.S. Army vs. the rest, e.g. Mr. X."]),
        ("J. K. Rowling wrote. See Fig. 2.", ["J. K. Rowling wrote.", "See Fig. 2."]),
        ("It is 3.5 km. He ran.\n\nNew paragraph", ["It is 3.5 km.", "He ran.", "New paragraph"]),
        ("So … maybe. “Yes.” She said.", ["So … maybe.", "“Yes.”", "She said."]),
        ("... !!!", []),
    ],
)
def test_sentences(text: str, wanted: list[str]) -> None:
    assert sentences(text) == wanted


@pytest.mark.parametrize(
    ("text", "language", "count"),
    [
        ("El Sr. Gómez llegó. Bien.", "es", 2),
        ("Mme. Dupont est là.", "fr-fr", 1),
        ("Il Dott. Rossi parla. Sì.", "it", 2),
        ("I met John Lee Sr. He left.", "en-US", 2),
    ],
)
def test_other_languages_have_abbreviations_of_their_own(text: str, language: str, count: int) -> None:
    assert len(sentences(text, language)) == count


@pytest.mark.parametrize(
    ("written", "said"),
    [
        ("call 555-1234", "call five five five, one two three four"),
        ("0800 123 456", "zero eight zero zero, one two three, four five six"),
        ("+44 20 7946 0958", "four four, two zero, seven nine four six, zero nine five eight"),
        ("the 2019-2020 season", "the twenty nineteen to twenty twenty season"),
        ("version v2.0 in C#", "version version two point zero in C sharp"),
        ("Dr. Lee paid $3.50", "Doctor Lee paid three dollars and fifty cents"),
        ("on 12/03/2024", "on December third, twenty twenty four"),
        ("No. 5, pp. 3-5, Jan. 5", "number five, pages three to five, January fifth"),
        ("24/7 at 20°C", "twenty-four seven at twenty degrees Celsius"),
        ("He is 6'2\"", "He is six foot two"),
        ("IPv6 and CO2", "I P version six and C O two"),
        ("1,250 people in 1984", "one thousand two hundred fifty people in nineteen eighty four"),
        ("50% of 1/2", "fifty percent of one half"),
        ("9:30am", "nine thirty A.M."),
        ("7.30 pm, 10:15–11:30", "seven thirty P.M., ten fifteen to eleven thirty"),
        ("6 p.m.–9 p.m.", "six P.M. to nine P.M."),
        ("10k people on 80 m² or 2 km²", "ten thousand people on eighty square meters or two square kilometers"),
        ("at 12:00, or 3:05 pm", "at twelve o'clock, or three oh five P.M."),
        (
            "$1.2 billion, €20 and £3.99",
            "one point two billion dollars, twenty euros and three pounds and ninety nine pence",
        ),
        ("on 2024-11-26", "on November twenty sixth, twenty twenty four"),
        ("Nov. 26, 2026 and the 1990s", "November twenty sixth, twenty twenty six and the nineteen nineties"),
        ("the 1st and the 22nd", "the first and the twenty second"),
        ("2 1/2 cups and 1/3", "two and one half cups and one third"),
        ("100 m, 5 km, 60 mph", "one hundred meters, five kilometers, sixty miles per hour"),
        ("-5 degrees, 0.5 and 3.14", "minus five degrees, zero point five and three point one four"),
        ("e.g. cats, i.e. pets", "for example cats, that is pets"),
        ("Prof. Smith of St. Paul", "Professor Smith of Saint Paul"),
        ("Mt. Everest, Main St.", "Mount Everest, Main Street"),
        ("Louis XIV, World War II", "Louis the fourteenth, World War Two"),
        ("8 GB, 6 oz and 1 lb", "eight gigabytes, six ounces and one pound"),
        ("1900, 2000 and 2005", "nineteen hundred, two thousand and two thousand five"),
        ("info@example.com & #1", "info at example dot com and number one"),
    ],
)
def test_numbers_dates_and_abbreviations(written: str, said: str) -> None:
    assert " ".join(symbols(written)).split() == " ".join(symbols(said)).split()


def test_context_and_unknown_words() -> None:
    assert symbols("I read it yesterday, now I will read it")[1] == "R EH D"
    assert symbols("I read it yesterday, now I will read it")[-2] == "R IY D"
    unknown = symbols("Blorvexin plimbers")
    assert unknown[0].startswith("B L") and unknown[1].startswith("P L")


def test_emoji_are_left_out() -> None:
    assert symbols("Hello 😀 wor\u200bld ♥") == [*symbols("Hello wor ld")]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "nothing to say"),
        (" \n😀 ...", "nothing to say"),
        ("Привет мир", "Cyrillic"),
        ("שלום עולם", "Hebrew"),
        ("你好世界", "Cjk"),
        ("a" * 100_001, "100,001 characters"),
    ],
)
def test_what_cannot_be_read_is_refused(text: str, message: str) -> None:
    with pytest.raises(InputError, match=message):
        pronounce(text)


@settings(max_examples=40, deadline=None)
@given(st.text(max_size=60))
def test_any_text_is_read_or_refused(text: str) -> None:
    try:
        found = pronounce(text)
    except InputError:
        return
    assert all(any(word.phonemes for word in sentence) for sentence in found)


def test_fifty_thousand_characters_pass() -> None:
    assert len(sentences(spoken_text("This is a sentence. " * 2500))) == 2500
