"""A script: the scenes that are spoken, checked strictly whether a person or a language model wrote them."""

from __future__ import annotations

import dataclasses
import json
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from lipsync_colab.errors import InputError
from lipsync_colab.narrate.document import CONTROL, number, parse_document, read_document, refuse_keys
from lipsync_colab.narrate.voice import FASTEST, SLOWEST

EXPRESSIONS = ("neutral", "happy", "sad", "serious", "surprised", "angry")
LONGEST_SCENE = 5_000
"""Characters of one scene's text; about six minutes."""
MOST_SCENES = 50
LONGEST_PAUSE = 10.0
"""Seconds of silence after a scene."""
MOST_MOTION = 2.0
"""Of the head; the range of the ``--head-motion`` option."""
MOST_EMPHASIS = 20
"""Words of one scene."""

PUNCTUATION = ".,;:!?…\"“”„'‘’()[]{}–—-"
LANGUAGE = re.compile(r"[a-z]{2,3}(-[A-Z]{2})?")
COLOUR = re.compile(r"#[0-9A-Fa-f]{6}")
PERSON_KEYS = frozenset({"version", "writer", "notes", "scenes"})
VERSION = 1


@dataclass(frozen=True)
class Scene:
    """One stretch of speech in front of one picture.

    Attributes:
        text: what is said.
        language: a two-letter code, with a country where it matters (``"en"``, ``"en-GB"``).
        expression: one of :data:`EXPRESSIONS`.
        rate: pace, 0.5 to 2.
        pause: seconds of silence after it, 0 to 10.
        background: empty (the portrait's own), ``"blur"``, ``"#RRGGBB"`` or, in a person's script, a file.
        head_motion: amount, 0 to 2.
        emphasis: words of the text that brows and head stress, as they are written in it.
    """

    text: str
    language: str = "en"
    expression: str = "neutral"
    rate: float = 1.0
    pause: float = 0.0
    background: str = ""
    head_motion: float = 1.0
    emphasis: tuple[str, ...] = ()


@dataclass(frozen=True)
class Script:
    """Scenes in order.

    Attributes:
        scenes: at least one.
        writer: who wrote it: a model's name, ``"template"``, or empty for a person.
        notes: what a reader must know of how it came about.
    """

    scenes: tuple[Scene, ...]
    writer: str = ""
    notes: tuple[str, ...] = ()

    @property
    def text(self) -> str:
        """What is said, all scenes."""
        return " ".join(scene.text for scene in self.scenes)

    def to_json(self) -> dict[str, Any]:
        """Return the script as plain JSON values."""
        return {"version": VERSION, **dataclasses.asdict(self)}


def schema(language: str, scenes: int) -> dict[str, Any]:
    """Return the JSON schema of what a model may answer, for runtimes that can constrain it.

    Args:
        language: the only one it may write.
        scenes: how many scenes at most.
    """
    fields = {
        "text": {"type": "string", "minLength": 1, "maxLength": LONGEST_SCENE},
        "language": {"type": "string", "enum": [language]},
        "expression": {"type": "string", "enum": list(EXPRESSIONS)},
        "rate": {"type": "number", "minimum": SLOWEST, "maximum": FASTEST},
        "pause": {"type": "number", "minimum": 0, "maximum": LONGEST_PAUSE},
        "background": {"type": "string", "enum": ["", "blur"]},
        "head_motion": {"type": "number", "minimum": 0, "maximum": MOST_MOTION},
        "emphasis": {"type": "array", "items": {"type": "string"}, "maxItems": 3},
    }
    scene = {"type": "object", "properties": fields, "required": ["text"], "additionalProperties": False}
    many = {"type": "array", "items": scene, "minItems": 1, "maxItems": scenes}
    return {"type": "object", "properties": {"scenes": many}, "required": ["scenes"], "additionalProperties": False}


def parse_answer(answer: str, language: str, most: int = MOST_SCENES) -> tuple[Scene, ...]:
    """Return the scenes of a language model's answer.

    The answer is trusted with nothing but words: it can name no file, no other language and no key but a scene's.

    Args:
        answer: one JSON object ``{"scenes": [...]}``; a code fence around it is taken off.
        language: that every scene must have.
        most: scenes at most.

    Raises:
        InputError: it is anything else; the message says what was found.
    """
    fenced = re.fullmatch(r"\s*```(?:json)?\s*(\{.*\})\s*```\s*", answer, re.DOTALL)
    document = parse_document(fenced[1] if fenced else answer, "the answer")
    refuse_keys(document, frozenset({"scenes"}), "the answer")
    _drop_strange_emphasis(document)
    scenes = _scenes(document, "the answer")
    if len(scenes) > most:
        raise InputError(f"the answer has {len(scenes)} scenes: at most {most} were asked for")
    for position, scene in enumerate(scenes, 1):
        if scene.language != language:
            raise InputError(f"scene {position} is in {scene.language!r}: {language!r} was asked for")
        if scene.background not in ("", "blur") and not COLOUR.fullmatch(scene.background):
            raise InputError(f"scene {position} names the background {scene.background!r}: a model may name no file")
    return scenes


def parse_script(text: str, name: str = "the script") -> Script:
    """Return the script in a JSON document that a person vouches for.

    Raises:
        InputError: it is no script; the message says where and what to give.
    """
    document = parse_document(text, name)
    refuse_keys(document, PERSON_KEYS, name)
    if document.get("version", VERSION) != VERSION:
        raise InputError(f"{name} has version {document['version']!r}: this program reads version {VERSION}")
    writer, notes = document.get("writer", ""), document.get("notes", [])
    if not isinstance(writer, str) or not isinstance(notes, list) or not all(isinstance(note, str) for note in notes):
        raise InputError(f"{name}: 'writer' must be a text and 'notes' a list of texts")
    return Script(_scenes(document, name), writer, tuple(notes))


def read_script(path: str | Path) -> Script:
    """Return the script in a file.

    Raises:
        InputError: it cannot be read, or is no script.
    """
    file = Path(path)
    return parse_script(read_document(file, "script"), file.name)


def write_script(path: str | Path, script: Script) -> Path:
    """Write a script as JSON; the name appears only when the file is whole.

    Raises:
        InputError: the folder is missing or cannot be written to.
    """
    target = Path(path)
    part = target.with_name(target.name + ".part")
    try:
        part.write_text(json.dumps(script.to_json(), ensure_ascii=False, indent=2) + "\n", encoding="utf-8")
        part.replace(target)
    except OSError as error:
        reason = error.strerror or "read-only"
        raise InputError(f"{target.name} cannot be written ({reason}): choose another place with --script") from error
    finally:
        part.unlink(missing_ok=True)
    return target


def _scenes(document: dict[str, Any], name: str) -> tuple[Scene, ...]:
    scenes = document.get("scenes")
    if not isinstance(scenes, list) or not 1 <= len(scenes) <= MOST_SCENES:
        raise InputError(f"{name}: 'scenes' must be a list of 1 to {MOST_SCENES} scenes")
    return tuple(_scene(values, f"scene {number} of {name}") for number, values in enumerate(scenes, 1))


def _scene(values: Any, name: str) -> Scene:
    if not isinstance(values, dict):
        raise InputError(f"{name} is a {type(values).__name__}: write an object with 'text'")
    refuse_keys(values, frozenset(field.name for field in dataclasses.fields(Scene)), name)
    text = _text(values.get("text"), name)
    return Scene(
        text=text,
        language=_word(values, "language", Scene.language, name),
        expression=_word(values, "expression", Scene.expression, name),
        rate=number(values, "rate", Scene.rate, SLOWEST, FASTEST, name),
        pause=number(values, "pause", Scene.pause, 0, LONGEST_PAUSE, name),
        background=_word(values, "background", Scene.background, name),
        head_motion=number(values, "head_motion", Scene.head_motion, 0, MOST_MOTION, name),
        emphasis=_emphasis(values.get("emphasis", []), text, name),
    )


def _text(value: Any, name: str) -> str:
    if not isinstance(value, str) or not value.strip():
        raise InputError(f"{name} has no text: 'text' must be a text with at least one word")
    if len(value) > LONGEST_SCENE:
        raise InputError(f"{name} has {len(value):,} characters: at most {LONGEST_SCENE:,}; cut it into scenes")
    return " ".join(CONTROL.sub(" ", value).split())


def bare_words(text: str) -> list[str]:
    """Return the words of a text in lower case, without the punctuation around them."""
    return [word for word in (part.strip(PUNCTUATION).casefold() for part in text.split()) if word]


def _drop_strange_emphasis(document: dict[str, Any]) -> None:
    """Leave out, in place, words that a model wants stressed and did not write: not worth a second answer."""
    for scene in document["scenes"] if isinstance(document.get("scenes"), list) else []:
        if isinstance(scene, dict) and isinstance(scene.get("emphasis"), list) and isinstance(scene.get("text"), str):
            there = set(bare_words(scene["text"]))
            words = [word for word in scene["emphasis"] if isinstance(word, str)]
            scene["emphasis"] = [word for word in words if word.strip(PUNCTUATION).casefold() in there]


def _emphasis(value: Any, text: str, name: str) -> tuple[str, ...]:
    if not isinstance(value, list | tuple) or len(value) > MOST_EMPHASIS:
        raise InputError(f"{name}: 'emphasis' must be a list of at most {MOST_EMPHASIS} words of its text")
    there = set(bare_words(text))
    for word in value:
        if not isinstance(word, str) or bare_words(word) != [word.strip(PUNCTUATION).casefold()]:
            raise InputError(f"{name}: 'emphasis' lists single words, not {word!r}")
        if word.strip(PUNCTUATION).casefold() not in there:
            raise InputError(f"{name}: the emphasised word {word!r} is not in its text")
    return tuple(value)


def _word(values: dict[str, Any], key: str, default: str, name: str) -> str:
    value = values.get(key, default)
    if not isinstance(value, str):
        raise InputError(f"{name}: {key!r} must be a text, not {value!r}")
    if key == "language" and not LANGUAGE.fullmatch(value):
        raise InputError(f"{name}: {value!r} is no language code: write 'en'")
    if key == "expression" and value not in EXPRESSIONS:
        raise InputError(f"{name}: there is no expression {value!r}: choose one of {', '.join(EXPRESSIONS)}")
    if key == "background" and CONTROL.search(value):
        raise InputError(f"{name}: the background holds control characters: write blur, #RRGGBB or a file's name")
    return value
