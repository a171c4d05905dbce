"""One render: the inputs are read and refused first, the still is finished once, frames are made in segments."""

from __future__ import annotations

import contextlib
import hashlib
import itertools
import threading
import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

from lipsync_colab import encode, stream
from lipsync_colab.audio import load_speech
from lipsync_colab.device import Machine, inspect_machine, peak_memory
from lipsync_colab.encode import Encoding, SegmentWriter
from lipsync_colab.engines.registry import ENGINES, get_engine
from lipsync_colab.finish.background import parse_background
from lipsync_colab.finish.canvas import Canvas
from lipsync_colab.finish.framing import output_size
from lipsync_colab.narrate.caption_files import write_captions
from lipsync_colab.phonemes.source import expected_source
from lipsync_colab.pipeline.captioning import make_captions, words_are_recognised
from lipsync_colab.pipeline.finishing import finish_still, obtainable_upscalers
from lipsync_colab.pipeline.frames import FrameCount, frame_stream, shown_frame
from lipsync_colab.pipeline.needed_packages import check_packages
from lipsync_colab.pipeline.needed_weights import check_weights, fetch_weights
from lipsync_colab.pipeline.output import check_output
from lipsync_colab.pipeline.provenance import provenance, write_sidecar
from lipsync_colab.pipeline.segments import Segments, file_digest
from lipsync_colab.pipeline.storage import plain_failures
from lipsync_colab.plan import Subject, check_settings, make_plan, uses_networks
from lipsync_colab.portrait import load_portrait
from lipsync_colab.probe import probed
from lipsync_colab.types import (
    Caption,
    ChainedEngine,
    Image,
    Portrait,
    Progress,
    RenderPlan,
    RenderResult,
    RenderSettings,
    Speech,
)


def silent(stage: str, done: int, total: int) -> None:
    """Report no progress."""


@dataclass(frozen=True)
class Render:
    """Everything that one render works on, once the inputs have been accepted.

    Attributes:
        portrait: as it was read.
        speech: 16 kHz mono and the track that is heard.
        plan: what will be done.
        output: the video's path.
        work: where segments are kept.
        captions: for files beside the video; empty when none are asked for.
    """

    portrait: Portrait
    speech: Speech
    plan: RenderPlan
    output: Path
    work: Path
    captions: tuple[Caption, ...] = ()

    @property
    def encoding(self) -> Encoding:
        """How the picture is compressed."""
        settings = self.plan.settings
        container = encode.choose_container(self.output, settings.container)
        return Encoding(container, settings.crf, settings.bitrate)


def prepare(
    portrait: Path,
    speech: Path | Speech,
    output: Path,
    settings: RenderSettings,
    work: Path | None = None,
    *,
    accept: Iterable[str] = (),
    probe: bool = False,
) -> Render:
    """Read the inputs and plan; everything that can be refused is refused here, before any work.

    Args:
        portrait: a picture file.
        speech: an audio or video file, or a speech of our own synthesis with its phonemes.
        output: the video to write.
        settings: what is asked.
        work: the folder for segments; ``work`` beside the output by default.
        accept: names of weights or engines whose terms the caller accepts.
        probe: measure this machine for about a second, so that the plan's time is this machine's.

    Raises:
        LipSyncError: with the remedy and the exit code.

    >>> from pathlib import Path
    >>> from lipsync_colab import RenderSettings, prepare
    >>> job = prepare(Path("portrait.jpg"), Path("voice.wav"), Path("out.mp4"), RenderSettings(aspect="16:9"))
    >>> job.plan.size, job.plan.fps
    ((1920, 1080), '25')
    """
    check_settings(settings)
    backdrop = parse_background(settings.background).path
    encode.choose_container(output, settings.container)
    inputs = tuple(path for path in (portrait, backdrop, speech) if isinstance(path, Path))
    check_output(output, inputs)
    picture = load_portrait(portrait, settings.face)
    voice = speech if isinstance(speech, Speech) else load_speech(speech, settings.text)
    drawn, written = make_captions(voice, output_size(picture.size, settings.size, settings.aspect), settings)
    subject = Subject(
        portrait=picture,
        portrait_digest=file_digest(portrait),
        speech_digest=speech_digest(voice),
        seconds=voice.seconds,
        background_digest=file_digest(backdrop) if backdrop is not None else "",
        moods=voice.moods,
        captions=drawn,
        lips=expected_source(voice, settings.text),
        recognised=words_are_recognised(voice, settings),
    )
    home = output.absolute().parent
    # Segments and the joined file may lie on different disks: the fuller one decides.
    machine = min((inspect_machine(settings.device, folder) for folder in (home, work or home)), key=_free)
    plan = _planned(settings, subject, machine, probe)
    check_packages(plan.engine)
    check_weights(plan, accept)
    return Render(picture, voice, plan, output, work or home / "work", written)


def _planned(settings: RenderSettings, subject: Subject, machine: Machine, probe: bool) -> RenderPlan:
    obtainable = obtainable_upscalers() if machine.torch else ()
    if not probe:
        return make_plan(settings, subject, machine, obtainable)
    plan = make_plan(settings, subject, probed(machine), obtainable)
    # torch is imported, and convolutions are timed, only where the plan has any.
    return make_plan(settings, subject, probed(machine, networks=True), obtainable) if uses_networks(plan) else plan


def _free(machine: Machine) -> int:
    return machine.disk


def speech_digest(speech: Speech) -> str:
    """Return the sha256 of the track, or of the samples where there is no file."""
    if speech.track is not None:
        return file_digest(speech.track)
    return hashlib.sha256(speech.samples.tobytes()).hexdigest()


def heard_track(speech: Speech, folder: Path) -> Path:
    """Return the file that is muxed: the original track, or the samples as a WAV in ``folder``."""
    if speech.track is not None:
        return speech.track
    import soundfile

    path = folder / "voice.wav"
    soundfile.write(path, speech.samples, speech.rate, "PCM_16")
    return path


def run(
    render: Render, progress: Progress = silent, cancel: threading.Event | None = None, resume: bool = True
) -> RenderResult:
    """Carry out a prepared render and publish the video and its JSON.

    Args:
        render: from :func:`prepare`.
        progress: told of every frame.
        cancel: set it to stop before the next frame; finished segments stay for the next run.
        resume: use segments that an interrupted run of the same plan left.

    Raises:
        LipSyncError: with the remedy and the exit code; nothing is left under the output's name.
    """
    plan = render.plan
    segments = Segments(render.work / plan.digest, plan)
    made = make_segments(render, segments, progress, cancel, resume)
    seconds = dict(made.seconds)
    with timed(seconds, "join"), plain_failures(segments.folder):
        encode.join_segments(
            [segments.path(start) for start in segments.starts],
            heard_track(render.speech, segments.folder),
            render.encoding,
            render.output,
            encode.provenance_tags(provenance(plan)),
        )
    if render.captions:
        write_captions(render.output, render.captions)
    report: dict[str, Any] = {"frames": plan.frames, "reused_frames": made.reused, "notes": list(made.notes)}
    if made.mouth:
        report["mouth_from"] = made.mouth
    write_sidecar(render.output, plan, report, seconds)
    segments.discard()
    return RenderResult(render.output, plan, seconds, peak_memory(), report)


@dataclass(frozen=True)
class Made:
    """What making a render's segments took.

    Attributes:
        reused: frames that were there already.
        notes: sentences on what was done otherwise than planned.
        seconds: wall seconds by stage.
        mouth: what told the embedded engine how the mouth moves, the ``source`` of its
            :class:`~lipsync_colab.engines.viseme.motion.MotionTrack`; empty for others.
    """

    reused: int
    notes: tuple[str, ...]
    seconds: dict[str, float]
    mouth: str = ""


def make_segments(
    render: Render, segments: Segments, progress: Progress, cancel: threading.Event | None, resume: bool
) -> Made:
    """Make every segment of a render that is not there yet; they stay until they are discarded.

    Raises:
        LipSyncError: with the remedy and the exit code.
    """
    with plain_failures(segments.folder):
        return _made_segments(render, segments, progress, cancel, resume)


def _made_segments(
    render: Render, segments: Segments, progress: Progress, cancel: threading.Event | None, resume: bool
) -> Made:
    seconds: dict[str, float] = {}
    notes: list[str] = []
    segments.prepare(resume)
    if all(segments.finished(start) for start in segments.starts):
        progress("frames", render.plan.frames, render.plan.frames)
        return Made(render.plan.frames, (), seconds, segments.mouth)
    fetch_weights(render.plan, progress)
    with timed(seconds, "still"):
        canvas = finish_still(render.portrait, render.plan, progress, notes.append)
    with timed(seconds, "frames"):
        reused = _render_segments(render, canvas, segments, progress, cancel)
    return Made(reused, tuple(notes), seconds, segments.mouth)


def render_video(
    portrait: Path,
    speech: Path | Speech,
    output: Path,
    settings: RenderSettings | None = None,
    *,
    progress: Progress = silent,
    cancel: threading.Event | None = None,
    work: Path | None = None,
    resume: bool = True,
    accept: Iterable[str] = (),
) -> RenderResult:
    """Make a talking video of a portrait and a voice: :func:`prepare`, then :func:`run`.

    Raises:
        LipSyncError: with the remedy and the exit code.
    """
    job = prepare(portrait, speech, output, settings or RenderSettings(), work, accept=accept)
    return run(job, progress, cancel, resume)


@contextlib.contextmanager
def timed(seconds: dict[str, float], stage: str) -> Iterator[None]:
    """Note the wall seconds of a block under a stage's name."""
    start = time.perf_counter()
    try:
        yield
    finally:
        seconds[stage] = time.perf_counter() - start


def _render_segments(
    render: Render, canvas: Canvas, segments: Segments, progress: Progress, cancel: threading.Event | None
) -> int:
    """Write every segment that is not there yet; return how many frames were there."""
    plan, reused, engine = render.plan, 0, None
    counted = FrameCount(progress, plan.frames)
    with contextlib.ExitStack() as stack:
        frames: Iterator[Image] | None = None
        for start in segments.starts:
            count = segments.length(start)
            if segments.finished(start):
                reused += count
                stack.close()
                frames = None
                counted.reach(start + count)
                continue
            if frames is None:
                engine = get_engine(plan.engine)
                if ENGINES[plan.engine].chained:
                    chained = cast("ChainedEngine", engine)
                    chained.folder, chained.cancel, chained.tell = segments.folder, cancel, counted.reach
                frames = frame_stream(canvas.portrait, render.speech, plan, start, cancel, engine)
                stack.callback(stream.close, frames)
            with SegmentWriter(segments.path(start), plan.size, plan.rate, render.encoding) as writer:
                for frame in itertools.islice(frames, count):
                    writer.write(frame)
                    counted.reach(start + writer.frames)
            track = getattr(engine, "track", None)
            segments.record(start, writer.bytes, track.source if track is not None else "")
    return reused


def preview(render: Render, frame: int | None = None) -> Image:
    """Return one finished frame, uint8 (H, W, 3) RGB; by default the one a third into the clip.

    Where frames follow from those before them it is the first: the others would have to be drawn too.

    >>> from pathlib import Path
    >>> from lipsync_colab import RenderSettings, prepare, preview
    >>> settings = RenderSettings(size="320x240")
    >>> preview(prepare(Path("portrait.jpg"), Path("voice.wav"), Path("out.mp4"), settings)).shape
    (240, 320, 3)
    """
    index = shown_frame(render.plan, 1 / 3) if frame is None else frame
    return drawn_frame(render, finish_still(render.portrait, render.plan, silent), index)


def drawn_frame(render: Render, canvas: Canvas, index: int) -> Image:
    """Return one finished frame, uint8 (H, W, 3) RGB.

    Args:
        render: from :func:`prepare`.
        canvas: its finished still.
        index: of the frame.
    """
    frames = frame_stream(canvas.portrait, render.speech, render.plan, index)
    try:
        return next(frames).copy()
    finally:
        stream.close(frames)
