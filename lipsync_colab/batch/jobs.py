"""A list of renders: one JSON object a line, checked strictly before any work. It is taken to be hostile."""

from __future__ import annotations

import dataclasses
import hashlib
import json
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from lipsync_colab.encode import choose_container
from lipsync_colab.errors import InputError
from lipsync_colab.finish.background import parse_background
from lipsync_colab.narrate.document import CONTROL, parse_document, refuse_keys
from lipsync_colab.plan import check_settings
from lipsync_colab.types import RenderSettings

MOST_JOBS = 100_000
LONGEST_LINE = 100_000
"""Characters of one job; its ``text`` may be long."""
LARGEST_LIST = 100_000_000
"""Bytes of a list."""
PATH_KEYS = ("portrait", "audio", "output")
_SETTINGS = {field.name: field for field in dataclasses.fields(RenderSettings)}


@dataclass(frozen=True)
class Job:
    """One render of a list.

    Attributes:
        line: where it stands in the list, from 1.
        portrait: a picture file.
        audio: a sound file.
        output: the video, in the folder of the list or below it.
        settings: as for ``lipsync-colab render``.
    """

    line: int
    portrait: Path
    audio: Path
    output: Path
    settings: RenderSettings

    @property
    def key(self) -> str:
        """16 hex digits that tell this job from every other one of its list: those of its output's path."""
        return hashlib.sha256(os.fsencode(self.output)).hexdigest()[:16]


def read_jobs(path: Path) -> tuple[Job, ...]:
    """Return the jobs of a JSON-lines file; relative names start from its folder, outputs stay within it.

    Each line is an object with ``portrait``, ``audio``, ``output`` and any option of ``lipsync-colab render``
    (``{"portrait": "ann.jpg", "audio": "ann.wav", "output": "ann.mp4", "size": "720p", "head_motion": 0.5}``).
    Empty lines are skipped.

    Raises:
        InputError: names the line and what is wrong with it.
    """
    try:
        if path.exists() and not path.is_file():
            raise InputError(f"{path.name} is not a regular file: give a list of jobs as JSON lines")
        if path.stat().st_size > LARGEST_LIST:
            raise InputError(f"{path.name} has more than {LARGEST_LIST:,} bytes: cut it into several lists")
        lines = path.read_text(encoding="utf-8-sig").split("\n")
    except (OSError, ValueError) as error:
        raise InputError(f"{path.name} cannot be read as a list of jobs ({error}): give JSON lines in UTF-8") from error
    folder = path.absolute().parent.resolve()
    jobs = [
        parse_job(text, number, folder, f"line {number} of {path.name}")
        for number, text in enumerate(lines, 1)
        if text.strip()
    ]
    if not 1 <= len(jobs) <= MOST_JOBS:
        raise InputError(f"{path.name} holds {len(jobs):,} jobs: give 1 to {MOST_JOBS:,}, one JSON object a line")
    _check_together(jobs, path.name)
    return tuple(jobs)


def parse_job(text: str, number: int, folder: Path, name: str) -> Job:
    """Return the job that one line stands for.

    Args:
        text: a JSON object.
        number: of the line.
        folder: that names start from and outputs stay in; resolved.
        name: of the line, for messages.

    Raises:
        InputError: it cannot be carried out.
    """
    if len(text) > LONGEST_LINE:
        raise InputError(f"{name} has more than {LONGEST_LINE:,} characters: that is no job")
    values = parse_document(text, name, "with 'portrait', 'audio' and 'output'")
    refuse_keys(values, {*PATH_KEYS, *_SETTINGS}, name)
    portrait, audio, output = (folder / _path(values, key, name) for key in PATH_KEYS)
    for what, file in (("portrait", portrait), ("audio", audio)):
        if not file.is_file():
            raise InputError(f"{name}: the {what} {file.name!r} is no file; names are looked for beside the list")
    settings = _settings(values, folder, name)
    try:
        check_settings(settings)
        parse_background(settings.background)
        choose_container(output, settings.container)
    except InputError as error:
        raise InputError(f"{name}: {error}") from error
    return Job(number, portrait, audio, _within(output, folder, name), settings)


def _path(values: dict[str, Any], key: str, name: str) -> str:
    value = values.get(key)
    if not isinstance(value, str) or not value or CONTROL.search(value) or not _encodable(value):
        raise InputError(f"{name}: {key!r} must be the name of a file, not {value!r}")
    return value


def _encodable(text: str) -> bool:
    try:
        os.fsencode(text)
    except UnicodeEncodeError:
        return False
    return True


def _within(output: Path, folder: Path, name: str) -> Path:
    """Return where an output really lies, links followed; it must be in the list's folder."""
    try:
        place = output.parent.resolve() / output.name
        if output.is_symlink():
            raise InputError(f"{name}: the output {output.name!r} is a link; remove it or choose another name")
        if not place.is_relative_to(folder) or output.name in ("", ".", ".."):
            raise InputError(f"{name}: the output {str(output)!r} is outside {str(folder)!r}, where the list lies")
        if not place.parent.is_dir():
            raise InputError(f"{name}: the folder {str(place.parent)!r} does not exist; make it first")
    except (OSError, RuntimeError) as error:
        raise InputError(f"{name}: the output {str(output)!r} cannot be written ({error})") from error
    return place


def _settings(values: dict[str, Any], folder: Path, name: str) -> RenderSettings:
    given = {key: _setting(key, values[key], name) for key in values if key in _SETTINGS}
    background = str(given.get("background", ""))
    if background not in ("", "blur", "inpaint") and background[0] != "#":
        given["background"] = str(folder / background)
    return RenderSettings(**given)


def _setting(key: str, value: Any, name: str) -> Any:
    """Return one setting's value in the type that the settings hold."""
    if key == "options":
        return _options(value, name)
    if key == "fps" and isinstance(value, int | float) and not isinstance(value, bool):
        value = f"{value:g}"
    default = _SETTINGS[key].default
    wanted: tuple[type, ...] = {bool: (bool,), int: (int,), float: (int, float), str: (str,)}.get(
        type(default), (int, type(None))
    )
    right = isinstance(value, wanted) and (bool in wanted or not isinstance(value, bool))
    if isinstance(value, str):
        right = right and "\0" not in value and _encodable(value)
    if not right or (isinstance(value, int) and abs(value) >= 1 << 63):
        kinds = {bool: "true or false", int: "a whole number", float: "a number", str: "a text"}
        raise InputError(f"{name}: {key!r} must be {kinds.get(type(default), 'a whole number')}, not {value!r:.80}")
    return float(value) if isinstance(default, float) else value


def _options(value: Any, name: str) -> tuple[tuple[str, str], ...]:
    if not isinstance(value, dict) or not all(isinstance(choice, str) for choice in value.values()):
        raise InputError(f'{name}: \'options\' must be an object of texts, such as {{"renderer": "pirender"}}')
    return tuple(sorted(value.items()))


def _check_together(jobs: list[Job], name: str) -> None:
    """Refuse two jobs that would write one file, and a job that would overwrite what another one reads."""
    written: dict[Path, int] = {}
    for job in jobs:
        for path in (job.output, job.output.with_name(job.output.name + ".json")):
            if path in written:
                raise InputError(f"lines {written[path]} and {job.line} of {name} both write {path.name!r}")
            written[path] = job.line
    for job in jobs:
        backdrop = Path(job.settings.background)
        for path in (job.portrait, job.audio, backdrop):
            if (found := written.get(path.parent.resolve() / path.name)) is not None:
                raise InputError(f"line {found} of {name} would overwrite {path.name!r}, which line {job.line} reads")


def job_record(job: Job) -> dict[str, Any]:
    """Return a job as JSON values, for a summary."""
    return {"line": job.line, "output": str(job.output), "key": job.key}


def same_settings(job: Job, recorded: Any) -> bool:
    """Whether the settings that stand in a video's record are those of a job."""
    asked = json.loads(json.dumps(dataclasses.asdict(job.settings)))
    # Captions beside the video are no part of a plan; see lipsync_colab.plan.make_plan.
    asked["captions"] = "burn" if asked["captions"] in ("burn", "both") else "none"
    return bool(asked == recorded)
