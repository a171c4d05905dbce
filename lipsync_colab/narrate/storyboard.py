"""A storyboard: who is seen, who is heard, and how one scene follows another, checked strictly before any work."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from lipsync_colab.errors import InputError, LipSyncError
from lipsync_colab.narrate.document import number, parse_document, read_document, refuse_keys
from lipsync_colab.narrate.narration import check_voice
from lipsync_colab.narrate.script import (
    EXPRESSIONS,
    LONGEST_PAUSE,
    LONGEST_SCENE,
    MOST_MOTION,
    MOST_SCENES,
    PERSON_KEYS,
    VERSION,
    Scene,
    Script,
    parse_script,
    read_script,
)
from lipsync_colab.phonemes.reading import sayable

LONGEST_FADE = 5.0
"""Seconds of a cross-fade."""
SPOKEN_KEYS = ("text", "language", "expression", "rate", "pause", "head_motion", "emphasis")
"""Of a scene that a voice speaks: what a scene of a script holds."""
RECORDED_KEYS = ("recording", "text", "expression", "pause", "head_motion")
SCRIPTED_KEYS = ("script", "voice")
SEEN_KEYS = ("portrait", "face", "background", "fade")


@dataclass(frozen=True)
class Shot:
    """One scene of a storyboard: one portrait that speaks.

    Attributes:
        portrait: a picture file.
        script: what a voice speaks; None where a recording is heard.
        voice: that speaks it.
        recording: a sound file; None where a voice speaks.
        text: what the recording says, where it is known.
        expression: of the whole recording; a script's scenes have their own.
        head_motion: amount during the recording, 0 to 2.
        pause: seconds of silence after the recording.
        face: which face of the portrait speaks, from 1; None for the largest.
        background: as ``--background``; empty for that of the whole video.
        fade: seconds of cross-fade from the scene before; 0 is a cut.
    """

    portrait: Path
    script: Script | None = None
    voice: str = "hibari"
    recording: Path | None = None
    text: str = ""
    expression: str = "neutral"
    head_motion: float = 1.0
    pause: float = 0.0
    face: int | None = None
    background: str = ""
    fade: float = 0.0


@dataclass(frozen=True)
class Storyboard:
    """Scenes in order.

    Attributes:
        shots: at least one.
        name: for messages: the file's.
    """

    shots: tuple[Shot, ...]
    name: str = "the storyboard"


def read_storyboard(path: str | Path) -> Storyboard:
    """Return the storyboard in a JSON file; the files that it names are looked for beside it.

    Raises:
        InputError: it cannot be read, or one of its scenes cannot be made; the message names the scene.
    """
    file = Path(path)
    return parse_storyboard(parse_document(read_document(file, "storyboard"), file.name), file.parent, file.name)


def parse_storyboard(document: Mapping[str, Any], folder: Path, name: str = "the storyboard") -> Storyboard:
    """Return the storyboard that JSON values stand for.

    Args:
        document: ``{"scenes": [...]}``; see the README for a scene's keys.
        folder: that relative names start from.
        name: for messages.

    Raises:
        InputError: a scene cannot be made; the message names it.
    """
    values = dict(document)
    refuse_keys(values, ("version", "scenes"), name)
    if values.get("version", VERSION) != VERSION:
        raise InputError(f"{name} has version {values['version']!r}: this program reads version {VERSION}")
    scenes = values.get("scenes")
    if not isinstance(scenes, list | tuple) or not 1 <= len(scenes) <= MOST_SCENES:
        raise InputError(f"{name}: 'scenes' must be a list of 1 to {MOST_SCENES} scenes")
    shots = [_shot(scene, folder, f"scene {place} of {name}") for place, scene in enumerate(scenes, 1)]
    board = Storyboard(tuple(shots), name)
    check_storyboard(board)
    return board


def check_storyboard(board: Storyboard) -> None:
    """Refuse what can be seen to be impossible without reading a picture or a sound.

    Raises:
        InputError: names the scene.
        MachineError: names the scene whose language needs a program that is not installed.
    """
    if not 1 <= len(board.shots) <= MOST_SCENES:
        raise InputError(f"{board.name}: 'scenes' must be a list of 1 to {MOST_SCENES} scenes")
    if board.shots[0].fade:
        raise InputError(f"scene 1 of {board.name} has a fade, and no scene before it to fade from: leave it out")
    for place, shot in enumerate(board.shots, 1):
        _check_shot(shot, f"scene {place} of {board.name}")


def _check_shot(shot: Shot, name: str) -> None:
    if (shot.script is None) == (shot.recording is None):
        raise InputError(f"{name} has nothing to say: give 'text', 'script' or 'recording', one of them")
    for path, what in ((shot.portrait, "portrait"), (shot.recording, "recording")):
        if path is not None and not path.is_file():
            raise InputError(f"{name}: the {what} '{path}' is no file; names are looked for beside the storyboard")
    if not 0 <= shot.fade <= LONGEST_FADE:
        raise InputError(f"{name}: 'fade' must be a number from 0 to {LONGEST_FADE:g}, not {shot.fade!r}")
    if shot.expression not in EXPRESSIONS:
        raise InputError(f"{name}: there is no expression {shot.expression!r}: choose one of {', '.join(EXPRESSIONS)}")
    if shot.script is None:
        return
    try:
        for scene in shot.script.scenes:
            check_voice(shot.voice, scene.language)
            sayable(scene.text, scene.language)
    except LipSyncError as error:
        raise type(error)(f"{name}: {error}") from error
    one_background(shot, name)


def one_background(shot: Shot, name: str) -> str:
    """Return the background of a shot: its own, or else the one that all scenes of its script have.

    Raises:
        InputError: its script's scenes have several.
    """
    if shot.background or shot.script is None:
        return shot.background
    found = {scene.background for scene in shot.script.scenes}
    if len(found) > 1:
        raise InputError(f"{name}: its script has {len(found)} backgrounds; make a scene of each, or give 'background'")
    return found.pop()


def storyboard_of(script: Script, portrait: Path, voice: str, face: int | None = None) -> Storyboard:
    """Return a script as a storyboard before one portrait: one shot, cut where the background changes.

    Args:
        script: what is spoken.
        portrait: a picture file.
        voice: that speaks it.
        face: which face speaks.
    """
    runs: list[list[Scene]] = []
    for scene in script.scenes:
        if runs and runs[-1][-1].background == scene.background:
            runs[-1].append(scene)
        else:
            runs.append([scene])
    shots = [
        Shot(portrait, dataclasses.replace(script, scenes=tuple(run)), voice, face=face, background=run[0].background)
        for run in runs
    ]
    return Storyboard(tuple(shots), "the script")


def _shot(values: Any, folder: Path, name: str) -> Shot:
    if not isinstance(values, Mapping):
        raise InputError(f"{name} is a {type(values).__name__}: write an object with 'portrait' and 'text'")
    values = dict(values)
    refuse_keys(values, {*SPOKEN_KEYS, *RECORDED_KEYS, *SCRIPTED_KEYS, *SEEN_KEYS}, name)
    kind = _kind(values, name)
    face = values.get("face")
    if face is not None and (isinstance(face, bool) or not isinstance(face, int) or face < 1):
        raise InputError(f"{name}: 'face' must be a whole number from 1, not {face!r}")
    background = _string(values, "background", name)
    beside = folder / background if background not in ("", "blur", "inpaint") and background[0] != "#" else None
    shot = Shot(
        portrait=folder / _string(values, "portrait", name),
        voice=_string(values, "voice", name, "hibari"),
        face=face,
        background=background if beside is None else str(beside),
        fade=number(values, "fade", 0.0, 0, LONGEST_FADE, name),
    )
    if kind == "recording":
        return _recorded(shot, values, folder, name)
    script = _script(values, folder, name) if kind == "script" else _spoken(values, name)
    return dataclasses.replace(shot, script=script)


def _kind(values: dict[str, Any], name: str) -> str:
    """Tell what is heard, and refuse keys that say nothing about it."""
    if not values.get("portrait"):
        raise InputError(f"{name} has no portrait: give the name of a picture file")
    kind = next((key for key in ("recording", "script", "text") if values.get(key)), "")
    if not kind:
        raise InputError(f"{name} has nothing to say: give 'text', 'script' or 'recording'")
    known = {"recording": RECORDED_KEYS, "script": SCRIPTED_KEYS, "text": (*SPOKEN_KEYS, "voice")}[kind]
    for key in values:
        if key not in (*known, *SEEN_KEYS):
            raise InputError(f"{name} has a {kind!r}, and {key!r} says nothing about that: leave one of them out")
    return kind


def _spoken(values: dict[str, Any], name: str) -> Script:
    scene = {key: values[key] for key in SPOKEN_KEYS if key in values}
    try:
        return _as_script({"scenes": [scene]})
    except InputError as error:
        raise InputError(str(error).replace("scene 1 of the script", name)) from error


def _as_script(document: dict[str, Any]) -> Script:
    import json

    return parse_script(json.dumps(document), "the script")


def _script(values: dict[str, Any], folder: Path, name: str) -> Script:
    """Read a script's file, or the script that stands in the storyboard itself."""
    given = values["script"]
    try:
        if isinstance(given, Mapping):
            refuse_keys(dict(given), PERSON_KEYS, "its script")
            return _as_script(dict(given))
        return read_script(folder / _string(values, "script", name))
    except InputError as error:
        raise InputError(f"{name}: {error}") from error


def _recorded(shot: Shot, values: dict[str, Any], folder: Path, name: str) -> Shot:
    text = _string(values, "text", name)
    if len(text) > 20 * LONGEST_SCENE:
        raise InputError(f"{name}: the recording's text has {len(text):,} characters: cut both into scenes")
    return dataclasses.replace(
        shot,
        recording=folder / _string(values, "recording", name),
        text=" ".join(text.split()),
        expression=_string(values, "expression", name, "neutral"),
        head_motion=number(values, "head_motion", 1.0, 0, MOST_MOTION, name),
        pause=number(values, "pause", 0.0, 0, LONGEST_PAUSE, name),
    )


def _string(values: dict[str, Any], key: str, name: str, default: str = "") -> str:
    value = values.get(key, default)
    if not isinstance(value, str) or "\0" in value:
        raise InputError(f"{name}: {key!r} must be a text, not {value!r}")
    return value
