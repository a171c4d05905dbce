"""Worker processes of this machine: one of them is killed in the middle of its work."""

from __future__ import annotations

import multiprocessing
import threading
import time
from collections import Counter
from pathlib import Path

import pytest
from batch_lists import long_job, write_list

from lipsync_colab.batch.jobs import read_jobs
from lipsync_colab.batch.process_pool import ProcessPool
from lipsync_colab.batch.run import run_batch
from lipsync_colab.batch.summary import summarise
from lipsync_colab.batch.tasks import finished_frames
from lipsync_colab.device import inspect_machine

SEGMENTS = 6


def kill_in_the_middle(work: Path, seen: dict[str, set[int]], ended: threading.Event) -> None:
    """Kill a worker as soon as both are within a part and a segment is finished; note what was finished then."""
    while not ended.is_set():
        if len(list(work.glob("*/*/part-*"))) >= 2 and (done := list(work.glob("*/*/0*.json"))):
            seen["finished"] = {int(path.stem) for path in done}
            multiprocessing.active_children()[0].kill()
            return
        time.sleep(0.005)


@pytest.mark.slow
def test_a_killed_worker_loses_nothing_and_repeats_nothing(tmp_path: Path) -> None:
    (job,) = read_jobs(write_list(tmp_path, [long_job(tmp_path, SEGMENTS)]))
    work, ended = tmp_path / "jobs.work", threading.Event()
    seen: dict[str, set[int]] = {}
    killer = threading.Thread(target=kill_in_the_middle, args=(work, seen, ended))
    killer.start()
    try:
        with ProcessPool(2) as pool:
            records, seconds = run_batch([job], work, pool, inspect_machine("cpu"))
    finally:
        ended.set()
        killer.join()
    summary = summarise(records, tmp_path, seconds, 2)
    (row,) = summary["jobs"]
    assert (row["state"], row["lost"], bool(seen["finished"])) == ("done", 1, True)
    made = Counter(start for task in row["tasks"] for start in task.get("made", ()))
    kept = {start for task in row["tasks"] for start in task.get("kept", ())}
    assert set(made.values()) == {1} and not set(made) & kept
    assert set(made) | kept == set(range(0, 20 * SEGMENTS, 20))
    assert finished_frames(job) == row["frames"]
    assert not work.exists() and multiprocessing.active_children() == []
