"""Which task comes next: pure, so that the same lines run a batch and its simulation."""

from __future__ import annotations

import heapq
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from lipsync_colab.batch.jobs import Job
from lipsync_colab.batch.tasks import CLIP, JOIN, PART, Outcome, Task
from lipsync_colab.errors import RenderError
from lipsync_colab.types import RenderPlan

LEAST_PART = 3
"""Segments of a part at least: each part reads the inputs and finishes the still anew, which takes seconds."""
PARTS_PER_SLOT = 2
"""Parts that a long clip is cut in for each worker: more even out unequal workers, fewer repeat less work."""
MOST_TRIES = 3
"""Times that a task is given out; a task that takes its worker with it must not take all of them."""


@dataclass
class Record:
    """What is known of one job.

    Attributes:
        job: the job.
        error: one line; empty while all is well.
        exit_code: of the error.
        frames: of the finished video; 0 before.
        found: it was there before the batch.
        waiting: parts that are not made yet.
        lost: tasks of it that were lost with their worker and given out again.
        outcomes: of its tasks, with their kinds, in the order in which they ended.
    """

    job: Job
    error: str = ""
    exit_code: int = 0
    frames: int = 0
    found: bool = False
    waiting: int = 0
    lost: int = 0
    outcomes: list[tuple[str, Outcome]] = field(default_factory=list)

    @property
    def ended(self) -> bool:
        """Whether nothing more will happen to it."""
        return bool(self.error or self.frames)


def parts_of(starts: Sequence[int], slots: int) -> list[tuple[int, ...]]:
    """Return a long clip's segments in parts of neighbours: none smaller than ``LEAST_PART`` but the last.

    >>> parts_of(range(8), 1)
    [(0, 1, 2, 3), (4, 5, 6, 7)]
    """
    size = max(LEAST_PART, math.ceil(len(starts) / (PARTS_PER_SLOT * max(1, slots))))
    return [tuple(starts[first : first + size]) for first in range(0, len(starts), size)]


class Schedule:
    """The tasks of a batch. What was begun is ended before something new is begun, in the order of the list.

    Args:
        jobs: of the list.
        work: the batch's folder.
        starts_of: first frames of a plan's segments.
    """

    def __init__(
        self, jobs: Sequence[Job], work: Path, starts_of: Callable[[RenderPlan], Sequence[int]], whole: int = LEAST_PART
    ) -> None:
        self.records = {job.key: Record(job) for job in jobs}
        self._place = {job.key: place for place, job in enumerate(jobs)}
        self._starts_of = starts_of
        self._count = 0
        self._ready: list[tuple[bool, int, tuple[int, ...], int, Task]] = []
        for job in jobs:
            self._add(Task(CLIP, job, work / job.key, whole=whole))

    def _add(self, task: Task) -> None:
        self._count += 1
        place = self._place[task.job.key]
        heapq.heappush(self._ready, (task.kind == CLIP and not task.tries, place, task.starts, self._count, task))

    def next_task(self) -> Task | None:
        """Return the task to give out now, or None when there is none until another one ends."""
        while self._ready:
            task = heapq.heappop(self._ready)[-1]
            if not self.records[task.job.key].ended:
                return task
        return None

    def put_back(self, task: Task) -> None:
        """Take back a task that could not be given out yet."""
        self._add(task)

    def finish(self, task: Task, outcome: Outcome, slots: int) -> None:
        """Take in what became of a task.

        Args:
            task: that was given out.
            outcome: of it.
            slots: tasks that can run at once now.
        """
        record = self.records[task.job.key]
        record.outcomes.append((task.kind, outcome))
        if record.ended:
            return
        if outcome.error:
            record.error, record.exit_code = outcome.error, outcome.exit_code
        elif task.kind == PART:
            record.waiting -= 1
            if record.waiting == 0:
                self._add(replace(task, kind=JOIN, starts=(), tries=0))
        elif outcome.plan is not None:
            parts = parts_of(self._starts_of(outcome.plan), slots)
            record.waiting = len(parts)
            for part in parts:
                self._add(replace(task, kind=PART, plan=outcome.plan, starts=part, tries=0))
        else:
            record.frames, record.found = outcome.frames, outcome.found

    def lose(self, task: Task, reason: str) -> bool:
        """Give a task out again whose worker is gone; return False when that happened too often.

        Args:
            task: that was lost.
            reason: one line.
        """
        record = self.records[task.job.key]
        record.lost += 1
        if task.tries + 1 < MOST_TRIES:
            self._add(replace(task, tries=task.tries + 1))
            return True
        if not record.ended:
            record.error = f"{task.kind} was lost {MOST_TRIES} times with its worker ({reason})"
            record.exit_code = RenderError.exit_code
        return False
