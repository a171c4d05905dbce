"""From a prompt to a voice of the asked length, and what is refused on the way."""

from __future__ import annotations

import itertools
import json
from pathlib import Path

import numpy as np
import pytest
import soundfile
from scripted_model import ScriptedModel

from lipsync_colab.errors import InputError
from lipsync_colab.narrate.narration import check_request, fitted, narrate, speak_script
from lipsync_colab.narrate.script import Scene, Script

SENTENCES = (
    "The oven is lit at four in the morning.",
    "Flour, water and salt wait on the table.",
    "By six the first loaves are out.",
    "People stand at the door before it opens.",
    "Nobody leaves without a smile.",
    "That is how every day begins here.",
)


def answer(*texts: str) -> str:
    return json.dumps({"scenes": [{"text": text} for text in texts]})


def test_scenes_are_spoken_with_their_pauses_and_lines() -> None:
    said = speak_script(Script((Scene("Good morning. How are you?", pause=1.5), Scene("I am well.", rate=1.2))))
    assert [(line.scene, line.text) for line in said.lines] == [
        (0, "Good morning."),
        (0, "How are you?"),
        (1, "I am well."),
    ]
    first, second, third = said.lines
    assert first.start == 0 and first.end == second.start
    assert third.start - second.end == pytest.approx(1.5, abs=1e-3)
    assert said.speech.seconds == pytest.approx(third.end, abs=0.01)
    gap = said.speech.samples[int((second.end + 0.05) * 16000) : int((third.start - 0.05) * 16000)]
    assert np.abs(gap).max() < 1e-3
    phonemes = said.speech.phonemes
    assert phonemes is not None and phonemes[0].start == 0
    assert all(one.end == other.start for one, other in itertools.pairwise(phonemes))
    assert all(third.start - 0.1 <= one.start for one in phonemes if one.word == "well")


def test_a_long_text_is_cut_at_a_sentence_and_paced() -> None:
    model = ScriptedModel(answer(" ".join(SENTENCES)))
    seen: list[str] = []
    said = narrate(model, "our bakery", 7, progress=lambda stage, done, total: seen.append(stage))
    assert said.speech.seconds == pytest.approx(7, rel=0.1)
    assert " ".join(SENTENCES).startswith(said.script.text) and said.script.text.endswith(".")
    assert len(model.requests) == 1  # cutting was enough
    assert set(seen) == {"tokens", "sentences"}
    assert said.script.notes == ()
    np.testing.assert_array_equal(speak_script(said.script).sound, said.sound)


def test_a_short_text_is_rewritten_once() -> None:
    model = ScriptedModel(answer(SENTENCES[0]), answer(" ".join(SENTENCES)))
    said = narrate(model, "our bakery", 10)
    assert len(model.requests) == 2 and "write more" in model.requests[1]
    assert said.speech.seconds == pytest.approx(10, rel=0.1)


def test_loose_sentences_are_added_to_once() -> None:
    model = ScriptedModel(*[" ".join(SENTENCES[:2])] * 2, " ".join(SENTENCES[2:5]), structured=False)
    said = narrate(model, "our bakery", 9)
    assert said.script.text.startswith(" ".join(SENTENCES[:2])) and SENTENCES[2] in said.script.text
    assert said.speech.seconds == pytest.approx(9, rel=0.1)
    assert said.script.writer == "scripted" and len(model.requests) <= 4


def test_one_loose_sentence_that_is_too_long_gives_way() -> None:
    long = (
        "Behind the old market a narrow street leads down to the river, where the mill has stood for three centuries."
    )
    said = speak_script(Script((Scene(f"{SENTENCES[0]} {long} {SENTENCES[2]}"),)))
    kept = fitted(said, 5, "hibari", loose=True)
    assert kept.script.text == f"{SENTENCES[0]} {SENTENCES[2]}"
    assert kept.speech.seconds == pytest.approx(5, rel=0.1)
    assert SENTENCES[2] not in fitted(said, 5, "hibari").script.text  # a text that hangs together is only cut short


def test_a_text_is_added_to_rather_than_begun_in_the_middle() -> None:
    opening = "The moon goes round the Earth once in four weeks."
    middle = "It lights the night a little, pulls the seas, and was walked on by twelve men half a century ago."
    assert (
        fitted(speak_script(Script((Scene(f"{opening} {middle}"),))), 6.5, "hibari", loose=True).script.text == middle
    )
    model = ScriptedModel(*[f"{opening} {middle}"] * 2, *SENTENCES[1:5], structured=False)
    said = narrate(model, "the moon", 6.5)
    assert said.script.text.startswith(opening) and "It lights" not in said.script.text
    assert said.speech.seconds == pytest.approx(6.5, rel=0.1)


def test_a_text_that_stays_too_short_says_so() -> None:
    model = ScriptedModel(answer(SENTENCES[0]))
    said = narrate(model, "our bakery", 30)
    assert len(model.requests) == 2
    assert "30 s were asked for" in said.script.notes[-1]
    assert 0.85 <= said.script.scenes[0].rate <= 1


def test_fitting_leaves_a_text_alone_that_fits() -> None:
    said = speak_script(Script((Scene(SENTENCES[0]),)))
    assert fitted(said, said.speech.seconds * 1.05, "hibari") is said


@pytest.mark.parametrize(
    ("prompt", "seconds", "language", "voice", "message"),
    [
        ("", 10, "en", "hibari", "no words"),
        (" \n\t", 10, "en", "hibari", "no words"),
        ("🌍🌍 🎉", 10, "en", "hibari", "no words"),
        ("a" * 50_000, 10, "en", "hibari", "50,000 characters"),
        ("bread", 10, "fr", "hibari", "choose --voice ff_siwis"),
        ("bread", 10, "sw", "hibari", "no voice speaks 'sw'"),
        ("bread", 10, "../x", "hibari", "no language code"),
        ("bread", 10, "en", "nobody", "no voice 'nobody'"),
        ("bread", 1, "en", "hibari", "--seconds 1"),
        ("bread", 1e300, "en", "hibari", "--seconds 1e"),
        ("bread", float("nan"), "en", "hibari", "--seconds nan"),
    ],
)
def test_what_cannot_be_narrated_is_one_line(
    prompt: str, seconds: float, language: str, voice: str, message: str
) -> None:
    with pytest.raises(InputError, match=message) as caught:
        check_request(prompt, seconds, language, voice)
    assert "\n" not in str(caught.value)


def test_a_small_model_is_asked_in_latin_letters_only() -> None:
    with pytest.raises(InputError, match="Hebrew"):
        narrate(ScriptedModel("x", structured=False), "ספר לי על חתולים", 5)


def test_a_scene_in_a_language_without_a_voice_is_refused() -> None:
    with pytest.raises(InputError, match="hibari does not speak 'fr'"):
        speak_script(Script((Scene("Hello."), Scene("Bonjour.", language="fr"))))


def test_the_sound_is_written_whole(tmp_path: Path) -> None:
    said = speak_script(Script((Scene("Hello."),)))
    path = said.write(tmp_path / "speech.wav")
    samples, rate = soundfile.read(path, dtype="float32")
    assert rate == said.rate and len(samples) == len(said.sound)
    with pytest.raises(InputError):
        said.write(tmp_path / "nowhere" / "speech.wav")
