"""The planner's time against the render's: what ``--plan-only`` says, and what the same command then takes.

Each side runs as a user runs it, in a process of its own, plan before render, so that both see the machine as it is
in that minute. Whatever else starts or ends on the machine between the two shows in the ratio.
"""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from PIL import Image

from lipsync_colab.bench.viseme import spoken_line

CASES: dict[str, tuple[str, ...]] = {
    "720×720, sound alone": ("--size", "720x720", "--upscale", "none"),
    "720×720, head still": ("--size", "720x720", "--upscale", "none", "--still"),
    "1080×1080, sound alone": ("--size", "1080p", "--upscale", "none"),
    "1080×1080, text known": ("--size", "1080p", "--upscale", "none", "--text", "{text}"),
    "1080×1080 at 50 frames a second": ("--size", "1080p", "--upscale", "none", "--fps", "50"),
    "1080×1080, still enlarged by a network": ("--size", "1080p", "--upscale", "realesrgan-x4plus"),
}
"""Options of ``lipsync-colab render``, from the lightest to the one that a network makes slow."""
ROUNDS = 3


def measure(portrait: Path, seconds: float = 10.0) -> dict[str, Any]:
    """Plan and render each case, several times in turn.

    Args:
        portrait: a picture file.
        seconds: about how much is spoken.

    Returns:
        For each case: the medians of the planned and of the taken seconds, the ratio of planned to taken in each
        round, and whether the median ratio lies within 30 %.
    """
    with tempfile.TemporaryDirectory(prefix="lipsync-colab-") as folder:
        text = spoken_line(seconds, Path(folder) / "voice.wav")[0]
        rounds: dict[str, list[tuple[float, float]]] = {name: [] for name in CASES}
        for _ in range(ROUNDS):
            still = _unseen(portrait, Path(folder) / "portrait.png")
            for name, options in CASES.items():
                words = [text if option == "{text}" else option for option in options]
                rounds[name].append(_both(still, Path(folder), words))
    return {name: _figures(pairs) for name, pairs in rounds.items()}


def _unseen(portrait: Path, path: Path) -> Path:
    """Write the portrait with a pixel of any colour: an enlarged still is kept, and another run would only read it."""
    with Image.open(portrait) as picture:
        changed = picture.convert("RGB")
    changed.putpixel((0, 0), tuple(os.urandom(3)))
    changed.save(path)
    return path


def _both(portrait: Path, folder: Path, options: list[str]) -> tuple[float, float]:
    """Return the planned and the taken seconds of one render, from the command's start to its end."""
    output = folder / "out.mp4"
    command = [sys.executable, "-m", "lipsync_colab", "render", str(portrait), str(folder / "voice.wav")]
    command += ["-o", str(output), *options]
    plan = subprocess.run([*command, "--plan-only", "--json"], check=True, stdout=subprocess.PIPE)
    planned = float(json.loads(plan.stdout)["budget"]["seconds"])
    started = time.perf_counter()
    subprocess.run([*command, "--quiet", "--no-resume"], check=True)
    return planned, time.perf_counter() - started


def _figures(pairs: list[tuple[float, float]]) -> dict[str, Any]:
    ratios = [planned / taken for planned, taken in pairs]
    return {
        "planned_seconds": round(statistics.median(planned for planned, _ in pairs), 1),
        "taken_seconds": round(statistics.median(taken for _, taken in pairs), 1),
        "planned_to_taken": [round(ratio, 2) for ratio in ratios],
        "within_30_percent": 0.7 <= statistics.median(ratios) <= 1.3,
    }
