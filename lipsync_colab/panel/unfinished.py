"""A render that an earlier runtime began: how much of it is there."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any


@dataclass(frozen=True)
class Unfinished:
    """A render whose finished segments wait.

    Attributes:
        output: the video that it will be.
        done: seconds of video that are there.
        total: seconds of the whole video.
    """

    output: Path
    done: float
    total: float

    def __str__(self) -> str:
        return f"{self.done:.0f} of {self.total:.0f} s of {self.output.name} are already there; Generate goes on."


def record_of(output: Path, work: Path, digest: str) -> dict[str, str]:
    """Return what the panel keeps of a render that begins; names below the output's folder, which may move."""
    return {"output": output.name, "segments": f"{work.name}/{digest}"}


def find_unfinished(folder: Path, record: Mapping[str, Any] | None) -> Unfinished | None:
    """Return the render of a record, if segments of it are there; their hashes are checked when it goes on.

    Args:
        folder: where videos go.
        record: from :func:`record_of`.
    """
    try:
        segments = folder / str((record or {})["segments"])
        output = folder / str((record or {})["output"])
        plan = json.loads((segments / "plan.json").read_text(encoding="utf-8"))
        rate, frames = Fraction(plan["fps"]), int(plan["frames"])
        notes = [path for path in segments.glob("[0-9]*.json") if path.with_suffix(".mp4").is_file()]
        done = sum(int(json.loads(path.read_text(encoding="utf-8"))["frames"]) for path in notes)
    except (OSError, ValueError, KeyError, TypeError):
        return None
    if not done:
        return None
    return Unfinished(output, float(done / rate), float(frames / rate))
