"""Lists of small jobs that tests of ``batch`` run."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

from material import hopper, tone

SMALL: dict[str, Any] = {"size": "96x96", "fps": 2, "crf": 30}
"""A segment is 10 seconds: 20 frames."""


def write_list(folder: Path, rows: list[dict[str, Any]], name: str = "jobs.jsonl") -> Path:
    path = folder / name
    path.write_text("\n".join(json.dumps(row) for row in rows) + "\n", encoding="utf-8")
    return path


def small_jobs(folder: Path, count: int, seconds: float = 1.0) -> list[dict[str, Any]]:
    """Rows of one portrait and one voice, each with a seed of its own."""
    if not (folder / "portrait.jpg").exists():
        shutil.copy(hopper(), folder / "portrait.jpg")
    voice = tone(folder / f"voice-{seconds:g}.wav", seconds)
    return [
        {"portrait": "portrait.jpg", "audio": voice.name, "output": f"clip-{number}.mp4", "seed": number, **SMALL}
        for number in range(count)
    ]


def long_job(folder: Path, segments: int) -> dict[str, Any]:
    """A row of one clip of that many segments, the last one short."""
    (row,) = small_jobs(folder, 1, 10.0 * segments - 6)
    return row | {"output": "long.mp4"}
