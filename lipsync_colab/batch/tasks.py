"""What one worker does at a time: a clip, or some segments of a long one. Tasks travel; everything in them pickles."""

from __future__ import annotations

import contextlib
import dataclasses
import itertools
import json
import os
import platform
import shutil
import time
import uuid
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from lipsync_colab.batch.jobs import Job, same_settings
from lipsync_colab.engines.registry import ENGINES
from lipsync_colab.errors import InputError, LipSyncError, MachineError, RenderError
from lipsync_colab.finish.background import parse_background
from lipsync_colab.types import RenderPlan
from lipsync_colab.version import __version__

CLIP, PART, JOIN = "clip", "part", "join"
"""Kinds of a task: begin a job (and end it, if it is short); make segments of a long one; put them together."""


@dataclass(frozen=True)
class Task:
    """One piece of work.

    Attributes:
        kind: ``CLIP``, ``PART`` or ``JOIN``.
        job: that it belongs to.
        work: folder of this job's segments, seen by every worker.
        plan: what the first task decided; None in that task itself.
        starts: first frames of the segments that a part makes.
        whole: segments that a clip may have to be rendered by its first task.
        tries: how often it was lost before.
        version: of the program that asks.
    """

    kind: str
    job: Job
    work: Path
    plan: RenderPlan | None = None
    starts: tuple[int, ...] = ()
    whole: int = 3
    tries: int = 0
    version: str = __version__

    @property
    def name(self) -> str:
        """For messages and tables."""
        first = f" from frame {self.starts[0]}" if self.starts else ""
        return f"{self.job.output.name}: {self.kind}{first}"


@dataclass(frozen=True)
class Outcome:
    """What became of a task.

    Attributes:
        error: one line; empty when all went well.
        exit_code: of the command-line contract, where there is an error.
        plan: where a long clip was planned and its segments are still to be made.
        frames: of the finished video; 0 before it is there.
        found: the video was there already, whole and of these inputs.
        made: first frames of the segments that this task rendered.
        kept: first frames of the segments that were there already.
        seconds: wall time.
        worker: host and process.
        notes: what was done otherwise than planned.
    """

    error: str = ""
    exit_code: int = 0
    plan: RenderPlan | None = None
    frames: int = 0
    found: bool = False
    made: tuple[int, ...] = ()
    kept: tuple[int, ...] = ()
    seconds: float = 0.0
    worker: str = ""
    notes: tuple[str, ...] = ()


def run_task(task: Task) -> Outcome:
    """Do one task. Nothing is raised but what ends the worker: an error of the job is part of the outcome."""
    began = time.perf_counter()
    try:
        _check_worker(task)
        outcome = {CLIP: _clip, PART: _part, JOIN: _join}[task.kind](task)
    except LipSyncError as error:
        outcome = Outcome(" ".join(str(error).split()), error.exit_code)
    except Exception as error:
        said = " ".join(str(error).split())
        outcome = Outcome(f"inner failure ({type(error).__name__}: {said})", RenderError.exit_code)
    worker = f"{platform.node()}:{os.getpid()}"
    return dataclasses.replace(outcome, seconds=time.perf_counter() - began, worker=worker)


def _check_worker(task: Task) -> None:
    if task.version != __version__:
        raise MachineError(
            f"{platform.node()} has lipsync-colab {__version__} and the batch was started by {task.version}: "
            "install the same version on every node"
        )
    if not task.work.parent.is_dir() or not task.job.portrait.is_file():
        raise InputError(
            f"{platform.node()} does not see '{task.work.parent}': keep the list and its files on a disk of all nodes"
        )


def finished_frames(job: Job) -> int:
    """Return how many frames a job's video has, if it is there, whole, and made of these inputs; 0 otherwise.

    The record beside a video is written last, so that a video with a record that fits is finished.
    """
    from lipsync_colab.pipeline.provenance import sidecar
    from lipsync_colab.pipeline.segments import file_digest

    try:
        record = json.loads(sidecar(job.output).read_text(encoding="utf-8"))
        plan, said = record["plan"], record["provenance"]
        backdrop = parse_background(job.settings.background).path
        wanted = [
            (record["video_sha256"], job.output),
            (said["portrait_sha256"], job.portrait),
            (said["speech_sha256"], job.audio),
        ]
        if backdrop is not None:
            wanted.append((plan["background"], backdrop))
        same = all(file_digest(path) == digest for digest, path in wanted)
        if said["version"] == __version__ and same_settings(job, plan["settings"]) and same and _captioned(job):
            return int(plan["frames"])
    except (OSError, ValueError, KeyError, TypeError, LipSyncError):
        pass
    return 0


def _captioned(job: Job) -> bool:
    return job.settings.captions not in ("srt", "both") or job.output.with_suffix(".srt").is_file()


def _prepared(task: Task) -> Any:
    """Read a task's inputs and plan; the plan of the first task stays, wherever the others run."""
    from lipsync_colab.pipeline.render import prepare

    job = task.job
    render = prepare(job.portrait, job.audio, job.output, job.settings, task.work)
    if task.plan is None:
        return render
    if (render.plan.portrait, render.plan.speech) != (task.plan.portrait, task.plan.speech):
        raise InputError(f"the inputs of '{job.output.name}' were changed during the batch: start it again")
    return dataclasses.replace(render, plan=task.plan)


def _clip(task: Task) -> Outcome:
    """Render a short clip; plan a long one."""
    from lipsync_colab.pipeline.segments import Segments

    if frames := finished_frames(task.job):
        return Outcome(frames=frames, found=True)
    render = _prepared(task)
    segments = Segments(task.work / render.plan.digest, render.plan)
    if len(segments.starts) <= task.whole or ENGINES[render.plan.engine].chained:
        return _finished(render)
    segments.prepare(resume=True)
    return Outcome(plan=render.plan)


def _join(task: Task) -> Outcome:
    """Put a long clip's segments together; one that is missing after all is made here."""
    if frames := finished_frames(task.job):
        return Outcome(frames=frames, found=True)
    return _finished(_prepared(task))


def _finished(render: Any) -> Outcome:
    from lipsync_colab.pipeline.render import run

    result = run(render)
    with contextlib.suppress(OSError):
        render.work.rmdir()
    return Outcome(frames=render.plan.frames, notes=tuple(result.report["notes"]))


def _part(task: Task) -> Outcome:
    """Make some segments of a long clip, in a folder of this attempt's own; each is published when it is whole.

    Two attempts at one part can overlap: a node that was given up may still be writing.
    """
    from lipsync_colab.pipeline.segments import Segments

    assert task.plan is not None
    if finished_frames(task.job):
        return Outcome(kept=task.starts, found=True)
    segments = Segments(task.work / task.plan.digest, task.plan)
    kept = tuple(start for start in task.starts if segments.finished(start))
    missing = [start for start in task.starts if start not in kept]
    if not missing:
        return Outcome(kept=kept)
    own = segments.folder / f"part-{uuid.uuid4().hex}"
    own.mkdir(parents=True)
    try:
        notes = _make(task, segments, Segments(own, task.plan), missing)
    finally:
        shutil.rmtree(own, ignore_errors=True)
    return Outcome(made=tuple(missing), kept=kept, notes=notes)


def _make(task: Task, shared: Any, own: Any, missing: list[int]) -> tuple[str, ...]:
    from lipsync_colab import stream
    from lipsync_colab.encode import SegmentWriter
    from lipsync_colab.pipeline.finishing import finish_still
    from lipsync_colab.pipeline.frames import frame_stream
    from lipsync_colab.pipeline.needed_weights import fetch_weights
    from lipsync_colab.pipeline.render import silent

    render = _prepared(task)
    plan = render.plan
    notes: list[str] = []
    fetch_weights(plan, silent)
    canvas = finish_still(render.portrait, plan, silent, notes.append)
    frames, following = None, -1
    try:
        for start in missing:
            if frames is None or start != following:
                if frames is not None:
                    stream.close(frames)
                frames = frame_stream(canvas.portrait, render.speech, plan, start)
            count = own.length(start)
            following = start + count
            with SegmentWriter(own.path(start), plan.size, plan.rate, render.encoding) as writer:
                for frame in itertools.islice(frames, count):
                    writer.write(frame)
            own.record(start, writer.bytes)
            own.path(start).replace(shared.path(start))
            own.path(start).with_suffix(".json").replace(shared.path(start).with_suffix(".json"))
    finally:
        if frames is not None:
            stream.close(frames)
    return tuple(notes)
