"""The record that a video of ours carries in its container's tags."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from lipsync_colab.audio.ffmpeg import ffmpeg_executable, untrusted_input
from lipsync_colab.errors import InputError


def find_record(video: Path) -> dict[str, Any] | None:
    """Return the record that a file carries in its tags, None when it carries none of ours."""
    command = [
        *(ffmpeg_executable(), "-nostdin", "-loglevel", "error"),
        *untrusted_input(video),
        *("-f", "ffmetadata", "-"),
    ]
    told = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, check=False).stdout
    for line in _unescaped(told.decode("utf-8", "replace")):
        key, _, value = line.partition("=")
        if key.lower() != "comment":
            continue
        try:
            record = json.loads(value)
        except ValueError:
            continue
        if isinstance(record, dict) and record.get("tool") == "lipsync-colab":
            return record
    return None


def read_record(video: Path) -> dict[str, Any]:
    """Return the record that a file carries in its tags.

    Raises:
        InputError: there is no such file, or it carries none of ours.
    """
    if not video.is_file():  # ffmpeg would wait for a pipe without end
        raise InputError(f"'{video}' is no file; give the path of a video")
    record = find_record(video)
    if record is None:
        raise InputError(
            f"'{video.name}' carries no record of lipsync-colab: another program made it or removed the tags"
        )
    return record


def _unescaped(text: str) -> Iterator[str]:
    """Yield the lines of ffmpeg's metadata format, in which a backslash stands before special characters."""
    for line in text.splitlines():
        characters = iter(line)
        yield "".join(next(characters, "") if character == "\\" else character for character in characters)
