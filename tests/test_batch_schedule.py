"""The order of tasks: whatever ends first and whatever is lost, every job is done once."""

from __future__ import annotations

import random
from collections import Counter
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lipsync_colab.batch.jobs import Job
from lipsync_colab.batch.schedule import LEAST_PART, MOST_TRIES, Schedule, parts_of
from lipsync_colab.batch.tasks import CLIP, JOIN, PART, Outcome, Task
from lipsync_colab.types import RenderPlan, RenderSettings


def job(name: str) -> Job:
    return Job(1, Path("p.jpg"), Path("v.wav"), Path(f"{name}.mp4"), RenderSettings())


def plan(segments: int) -> RenderPlan:
    return RenderPlan(RenderSettings(), "viseme", "", "", 2, 2, "1", segments, 1)


def schedule(segments: dict[str, int]) -> Schedule:
    return Schedule([job(name) for name in segments], Path("work"), lambda planned: range(planned.frames))


def outcome(task: Task, segments: dict[str, int]) -> Outcome:
    count = segments[task.job.output.stem]
    if task.kind == CLIP:
        return Outcome(plan=plan(count)) if count > LEAST_PART else Outcome(frames=count)
    return Outcome(made=task.starts) if task.kind == PART else Outcome(frames=count)


@settings(max_examples=60)
@given(
    st.lists(st.integers(1, 40), min_size=1, max_size=6),
    st.integers(1, 8),
    st.integers(0, 2**32),
    st.floats(0, 0.25),
)
def test_every_job_ends_and_no_segment_is_made_twice(lengths: list[int], slots: int, seed: int, loss: float) -> None:
    segments = {f"clip{number}": length for number, length in enumerate(lengths)}
    chance, running = random.Random(seed), []
    plans = schedule(segments)
    made: Counter[tuple[str, int]] = Counter()
    ends: Counter[str] = Counter()
    while True:
        while len(running) < slots and (task := plans.next_task()) is not None:
            running.append(task)
        if not running:
            break
        task = running.pop(chance.randrange(len(running)))
        if chance.random() < loss and task.tries + 1 < MOST_TRIES:
            assert plans.lose(task, "node gone")
            continue
        ended = outcome(task, segments)
        made.update((task.job.output.stem, start) for start in ended.made)
        ends[task.job.output.stem] += bool(ended.frames)
        plans.finish(task, ended, slots)
    assert all(record.frames == segments[record.job.output.stem] for record in plans.records.values())
    assert set(ends.values()) == {1} and set(made.values()) <= {1}
    long = {name: count for name, count in segments.items() if count > LEAST_PART}
    assert set(made) == {(name, start) for name, count in long.items() for start in range(count)}


@given(st.integers(1, 300), st.integers(0, 64))
def test_parts_cover_all_segments_in_order(count: int, slots: int) -> None:
    parts = parts_of(range(count), slots)
    assert [start for part in parts for start in part] == list(range(count))
    assert all(len(part) >= LEAST_PART for part in parts[:-1])


def test_what_was_begun_comes_before_what_is_new() -> None:
    segments = {"long": 12, "short": 1, "last": 1}
    plans = schedule(segments)
    first = plans.next_task()
    assert first is not None and first.job.output.stem == "long"
    plans.finish(first, outcome(first, segments), 1)
    order = []
    while (task := plans.next_task()) is not None:
        order.append((task.kind, task.job.output.stem, task.starts[:1]))
        plans.finish(task, outcome(task, segments), 1)
    assert order == [
        (PART, "long", (0,)),
        (PART, "long", (6,)),
        (JOIN, "long", ()),
        (CLIP, "short", ()),
        (CLIP, "last", ()),
    ]


def test_a_task_that_takes_its_worker_with_it_is_given_up() -> None:
    plans = schedule({"poison": 1, "fine": 1})
    for _ in range(MOST_TRIES):
        task = plans.next_task()
        assert task is not None and task.job.output.stem == "poison"
        plans.lose(task, "killed by the kernel")
    record = next(iter(plans.records.values()))
    assert "lost 3 times" in record.error and "killed by the kernel" in record.error and record.exit_code == 5
    following = plans.next_task()
    assert following is not None and following.job.output.stem == "fine"


@pytest.mark.parametrize("kind", [CLIP, PART, JOIN])
def test_an_error_ends_the_job_and_its_other_tasks(kind: str) -> None:
    segments = {"long": 12}
    plans = schedule(segments)
    while (task := plans.next_task()) is not None:
        wrong = task.kind == kind
        plans.finish(task, Outcome("no face", 2) if wrong else outcome(task, segments), 1)
        if wrong:
            break
    record = plans.records[job("long").key]
    assert (record.error, record.exit_code, record.frames) == ("no face", 2, 0)
    assert plans.next_task() is None
