"""Long and many: half an hour of speech in constant memory. Its figures are printed by ``pytest -s -m slow``."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from pathlib import Path

import numpy as np
import pytest
import soundfile
from material import hopper

MEGABYTE = 1e6
LINES = (
    "Every morning the harbour wakes before the town does, and the boats move out past the bay.",
    "People ask me why I keep a map of places I have never been; I tell them that maps are patient.",
    "We bought more paper, mixed the paint, and waited for the weather to make up its mind.",
)


def spoken(path: Path, seconds: float) -> Path:
    """A synthetic voice of that length: three lines with pauses, again and again, never at one level."""
    from lipsync_colab.narrate.voice import speak

    speeches = [speak(line) for line in LINES]
    rate = speeches[0].rate
    total, level = round(seconds * rate), np.random.default_rng(0)
    with soundfile.SoundFile(path, "w", rate, 1, "PCM_16") as file:
        while (left := total - file.frames) > 0:
            said = speeches[level.integers(len(speeches))].samples * level.uniform(0.4, 1.0)
            file.write(np.concatenate([said, np.zeros(round(level.uniform(0.3, 1.5) * rate))])[:left])
    return path


def resident(process: int) -> float:
    """Resident megabytes of a process and its children; 0 once it is gone."""
    total = 0.0
    for number in [process, *children(process)]:
        try:
            pages = int(Path(f"/proc/{number}/statm").read_text(encoding="ascii").split()[1])
        except OSError:
            continue
        total += pages * os.sysconf("SC_PAGE_SIZE") / MEGABYTE
    return total


def anonymous(process: int) -> float:
    """Megabytes that no file backs: what a leak would let grow."""
    try:
        lines = Path(f"/proc/{process}/status").read_text(encoding="ascii").splitlines()
    except OSError:
        return 0.0
    return sum(int(line.split()[1]) for line in lines if line.startswith("RssAnon")) * 1024 / MEGABYTE


def children(process: int) -> list[int]:
    """Numbers of the processes that it started and that still run."""
    found = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                status = (entry / "stat").read_text(encoding="utf-8", errors="replace")
            except OSError:
                continue
            if int(status.rpartition(")")[2].split()[1]) == process:
                found.append(int(entry.name))
    return found


def watched(words: list[str], every: float) -> tuple[int, list[tuple[float, float]]]:
    """Run a command; return its exit code and (resident, anonymous) megabytes at even times."""
    curve: list[tuple[float, float]] = []
    ended = threading.Event()
    with subprocess.Popen(words, stdout=subprocess.DEVNULL) as process:

        def look() -> None:
            while not ended.wait(every):
                curve.append((resident(process.pid), anonymous(process.pid)))

        watcher = threading.Thread(target=look)
        watcher.start()
        status = process.wait()
        ended.set()
        watcher.join()
    return status, curve


def told_curve(curve: list[tuple[float, float]]) -> str:
    """The memory at twenty even places of a run."""
    places = np.linspace(0, len(curve) - 1, 20).astype(int)
    return " ".join(f"{curve[place][0]:.0f}/{curve[place][1]:.0f}" for place in places)


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="memory is read from /proc")
def test_half_an_hour_renders_in_constant_memory(tmp_path: Path) -> None:
    voice = spoken(tmp_path / "voice.wav", 1800)
    output = tmp_path / "talk.mp4"
    words = [sys.executable, "-m", "lipsync_colab", "render", str(hopper()), str(voice), "-o", str(output)]
    status, curve = watched([*words, "--size", "144x168", "--fps", "12", "--quiet"], 1.0)
    assert status == 0
    print(f"\nresident/anonymous MB at 20 even places of {len(curve)} s: {told_curve(curve)}")
    own = [memory for _, memory in curve]
    early = max(own[len(own) // 3 : len(own) // 2])
    late = max(own[-len(own) // 6 :])
    assert late < early + 40, "memory grows with the length of the clip"
