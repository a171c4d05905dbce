"""Scripts: what is accepted, what is refused with one line, and that a model's answer can name only words."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lipsync_colab.errors import InputError
from lipsync_colab.narrate.script import (
    EXPRESSIONS,
    Scene,
    Script,
    parse_answer,
    parse_script,
    read_script,
    schema,
    write_script,
)

WORDS = st.text(st.characters(categories=["L", "N", "P", "S"]), min_size=1, max_size=40)
SCENES = st.builds(
    Scene,
    text=WORDS,
    language=st.sampled_from(["en", "en-GB", "fr"]),
    expression=st.sampled_from(EXPRESSIONS),
    rate=st.floats(0.5, 2),
    pause=st.floats(0, 10),
    background=st.sampled_from(["", "blur", "#00ff7F", "beach.jpg"]),
    head_motion=st.floats(0, 2),
)


@settings(max_examples=40)
@given(st.builds(Script, st.lists(SCENES, min_size=1, max_size=4).map(tuple), WORDS, st.lists(WORDS).map(tuple)))
def test_what_is_written_is_read_back(script: Script) -> None:
    assert parse_script(json.dumps(script.to_json())) == script


def test_a_file_is_written_whole_and_read(tmp_path: Path) -> None:
    script = Script((Scene("Hello – “world” 🌍."), Scene("Bye.", pause=1)), "somebody", ("a note",))
    path = write_script(tmp_path / "script.json", script)
    assert read_script(path) == script
    assert [file.name for file in tmp_path.iterdir()] == ["script.json"]


def test_a_file_that_cannot_be_read_or_written_is_one_line(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="missing"):
        read_script(tmp_path / "missing.json")
    (tmp_path / "latin.json").write_bytes(b'{"scenes": [{"text": "caf\xe9"}]}')
    with pytest.raises(InputError, match="UTF-8"):
        read_script(tmp_path / "latin.json")
    (tmp_path / "large.json").write_bytes(b" " * 1_000_001)
    with pytest.raises(InputError, match="no script"):
        read_script(tmp_path / "large.json")
    with pytest.raises(InputError, match="--script"):
        write_script(tmp_path / "nowhere" / "script.json", Script((Scene("Hi."),)))


@pytest.mark.parametrize(
    ("scene", "said"),
    [
        ({"text": ""}, "no text"),
        ({"text": 5}, "no text"),
        ({}, "no text"),
        ({"text": "a" * 5001}, "5,001 characters"),
        ({"text": "Hi.", "voice": "x"}, "unknown key 'voice'"),
        ({"text": "Hi.", "rate": 3}, "'rate' must be a number from 0.5 to 2"),
        ({"text": "Hi.", "rate": "fast"}, "'rate'"),
        ({"text": "Hi.", "rate": True}, "'rate'"),
        ({"text": "Hi.", "pause": -1}, "'pause'"),
        ({"text": "Hi.", "head_motion": 9}, "'head_motion'"),
        ({"text": "Hi.", "expression": "bored"}, "no expression 'bored'"),
        ({"text": "Hi.", "language": "English"}, "no language code"),
        ({"text": "Hi.", "background": 7}, "'background' must be a text"),
        ({"text": "Hi.", "background": "a\x00b"}, "control characters"),
        ("Hi.", "is a str"),
    ],
)
def test_a_wrong_scene_is_refused(scene: Any, said: str) -> None:
    with pytest.raises(InputError, match=said):
        parse_script(json.dumps({"scenes": [{"text": "First."}, scene]}))


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "no valid JSON"),
        ("Sure! Here is your script.", "no valid JSON"),
        ("[1]", "holds a list"),
        ("{}", "'scenes' must be a list"),
        ('{"scenes": []}', "'scenes' must be a list"),
        ('{"scenes": [{"text": "Hi.", "text": "Ho."}]}', "stands twice"),
        ('{"scenes": [{"text": "Hi.", "rate": NaN}]}', "NaN"),
        ("[" * 100_000, "no valid JSON"),
        ('{"scenes": [{"text": "Hi."}], "version": 2}', "version 2"),
        ('{"scenes": [{"text": "Hi."}], "notes": "x"}', "'notes'"),
        ('{"scenes": [{"text": "Hi."}], "run": "x"}', "unknown key 'run'"),
    ],
)
def test_a_wrong_document_is_refused(text: str, said: str) -> None:
    with pytest.raises(InputError, match=said) as caught:
        parse_script(text)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    "document",
    [
        {"scenes": [{"text": "Hi.", "background": "/etc/passwd"}]},
        {"scenes": [{"text": "Hi.", "background": "../secret.png"}]},
        {"scenes": [{"text": "Hi.", "language": "fr"}]},
        {"scenes": [{"text": "Hi."}], "writer": "a person"},
        {"scenes": [{"text": "Hi."}], "notes": ["all is well"]},
        {"scenes": [{"text": "Hi.", "command": "rm"}]},
        {"scenes": [{"text": "Hi."}] * 4},
    ],
)
def test_a_model_can_name_only_words(document: dict[str, Any]) -> None:
    with pytest.raises(InputError):
        parse_answer(json.dumps(document), "en", most=3)


def test_a_fence_is_taken_off_and_talk_around_it_is_not() -> None:
    body = '{"scenes": [{"text": "Hi\\n there.", "background": "#102030"}]}'
    assert parse_answer(f"```json\n{body}\n```", "en") == (Scene("Hi there.", background="#102030"),)
    with pytest.raises(InputError):
        parse_answer(f"Sure! {body}", "en")


def test_the_schema_names_every_field_of_a_scene() -> None:
    scene = schema("en", 3)["properties"]["scenes"]["items"]
    assert set(scene["properties"]) == set(Scene.__dataclass_fields__)
    assert scene["additionalProperties"] is False
