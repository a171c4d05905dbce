"""Storyboards: what is read, and what is refused in one line that names the scene."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from material import tone

from lipsync_colab.errors import InputError, MachineError
from lipsync_colab.narrate.script import Scene, Script
from lipsync_colab.narrate.storyboard import Shot, Storyboard, check_storyboard, read_storyboard, storyboard_of

GOOD: dict[str, Any] = {"portrait": "a.png", "text": "Hello."}


@pytest.fixture()
def folder(tmp_path: Path) -> Path:
    (tmp_path / "a.png").write_bytes(b"a picture")
    tone(tmp_path / "voice.wav", 0.5)
    return tmp_path


def written(folder: Path, document: Any) -> Path:
    path = folder / "board.json"
    path.write_text(document if isinstance(document, str) else json.dumps(document), encoding="utf-8")
    return path


def test_every_kind_of_scene_is_read(folder: Path) -> None:
    (folder / "script.json").write_text(json.dumps({"scenes": [{"text": "Hi.", "background": "blur"}]}))
    scenes = [
        {**GOOD, "expression": "happy", "emphasis": ["hello"], "rate": 1.2, "pause": 0.5, "background": "#102030"},
        {"portrait": "a.png", "recording": "voice.wav", "text": "What is said.", "fade": 0.5, "head_motion": 0.3},
        {"portrait": "a.png", "script": "script.json", "voice": "joe"},
        {"portrait": "a.png", "script": {"scenes": [{"text": "Ho."}]}, "face": 2},
    ]
    shots = read_storyboard(written(folder, {"scenes": scenes})).shots
    assert shots[0].script == Script((Scene("Hello.", expression="happy", emphasis=("hello",), rate=1.2, pause=0.5),))
    assert shots[1].recording == folder / "voice.wav" and (shots[1].fade, shots[1].head_motion) == (0.5, 0.3)
    assert shots[2].voice == "joe" and shots[2].script == Script((Scene("Hi.", background="blur"),))
    assert shots[3].face == 2 and all(shot.portrait == folder / "a.png" for shot in shots)


@pytest.mark.parametrize(
    ("scene", "said"),
    [
        ({"text": "Hi."}, "no portrait"),
        ({**GOOD, "portrait": "b.png"}, "portrait .*b.png' is no file"),
        ({**GOOD, "portrait": 7}, "'portrait' must be a text"),
        ({"portrait": "a.png"}, "nothing to say"),
        ({"portrait": "a.png", "text": "  "}, "no text"),
        ({**GOOD, "expression": "bored"}, "no expression 'bored'"),
        ({"portrait": "a.png", "recording": "voice.wav", "expression": "bored"}, "no expression 'bored'"),
        ({**GOOD, "voice": "bob"}, "no voice 'bob'"),
        ({**GOOD, "language": "sw"}, "no voice speaks 'sw'"),
        ({**GOOD, "text": "Привет, как дела?"}, "Cyrillic"),
        ({**GOOD, "voice": "jf_alpha", "language": "ja"}, "dictionary"),
        ({**GOOD, "fade": -1}, "'fade' must be a number"),
        ({**GOOD, "fade": 60}, "'fade' must be a number"),
        ({**GOOD, "face": 0}, "'face' must be"),
        ({**GOOD, "emphasis": ["map"]}, "'map' is not in its text"),
        ({**GOOD, "emphasis": "Hello"}, "'emphasis' must be a list"),
        ({**GOOD, "music": "x"}, "unknown key 'music'"),
        ({**GOOD, "script": "s.json"}, "'text' says nothing about that"),
        ({"portrait": "a.png", "recording": "no.wav"}, "recording .*no.wav' is no file"),
        ({"portrait": "a.png", "recording": "voice.wav", "voice": "joe"}, "'voice' says nothing about that"),
        ({"portrait": "a.png", "recording": "voice.wav", "rate": 2}, "'rate' says nothing about that"),
        ({"portrait": "a.png", "script": "no.json"}, "no.json cannot be read"),
        (
            {"portrait": "a.png", "script": {"scenes": [{"text": "A b."}, {"text": "C.", "background": "blur"}]}},
            "2 backgrounds",
        ),
        ("Hi.", "is a str"),
    ],
)
def test_a_wrong_scene_is_refused_by_its_number(folder: Path, scene: Any, said: str) -> None:
    with pytest.raises(InputError, match=f"scene 2 of board.json.*{said}") as caught:
        read_storyboard(written(folder, {"scenes": [GOOD, scene]}))
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("document", "said"),
    [
        ("", "no valid JSON"),
        ({"scenes": []}, "1 to 50 scenes"),
        ({}, "1 to 50 scenes"),
        ({"scenes": [GOOD] * 51}, "1 to 50 scenes"),
        ({"scenes": [GOOD], "title": "x"}, "unknown key 'title'"),
        ({"scenes": [GOOD], "version": 9}, "version 9"),
        ({"scenes": [{**GOOD, "fade": 1}]}, "scene 1 .* no scene before it"),
    ],
)
def test_a_wrong_storyboard_is_refused(folder: Path, document: Any, said: str) -> None:
    with pytest.raises(InputError, match=said):
        read_storyboard(written(folder, document))


def test_one_made_in_python_is_held_to_the_same(folder: Path) -> None:
    with pytest.raises(InputError, match=r"scene 1 .*nothing to say"):
        check_storyboard(Storyboard((Shot(folder / "a.png"),)))
    with pytest.raises(InputError, match="1 to 50"):
        check_storyboard(Storyboard(()))


def test_a_voice_of_another_language_is_asked_for_its_own_letters(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    scene = {"portrait": "a.png", "text": "नमस्ते दुनिया।", "language": "hi", "voice": "hf_alpha"}
    monkeypatch.setattr("lipsync_colab.narrate.voices.espeak_available", lambda: True)
    assert read_storyboard(written(folder, {"scenes": [scene]})).shots[0].voice == "hf_alpha"
    monkeypatch.setattr("lipsync_colab.narrate.voices.espeak_available", lambda: False)
    with pytest.raises(MachineError, match=r"scene 2 of board\.json: hf_alpha speaks 'hi'.*espeak-ng"):
        read_storyboard(written(folder, {"scenes": [GOOD, scene]}))


def test_a_script_is_cut_where_its_background_changes(folder: Path) -> None:
    script = Script((Scene("A."), Scene("B."), Scene("C.", background="blur"), Scene("D.")))
    shots = storyboard_of(script, folder / "a.png", "hibari").shots
    assert [[scene.text for scene in shot.script.scenes] for shot in shots if shot.script] == [
        ["A.", "B."],
        ["C."],
        ["D."],
    ]
    assert [shot.background for shot in shots] == ["", "blur", ""]
