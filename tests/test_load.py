"""Long and many: half an hour of speech in constant memory, and a batch that leaves nothing behind.

The figures are printed by ``pytest -s -m slow``.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
from pathlib import Path

import numpy as np
import pytest
import soundfile
from batch_lists import small_jobs, write_list
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


def marked(mark: str) -> list[str]:
    """Command lines of the processes that were started with this mark in their environment."""
    found = []
    for entry in Path("/proc").iterdir():
        try:
            if entry.name.isdigit() and mark.encode() in (entry / "environ").read_bytes():
                found.append((entry / "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace"))
        except OSError:
            continue
    return found


def open_files(process: int) -> int:
    """Open handles of a process and its children; 0 once it is gone."""
    total = 0
    for number in [process, *children(process)]:
        try:
            total += len(list(Path(f"/proc/{number}/fd").iterdir()))
        except OSError:
            continue
    return total


def batch_leaves_nothing(folder: Path, count: int) -> None:
    """Run a list in two processes; look at handles and memory on the way, and at what is there afterwards."""
    temporary = folder / "temporary"
    (folder / "jobs").mkdir()
    temporary.mkdir()
    rows = small_jobs(folder / "jobs", count, 0.6)
    jobs = write_list(folder / "jobs", rows)
    mark = f"LIPSYNC_COLAB_LOAD={folder}"
    environment = os.environ | {"TMPDIR": str(temporary), "LIPSYNC_COLAB_LOAD": str(folder)}
    words = [sys.executable, "-m", "lipsync_colab", "batch", str(jobs), "--workers", "2", "--json"]
    handles: list[int] = []
    memory: list[float] = []
    with subprocess.Popen(words, stdout=subprocess.PIPE, text=True, env=environment) as process:
        assert process.stdout is not None
        for line in process.stdout:
            last = json.loads(line)
            if last["stage"] == "batch":
                handles.append(open_files(process.pid))
                memory.append(resident(process.pid))
    assert process.returncode == 0
    assert last["done"] == count and last["lost_tasks"] == 0
    print(f"\n{count} jobs in {last['wall_seconds']:.0f} s; handles {handles[2:5]} … {handles[-3:]}, ", end="")
    print(f"resident MB {[round(value) for value in (memory[len(memory) // 4], memory[len(memory) // 2], memory[-1])]}")
    assert marked(mark) == []
    assert list(temporary.iterdir()) == []
    videos = {row["output"] for row in rows}
    records = {f"{name}.json" for name in videos}
    left = {path.name for path in (folder / "jobs").iterdir()}
    inputs = {"portrait.jpg", "voice-0.6.wav", "jobs.jsonl"}
    assert left == inputs | videos | records | {"jobs.summary.json"}
    # A job opens some handles while it runs; what is never closed would add up.
    assert min(handles[-5:]) <= max(handles[: len(handles) // 2]) + 2
    if count >= 50:
        assert memory[-1] < 1.15 * max(memory[count // 4 : count // 2]), "memory grows with the number of jobs"


@pytest.mark.skipif(sys.platform != "linux", reason="handles are read from /proc")
def test_a_small_batch_leaves_nothing_behind(tmp_path: Path) -> None:
    batch_leaves_nothing(tmp_path, 4)


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="handles are read from /proc")
def test_two_hundred_jobs_leave_nothing_behind(tmp_path: Path) -> None:
    batch_leaves_nothing(tmp_path, 200)
