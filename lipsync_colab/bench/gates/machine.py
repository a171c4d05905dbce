"""What a source costs: CPU time until its first frame at 1080p, and memory while it talks at 4K."""

from __future__ import annotations

import multiprocessing
import os
import threading
import time
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

from lipsync_colab.bench.gates.gate import Gate
from lipsync_colab.device import resident_memory
from lipsync_colab.engines.viseme.rig import FaceRig
from lipsync_colab.pipeline.render import prepare, run
from lipsync_colab.types import Portrait, RenderSettings, Speech

UHD = "3840x2160"
GAP = 0.02
"""Seconds between two looks at the memory."""


def machine_gates(portrait: Portrait, picture: Path, speech: Speech, output: Path, name: str) -> list[Gate]:
    """Measure what a source costs.

    Args:
        portrait: with a short side of 1080 pixels.
        picture: its file.
        speech: a second of it is enough.
        output: a video that is written and removed.
        name: the source's.
    """
    started = time.process_time()
    FaceRig(portrait).render({"jaw": 0.5, "yaw": 0.02})
    seconds = time.process_time() - started
    # A process of its own: what the table has used until here is not the render's.
    with ProcessPoolExecutor(1, mp_context=multiprocessing.get_context("spawn")) as pool:
        memory = pool.submit(_peak_at_4k, picture, speech, output).result()
    output.unlink()
    return [Gate(name, "", "setup seconds", seconds), Gate(name, "", "4K memory", memory / 1e9)]


def _peak_at_4k(picture: Path, speech: Speech, output: Path) -> int:
    """Return the highest resident memory of this process and its encoder together while it renders, in bytes."""
    done = threading.Event()
    highest = [0]

    def look() -> None:
        while not done.wait(GAP):
            highest[0] = max(highest[0], resident_memory() + sum(_resident(child) for child in _children()))

    watcher = threading.Thread(target=look)
    watcher.start()
    try:
        run(prepare(picture, speech, output, RenderSettings(size=UHD, upscale="none")))
    finally:
        done.set()
        watcher.join()
    return highest[0]


def _children() -> list[int]:
    """Return the processes that this one started."""
    found = []
    for status in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = status.read_text().rpartition(")")[2].split()
        except OSError:
            continue  # it has ended meanwhile
        if int(fields[1]) == os.getpid():
            found.append(int(status.parent.name))
    return found


def _resident(process: int) -> int:
    try:
        pages = int(Path(f"/proc/{process}/statm").read_text().split()[1])
    except (OSError, ValueError, IndexError):
        return 0
    return pages * os.sysconf("SC_PAGE_SIZE")
