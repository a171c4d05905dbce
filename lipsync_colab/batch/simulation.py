"""How a batch would scale: the schedule itself against a clock that only counts, with measured stage times."""

from __future__ import annotations

import heapq
import itertools
import statistics
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from lipsync_colab.batch.jobs import Job
from lipsync_colab.batch.schedule import Schedule
from lipsync_colab.batch.tasks import CLIP, JOIN, PART, Outcome, Task
from lipsync_colab.errors import InputError
from lipsync_colab.types import RenderPlan, RenderSettings

WORKERS = (1, 2, 4, 8, 16, 32, 64)


@dataclass(frozen=True)
class Stages:
    """Measured seconds of one job.

    Attributes:
        clip: of its first task: the whole of a short clip, the plan of a long one.
        segments: how many a long clip has; 0 for a short one.
        part: before the first frame of a part: inputs, still, first patches.
        segment: of one segment.
        join: of the last task of a long clip.
    """

    clip: float
    segments: int = 0
    part: float = 0.0
    segment: float = 0.0
    join: float = 0.0


def stages_of(summary: dict[str, Any]) -> tuple[Stages, ...]:
    """Return the stage times that a batch's summary holds, of the jobs that it rendered.

    What a part takes before its first frame is that clip's first task, which reads the inputs just as well.

    Raises:
        InputError: no job of it was rendered from its beginning.
    """
    found = []
    for job in summary["jobs"]:
        tasks = job["tasks"] if job["state"] == "done" else job.get("rendered", [])
        seconds: dict[str, list[float]] = {kind: [] for kind in (CLIP, PART, JOIN)}
        for task in tasks:
            seconds[task["kind"]].append(float(task["seconds"]))
        made = sum(len(task.get("made", ())) for task in tasks)
        if any(task.get("kept") for task in tasks) or not seconds[CLIP]:
            continue
        begin = seconds[CLIP][-1]
        if not made:
            found.append(Stages(begin))
            continue
        frames = max(0.0, sum(seconds[PART]) - begin * len(seconds[PART]))
        found.append(Stages(begin, made, begin, frames / made, statistics.fmean(seconds[JOIN] or [0.0])))
    if not found:
        raise InputError("the summary holds no job that was rendered from its beginning: run the batch first")
    return tuple(found)


def simulate(stages: Sequence[Stages], workers: int) -> float:
    """Return the wall seconds that the jobs take on a number of equal workers.

    Reading the list, starting the workers and the disk that all of them share are left out.
    """
    times = {Path(f"{number}.mp4"): one for number, one in enumerate(stages)}
    jobs = [Job(number, Path(), Path(), path, RenderSettings()) for number, path in enumerate(times)]
    schedule = Schedule(jobs, Path(), lambda plan: range(plan.frames))
    clock, tie = 0.0, itertools.count()
    running: list[tuple[float, int, Task]] = []
    while True:
        while len(running) < workers and (task := schedule.next_task()) is not None:
            ends = clock + _seconds(task, times[task.job.output])
            heapq.heappush(running, (ends, next(tie), task))
        if not running:
            return clock
        clock, _, task = heapq.heappop(running)
        schedule.finish(task, _outcome(task, times[task.job.output]), workers)


def _seconds(task: Task, stages: Stages) -> float:
    if task.kind == PART:
        return stages.part + stages.segment * len(task.starts)
    return stages.join if task.kind == JOIN else stages.clip


def _outcome(task: Task, stages: Stages) -> Outcome:
    if task.kind == PART:
        return Outcome(made=task.starts)
    if task.kind == CLIP and stages.segments:
        # A plan of which only the number of segments is looked at: one frame each.
        return Outcome(plan=RenderPlan(RenderSettings(), "viseme", "", "", 2, 2, "1", stages.segments, 1))
    return Outcome(frames=1)


def scaling(stages: Sequence[Stages], workers: Sequence[int] = WORKERS) -> list[dict[str, float]]:
    """Return wall seconds, speed-up over one worker and share of it for each number of workers."""
    one = simulate(stages, 1)
    rows = []
    for count in workers:
        seconds = simulate(stages, count)
        speed = one / seconds if seconds else 1.0
        rows.append(
            {
                "workers": count,
                "seconds": round(seconds, 2),
                "speed_up": round(speed, 2),
                "efficiency": round(speed / count, 3),
            }
        )
    return rows
