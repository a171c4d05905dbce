"""Reading other languages by the espeak-ng program."""

from __future__ import annotations

import unicodedata

import pytest

from lipsync_colab.errors import InputError, MachineError
from lipsync_colab.phonemes.arpabet import ARPABET_OF_IPA, LENGTH_MARK, STRESS_MARKS
from lipsync_colab.phonemes.espeak import TIE, espeak_available, phonemes_of, read_aloud, readable

pytestmark = pytest.mark.skipif(not espeak_available(), reason="espeak-ng is not installed")
TEXTS = {
    "es": "Buenos días, ¿cómo está? El niño llegó a las 3; tengo 21 años y una guitarra vieja.",
    "fr-fr": "Bonjour, j'ai vingt et un ans. L'eau est bleue, une feuille tombe, un bon vin blanc.",
    "it": "Buongiorno a tutti; gli gnocchi sono pronti, la zia sceglie il pesce.",
    "pt-br": "Bom dia, não tenho 21 anos. O João trabalha muito amanhã.",
    "hi": "नमस्ते, मेरा नाम राम है। आप कैसे हैं? पापा बाज़ार गए।",
    "de": "Guten Morgen, ich möchte drei Brötchen und schöne Bücher.",
    "ru": "Добрый день, меня зовут Иван, щука живёт в реке.",
}


@pytest.mark.parametrize("language", TEXTS)
def test_every_sound_has_a_shape_of_the_mouth(language: str) -> None:
    words = [word for sentence in read_aloud(TEXTS[language], language) for word in sentence]
    ipa = "".join(word.ipa for word in words)
    marks = {*STRESS_MARKS, LENGTH_MARK, TIE, "ʲ", *",.;:!?"}
    unknown = {one for one in ipa if one not in ARPABET_OF_IPA and one not in marks and not unicodedata.combining(one)}
    assert not unknown
    assert all(word.phonemes for word in words if word.ipa not in ",.;:!?")


def test_sentences_words_and_pauses() -> None:
    found = read_aloud("Buenos días, mamá. ¿Qué tal?", "es")
    assert [[word.text for word in sentence] for sentence in found] == [
        ["Buenos", "días", ",", "mamá", "."],
        ["¿Qué", "tal", "?"],
    ]
    assert [symbol for symbol, _ in found[0][3].phonemes] == ["M", "AA", "M", "AA"]


def test_a_number_keeps_the_clause_together() -> None:
    (sentence,) = read_aloud("Tengo 3,50 euros.", "es")
    assert sentence[0].text == "Tengo 3,50 euros" and len(sentence) > 4


def test_words_that_another_language_owns_leave_no_marks() -> None:
    assert "(" not in phonemes_of("un weekend", "fr-fr")


def test_emoji_markup_and_options_are_text() -> None:
    assert readable("hola 😀 mundo").split() == ["hola", "mundo"]
    assert phonemes_of("--version", "es")


@pytest.mark.parametrize("text", ["", "😀", "…"])
def test_nothing_to_say(text: str) -> None:
    with pytest.raises(InputError, match="nothing to say"):
        read_aloud(text, "es")


def test_a_language_that_it_does_not_know() -> None:
    with pytest.raises(MachineError, match="xx-yy"):
        phonemes_of("hola", "xx-yy")
