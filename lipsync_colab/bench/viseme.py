"""The embedded engine against x264: CPU time of each for the same frames, and the whole render against real time."""

from __future__ import annotations

import dataclasses
import itertools
import resource
import subprocess
import tempfile
import time
from fractions import Fraction
from pathlib import Path
from typing import Any

from lipsync_colab import stream
from lipsync_colab.audio.ffmpeg import ffmpeg_executable
from lipsync_colab.encode import Encoding, segment_arguments
from lipsync_colab.narrate.voice import speak
from lipsync_colab.pipeline.finishing import finish_still
from lipsync_colab.pipeline.frames import frame_stream
from lipsync_colab.pipeline.render import Render, prepare, silent
from lipsync_colab.pipeline.render import run as render
from lipsync_colab.types import Image, RenderSettings, Speech

SAMPLE = 100
"""Frames that both the engine and the encoder are measured on: 350 MB at 1080×1080."""
ROUNDS = 4

LINE = "The quick brown fox jumps over the lazy dog, and many more people wait by the old bridge before noon."


def measure(portrait: Path, seconds: float = 10.0) -> dict[str, Any]:
    """Measure at 1080×1080 and 25 fps, with and without head motion.

    Args:
        portrait: a picture file.
        seconds: about how much is spoken.

    Returns:
        For each of ``still`` and ``moving``: engine CPU ms a frame, x264's, their ratio, seconds of compute per
        second of video for the whole render, and seconds until the first frame.
    """
    with tempfile.TemporaryDirectory(prefix="lipsync-colab-") as folder:
        speech = spoken_line(seconds, Path(folder) / "voice.wav")[1]
        settings = RenderSettings(size="1080p", aspect="1:1", upscale="none")
        return {
            name: _compare(portrait, speech, Path(folder), dataclasses.replace(settings, still=still))
            for name, still in (("still", True), ("moving", False))
        }


def spoken_line(seconds: float, path: Path) -> tuple[str, Speech]:
    """Speak a line as often as it takes.

    Args:
        seconds: the least length.
        path: where the voice is written.

    Returns:
        What is said, and the speech.
    """
    text, spoken = LINE, speak(LINE, path=path)
    while spoken.seconds < seconds:
        text = f"{text} {LINE}"
        spoken = speak(text, path=path)
    return text, spoken


def _compare(portrait: Path, speech: Speech, folder: Path, settings: RenderSettings) -> dict[str, Any]:
    started = time.perf_counter()
    job = prepare(portrait, speech, folder / "out.mp4", settings)
    frames = frame_stream(finish_still(job.portrait, job.plan, silent).portrait, job.speech, job.plan)
    next(frames)
    first = time.perf_counter() - started
    frames.close()  # type: ignore[attr-defined]
    engine, sample = _engine_cost(job)
    encoder = _encoder_cost(sample, job.plan.rate)
    started = time.perf_counter()
    render(job)
    whole = time.perf_counter() - started
    return {
        "frames": job.plan.frames,
        "engine_ms": round(engine * 1e3, 2),
        "x264_ms": round(encoder * 1e3, 2),
        "engine_to_x264": round(engine / encoder, 3),
        "seconds_per_second": round(whole / job.speech.seconds, 3),
        "first_frame_seconds": round(first, 2),
    }


def _engine_cost(job: Render) -> tuple[float, list[Image]]:
    """CPU seconds of this process per frame while frames are drawn and composed, and those frames.

    The least of several rounds over the same frames: whatever else the machine does only adds. The frames are kept
    in a round of their own: fresh memory for each costs about a millisecond that no render pays.
    """
    still = finish_still(job.portrait, job.plan, silent).portrait
    best = float("inf")
    for _ in range(ROUNDS):
        frames = frame_stream(still, job.speech, job.plan)
        next(frames)
        before = time.process_time()
        drawn = sum(1 for _ in itertools.islice(frames, SAMPLE))
        best = min(best, (time.process_time() - before) / drawn)
        stream.close(frames)
    frames = frame_stream(still, job.speech, job.plan)
    sample = [frame.copy() for frame in itertools.islice(frames, SAMPLE)]
    stream.close(frames)
    return best, sample


def _encoder_cost(frames: list[Image], fps: Fraction) -> float:
    """CPU seconds of x264 (our options, the process's own accounting) per frame, the least of several rounds."""
    return min(_encode_once(frames, fps) for _ in range(ROUNDS))


def _encode_once(frames: list[Image], fps: Fraction) -> float:
    height, width = frames[0].shape[:2]
    command = segment_arguments(ffmpeg_executable(), (width, height), fps, Encoding(), "-")
    command[command.index("-f", command.index("+bitexact")) + 1] = "null"
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    process = subprocess.Popen(command, stdin=subprocess.PIPE)
    assert process.stdin is not None
    for frame in frames:
        process.stdin.write(frame.tobytes())
    process.stdin.close()
    process.wait()
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return ((after.ru_utime + after.ru_stime) - (before.ru_utime + before.ru_stime)) / len(frames)
