"""Batches in this process, so that what is lost, stopped and found again can be chosen exactly."""

from __future__ import annotations

import dataclasses
import json
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from batch_lists import long_job, small_jobs, write_list
from material import frames_of

from lipsync_colab.batch.jobs import Job, read_jobs
from lipsync_colab.batch.pool import Lost, Need
from lipsync_colab.batch.run import need_of, run_batch
from lipsync_colab.batch.summary import exit_code, summarise, table
from lipsync_colab.batch.tasks import CLIP, JOIN, PART, Outcome, Task, finished_frames, run_task
from lipsync_colab.cli.main import main
from lipsync_colab.device import Machine, inspect_machine
from lipsync_colab.engines.registry import ENGINES
from lipsync_colab.pipeline.render import render_video
from lipsync_colab.plan import SEGMENT_SECONDS

GIGABYTE = 1_000_000_000
T4 = Machine("cuda", "T4", 2, 12 * GIGABYTE, 15 * GIGABYTE, 50 * GIGABYTE, True)


class Here:
    """A pool in this process; ``fate`` says before each task what becomes of it."""

    def __init__(self, slots: int = 1, fate: Callable[[Task], Outcome | Lost | None] = lambda task: None) -> None:
        self.ran: list[Task] = []
        self._slots, self._fate = slots, fate
        self._given: list[Task] = []

    def __enter__(self) -> Here:
        return self

    def __exit__(self, *_: object) -> None: ...

    def slots(self, need: Need) -> int:
        return self._slots

    def submit(self, task: Task, need: Need) -> None:
        assert len(self._given) < self._slots
        self._given.append(task)

    def wait(self) -> list[tuple[Task, Outcome | Lost]]:
        task = self._given.pop(0)
        self.ran.append(task)
        return [(task, self._fate(task) or run_task(task))]


@pytest.fixture(scope="module")
def long_clip(tmp_path_factory: pytest.TempPathFactory) -> tuple[Job, np.ndarray]:
    """A clip of four segments, and the frames of its uninterrupted render."""
    folder = tmp_path_factory.mktemp("long")
    (job,) = read_jobs(write_list(folder, [long_job(folder, 4)]))
    whole = render_video(job.portrait, job.audio, folder / "whole.mp4", job.settings)
    return job, frames_of(whole.path)


def test_a_lost_part_is_given_out_again_and_the_frames_are_those_of_one_render(
    long_clip: tuple[Job, np.ndarray], monkeypatch: pytest.MonkeyPatch
) -> None:
    job, frames = long_clip
    monkeypatch.setattr("lipsync_colab.batch.schedule.LEAST_PART", 2)
    work = job.output.parent / "lost.work"
    job = dataclasses.replace(job, output=job.output.with_name("lost.mp4"))

    def lose_after_one_segment(task: Task) -> Lost | None:
        if task.kind != PART or task.tries or task.starts[0] != 0:
            return None
        # What a killed node leaves: one finished segment, and a folder of its own with a broken one.
        run_task(dataclasses.replace(task, starts=task.starts[:1]))
        assert task.plan is not None
        left = task.work / task.plan.digest / "part-left"
        left.mkdir()
        (left / "00000020.mp4.part").write_bytes(b"half")
        return Lost("node gone")

    pool = Here(2, lose_after_one_segment)
    records, seconds = run_batch([job], work, pool, inspect_machine("cpu"))
    summary = summarise(records, job.output.parent, seconds, 2)
    (row,) = summary["jobs"]
    assert (row["state"], row["lost"], row["frames"]) == ("done", 1, 68)
    parts = {tuple(task["made"]): tuple(task["kept"]) for task in row["tasks"] if task["kind"] == PART}
    assert parts == {(20,): (0,), (40, 60): ()}
    assert [task.kind for task in pool.ran] == [CLIP, PART, PART, PART, JOIN]
    assert np.array_equal(frames_of(job.output), frames)
    assert not work.exists()
    assert "1 done: 68 frames" in table(summary) and "1 lost tasks" in table(summary)


def test_an_engine_whose_frames_follow_from_each_other_renders_a_long_clip_in_one_task(
    long_clip: tuple[Job, np.ndarray], monkeypatch: pytest.MonkeyPatch
) -> None:
    job, frames = long_clip
    job = dataclasses.replace(job, output=job.output.with_name("chained.mp4"))
    task = Task(CLIP, job, job.output.parent / "chained.work", whole=2)
    assert run_task(task).plan is not None, "others are split"
    monkeypatch.setitem(ENGINES, "viseme", dataclasses.replace(ENGINES["viseme"], chained=True))
    # Where a segment begins the encoder begins anew: equal frames need equal segments.
    monkeypatch.setattr("lipsync_colab.plan.CHAINED_SECONDS", SEGMENT_SECONDS)
    outcome = run_task(task)
    assert outcome.plan is None and outcome.frames == 68
    assert np.array_equal(frames_of(job.output), frames)


def test_a_stopped_batch_goes_on_where_it_was(
    long_clip: tuple[Job, np.ndarray], monkeypatch: pytest.MonkeyPatch
) -> None:
    job, frames = long_clip
    monkeypatch.setattr("lipsync_colab.batch.schedule.LEAST_PART", 2)
    job = dataclasses.replace(job, output=job.output.with_name("stopped.mp4"))
    short = dataclasses.replace(job, output=job.output.with_name("short.mp4"), audio=short_voice(job))
    work, machine = job.output.parent / "stopped.work", inspect_machine("cpu")

    def stop_in_the_second_part(task: Task) -> None:
        if task.kind == PART and task.starts[0] == 40:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        run_batch([short, job], work, Here(1, stop_in_the_second_part), machine)
    assert short.output.exists() and not job.output.exists()
    first = short.output.stat().st_mtime_ns
    records, _ = run_batch([short, job], work, Here(1), machine)
    assert [record.found for record in records] == [True, False]
    kept = [outcome.kept for kind, outcome in records[1].outcomes if kind == PART]
    made = [outcome.made for kind, outcome in records[1].outcomes if kind == PART]
    assert (kept, made) == ([(0, 20), ()], [(), (40, 60)])
    assert short.output.stat().st_mtime_ns == first
    assert np.array_equal(frames_of(job.output), frames)
    assert not work.exists()


def short_voice(job: Job) -> Path:
    return job.audio.parent / small_jobs(job.audio.parent, 1)[0]["audio"]


def test_only_a_whole_video_of_the_same_inputs_is_taken_as_done(tmp_path: Path) -> None:
    (job,) = read_jobs(write_list(tmp_path, small_jobs(tmp_path, 1)))
    assert finished_frames(job) == 0
    outcome = run_task(Task(CLIP, job, tmp_path / "work"))
    assert outcome.frames == finished_frames(job) == 2
    other = dataclasses.replace(job.settings, seed=7)
    assert finished_frames(dataclasses.replace(job, settings=other)) == 0
    subtitled = dataclasses.replace(job.settings, captions="srt")
    assert finished_frames(dataclasses.replace(job, settings=subtitled)) == 0
    content = job.output.read_bytes()
    job.output.write_bytes(content[:-1])
    assert finished_frames(job) == 0
    job.output.write_bytes(content)
    assert finished_frames(job) == 2
    job.audio.write_bytes(job.audio.read_bytes() + b"\0")
    assert finished_frames(job) == 0


def test_a_job_that_fails_stops_no_other(tmp_path: Path) -> None:
    rows = small_jobs(tmp_path, 2)
    (tmp_path / "no face.jpg").write_bytes(b"this is no picture")
    rows.insert(0, rows[0] | {"portrait": "no face.jpg", "output": "none.mp4"})
    jobs = read_jobs(write_list(tmp_path, rows))
    records, seconds = run_batch(jobs, tmp_path / "work", Here(), inspect_machine("cpu"))
    summary = summarise(records, tmp_path, seconds, 1)
    assert [job["state"] for job in summary["jobs"]] == ["failed", "done", "done"]
    assert exit_code(summary) == 2 and "no face.jpg" in summary["jobs"][0]["error"]
    assert not (tmp_path / "none.mp4").exists()
    json.dumps(summary)


def test_what_fits_no_machine_is_refused_at_once(tmp_path: Path) -> None:
    jobs = read_jobs(write_list(tmp_path, small_jobs(tmp_path, 2)))
    pool = Here(0)
    records, _ = run_batch(jobs, tmp_path / "work", pool, inspect_machine("cpu"))
    assert [record.exit_code for record in records] == [4, 4]
    assert "no machine has" in records[0].error and not pool.ran


def test_needs_come_from_the_planner(tmp_path: Path) -> None:
    (job,) = read_jobs(write_list(tmp_path, small_jobs(tmp_path, 1)))
    plain = need_of(job, T4)
    assert plain.gpu == 0 and plain.memory > 500_000_000
    large = dataclasses.replace(job, settings=dataclasses.replace(job.settings, size="2160p"))
    assert need_of(large, T4).memory > plain.memory
    neural = dataclasses.replace(job, settings=dataclasses.replace(job.settings, engine="wav2lip", restore="gfpgan"))
    assert 0 < need_of(neural, T4).gpu <= 1
    half = dataclasses.replace(T4, device_memory=T4.device_memory // 2)
    assert need_of(neural, half).gpu > need_of(neural, T4).gpu


def test_another_version_and_an_unseen_disk_are_said(tmp_path: Path) -> None:
    (job,) = read_jobs(write_list(tmp_path, small_jobs(tmp_path, 1)))
    outcome = run_task(Task(CLIP, job, tmp_path / "work", version="0.0.1"))
    assert outcome.exit_code == 4 and "same version on every node" in outcome.error
    outcome = run_task(Task(CLIP, job, tmp_path / "elsewhere" / "work"))
    assert outcome.exit_code == 2 and "disk of all nodes" in outcome.error


def test_without_ray_the_extra_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setitem(sys.modules, "ray", None)
    jobs = write_list(tmp_path, small_jobs(tmp_path, 1))
    assert main(["batch", str(jobs)]) == 4
    told = capsys.readouterr().err
    assert "lipsync-colab[batch]" in told and "--workers" in told and told.count("\n") == 1


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--workers", "-1"], "--workers"),
        (["--workers", "1", "--address", "auto"], "leave one of them out"),
        (["--gpu-memory", "0"], "--gpu-memory"),
        (["--simulate"], "run the batch first"),
    ],
)
def test_contradictions_are_refused(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], options: list[str], said: str
) -> None:
    jobs = write_list(tmp_path, small_jobs(tmp_path, 1))
    assert main(["batch", str(jobs), *options]) == 2
    assert said in capsys.readouterr().err
