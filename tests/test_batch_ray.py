"""A batch on a Ray cluster of two nodes on loopback: a node is killed in the middle of its work."""

from __future__ import annotations

import threading
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from batch_lists import long_job, small_jobs, write_list
from material import frames_of

from lipsync_colab.batch.jobs import read_jobs
from lipsync_colab.batch.run import run_batch
from lipsync_colab.batch.summary import summarise
from lipsync_colab.device import inspect_machine
from lipsync_colab.errors import MachineError
from lipsync_colab.pipeline.render import render_video

ray = pytest.importorskip("ray")
pytestmark = pytest.mark.slow
SEGMENTS = 7


class SlowClock:
    """Ray gives a node 30 seconds to start, by this module; on a busy machine they are to last ten times as long."""

    def __getattr__(self, name: str) -> Any:
        return getattr(time, name)

    def monotonic(self) -> float:
        return time.monotonic() / 10


@pytest.fixture()
def cluster(monkeypatch: pytest.MonkeyPatch) -> Iterator[object]:
    """A head that only keeps the books and two nodes of one processor each."""
    from ray.cluster_utils import Cluster

    monkeypatch.setenv("RAY_USAGE_STATS_ENABLED", "0")
    monkeypatch.setattr("ray._private.node.time", SlowClock())
    node = {"num_cpus": 1, "memory": 4 << 30, "object_store_memory": 80 << 20}
    head = node | {"num_cpus": 0, "include_dashboard": False}
    started = Cluster(initialize_head=True, head_node_args=head)
    try:
        started.add_node(**node)
        started.doomed = started.add_node(**node)
        started.wait_for_nodes()
        yield started
    finally:
        ray.shutdown()
        started.shutdown()


def kill_in_the_middle(cluster: object, work: Path, seen: dict[str, set[int]], ended: threading.Event) -> None:
    """End a node as soon as both are within a part and a segment is finished; note what was finished then."""
    while not ended.is_set():
        if len(list(work.glob("*/*/part-*"))) >= 2 and (done := list(work.glob("*/*/0*.json"))):
            seen["finished"] = {int(path.stem) for path in done}
            cluster.remove_node(cluster.doomed, allow_graceful=False)  # type: ignore[attr-defined]
            return
        time.sleep(0.02)


def test_a_killed_node_loses_nothing_and_repeats_nothing(cluster: object, tmp_path: Path) -> None:
    from lipsync_colab.batch.ray_pool import RayPool

    rows = [long_job(tmp_path, SEGMENTS), *small_jobs(tmp_path, 2)]
    jobs = read_jobs(write_list(tmp_path, rows))
    work, ended = tmp_path / "jobs.work", threading.Event()
    seen: dict[str, set[int]] = {}
    killer = threading.Thread(target=kill_in_the_middle, args=(cluster, work, seen, ended))
    killer.start()
    try:
        with RayPool(cluster.address) as pool:  # type: ignore[attr-defined]
            records, seconds = run_batch(jobs, work, pool, inspect_machine("cpu"))
    finally:
        ended.set()
        killer.join()
    summary = summarise(records, tmp_path, seconds, 2)
    assert [job["error"] for job in summary["jobs"]] == [""] * 3
    assert summary["done"] == 3 and summary["lost_tasks"] >= 1 and seen["finished"]
    parts = [task for task in summary["jobs"][0]["tasks"] if task["kind"] == "part"]
    made = Counter(start for task in parts for start in task["made"])
    kept = {start for task in parts for start in task["kept"]}
    assert set(made.values()) == {1}, "a segment was rendered twice"
    assert not set(made) & kept
    assert set(made) | kept == set(range(0, 20 * SEGMENTS, 20)), "a segment was lost"
    assert not work.exists()
    whole = render_video(jobs[0].portrait, jobs[0].audio, tmp_path / "whole.mp4", jobs[0].settings)
    assert np.array_equal(frames_of(jobs[0].output), frames_of(whole.path))
    with RayPool(cluster.address) as pool:  # type: ignore[attr-defined]
        again, _ = run_batch(jobs, work, pool, inspect_machine("cpu"))
    assert all(record.found for record in again)


def test_no_cluster_is_one_line(tmp_path: Path) -> None:
    from lipsync_colab.batch.ray_pool import RayPool

    with pytest.raises(MachineError, match="--workers 1"), RayPool("127.0.0.1:1"):
        pass
