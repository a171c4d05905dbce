"""A batch from its first task to its summary."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Sequence
from pathlib import Path

from lipsync_colab.batch.jobs import Job
from lipsync_colab.batch.pool import Lost, Need, Pool
from lipsync_colab.batch.schedule import Record, Schedule
from lipsync_colab.batch.tasks import Outcome, Task
from lipsync_colab.device import Machine
from lipsync_colab.errors import LipSyncError, MachineError
from lipsync_colab.estimate import estimate
from lipsync_colab.types import RenderPlan

LEAST_GPU = 0.05
"""Share of a GPU that a task takes at least: its context alone needs some hundred megabytes."""
Listener = Callable[[Task, Outcome | Lost, Schedule], None]
"""Told of every task that ended."""


def need_of(job: Job, machine: Machine) -> Need:
    """Return what one job's tasks take, by the planner's estimate.

    Args:
        job: of the list.
        machine: where its tasks will run; of a GPU, ``device_memory`` is that of one card.
    """
    try:
        cost = estimate(job.settings, machine)
    except LipSyncError:
        return Need(0)  # the task itself says what is wrong with its settings
    gpu = 0.0
    if cost.device_memory and machine.device_memory:
        gpu = min(1.0, max(LEAST_GPU, round(cost.device_memory / machine.device_memory, 2)))
    return Need(cost.memory, gpu)


def run_batch(
    jobs: Sequence[Job], work: Path, pool: Pool, machine: Machine, listener: Listener = lambda *_: None
) -> tuple[list[Record], float]:
    """Carry out a list of jobs. A job that fails does not stop the others.

    Args:
        jobs: of a list.
        work: the folder for segments; it is removed when every job is done, and resumed from otherwise.
        pool: entered already.
        machine: what a task's needs are estimated for.
        listener: told of every task that ended.

    Returns:
        What became of each job, in order, and the wall seconds.
    """
    began = time.perf_counter()
    work.mkdir(exist_ok=True)
    schedule = Schedule(jobs, work, segment_starts)
    needs = {job.key: need_of(job, machine) for job in jobs}
    running = 0
    while True:
        running += _give_out(schedule, pool, needs, running)
        if not running:
            break
        for task, ended in pool.wait():
            running -= 1
            if isinstance(ended, Lost):
                schedule.lose(task, ended.reason)
            else:
                schedule.finish(task, ended, pool.slots(needs[task.job.key]))
            listener(task, ended, schedule)
    records = list(schedule.records.values())
    _tidy(work, records)
    return records, time.perf_counter() - began


def _give_out(schedule: Schedule, pool: Pool, needs: dict[str, Need], running: int) -> int:
    """Give out tasks while there is room; return how many."""
    given = 0
    while (task := schedule.next_task()) is not None:
        need = needs[task.job.key]
        slots = pool.slots(need)
        if not slots:
            schedule.finish(task, _too_large(need), 0)
        elif running + given >= slots:
            schedule.put_back(task)
            break
        else:
            pool.submit(task, need)
            given += 1
    return given


def _too_large(need: Need) -> Outcome:
    gpu = f" and {need.gpu:.0%} of a GPU" if need.gpu else ""
    return Outcome(
        f"no machine has the {need.memory / 1e9:.1f} GB{gpu} that it needs; choose a smaller --size, or larger nodes",
        MachineError.exit_code,
    )


def segment_starts(plan: RenderPlan) -> tuple[int, ...]:
    """Return the first frames of a plan's segments."""
    from lipsync_colab.pipeline.segments import Segments

    return Segments(Path(), plan).starts


def _tidy(work: Path, records: Sequence[Record]) -> None:
    """Remove the empty folders of finished jobs, and that of the batch when nothing is left in it."""
    for folder in (*(work / record.job.key for record in records), work):
        with contextlib.suppress(OSError):  # an unfinished job keeps its segments
            folder.rmdir()
