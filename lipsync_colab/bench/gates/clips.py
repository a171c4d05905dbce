"""Gates on a talking clip of a portrait, measured on the frames of its decoded file."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from pathlib import Path

import cv2
import numpy as np
from scipy.stats import wasserstein_distance

from lipsync_colab.bench.gates.gate import Gate
from lipsync_colab.bench.gates.voices import Line, closures, openings, vowel_frames, within
from lipsync_colab.engines.viseme.engine import speaking_track
from lipsync_colab.engines.viseme.mouth import Mouth
from lipsync_colab.pipeline.render import Render, finish_still, frame_stream, prepare, run, silent
from lipsync_colab.report.face_motion import face_motion
from lipsync_colab.report.lag import lag
from lipsync_colab.report.video import open_video
from lipsync_colab.stream import close
from lipsync_colab.types import Face, Image, RenderSettings


def clip_gates(picture: Path, line: Line, output: Path, size: int, name: str) -> list[Gate]:
    """Render a moving clip to keep, and a clip with the head still to measure the pause on.

    Args:
        picture: the source's file.
        line: what is said.
        output: the video to write.
        size: its short side in pixels.
        name: the source's.

    Raises:
        LipSyncError: the picture cannot be animated.
    """
    settings = RenderSettings(size=_shape(picture, size), upscale="none")
    moving = prepare(picture, line.speech, output, settings)
    run(moving)
    still = prepare(
        picture, line.first, output.with_suffix(".still.mp4"), dataclasses.replace(settings, still=True, blink=0.0)
    )
    run(still)
    figures = {**_lip_figures(moving, line), **_pause_figures(still, line)}
    still.output.unlink()
    return [Gate(name, "", gate, value) for gate, value in figures.items()]


def _shape(picture: Path, short: int) -> str:
    """Return the size of the picture's own shape with a short side of some pixels, even."""
    from PIL import Image as Pillow

    with Pillow.open(picture) as opened:
        width, height = opened.size
    factor = short / min(width, height)
    return f"{2 * round(width * factor / 2)}x{2 * round(height * factor / 2)}"


def _lip_figures(job: Render, line: Line) -> dict[str, float]:
    """Measure the lips that landmarks find in the decoded file against what the track wants."""
    mouth = Mouth(finish_still(job.portrait, job.plan, silent).portrait)
    target = openings(mouth, speaking_track(line.speech, job.plan))
    seen = face_motion(open_video(job.output).frames())
    face = finish_still(job.portrait, job.plan, silent).portrait.face
    # Landmarks are measured in the picture's eye distances, which a turned face shortens.
    opening = seen.aperture * np.float32(face.eye_distance / mouth.facing.unit)
    spoken = line.speech.phonemes or ()
    vowels = vowel_frames(spoken, job.plan.rate, len(target))
    found = vowels[np.isfinite(opening[vowels])]
    apart = wasserstein_distance(opening[found], target[vowels]) / target[vowels].mean() if len(found) else np.nan
    return {
        "closures": closures(opening, spoken, job.plan.rate),
        "vowels": float(apart),
        "lips r": lag(opening, target, 2).at_zero,
    }


def _pause_figures(job: Render, line: Line) -> dict[str, float]:
    """Measure the clip whose head is still: how much moves in the pause, before and after encoding."""
    canvas = finish_still(job.portrait, job.plan, silent).portrait
    pause = within(line.pause, job.plan.rate)
    low, high = _lower_face(canvas.face)
    box = (slice(max(low[1], 0), high[1]), slice(max(low[0], 0), high[0]))
    frames = frame_stream(canvas, job.speech, job.plan)
    moved = np.array([change[box].mean() for change in _changes(frames)])
    close(frames)
    elsewhere = np.ones(canvas.image.shape[:2], bool)
    elsewhere[box] = False
    flicker = [
        change[elsewhere].mean()
        for index, change in enumerate(_changes(open_video(job.output).frames()))
        if pause.start <= index < pause.stop - 1
    ]
    return {
        "silence": float(moved[pause.start : pause.stop - 1].mean() / moved[: pause.start].mean()),
        "flicker": float(np.mean(flicker)),
    }


def _changes(frames: Iterator[Image]) -> Iterator[np.ndarray]:
    """Yield the absolute change of luma from frame to frame, float (H, W)."""
    before = None
    for frame in frames:
        luma = cv2.cvtColor(frame, cv2.COLOR_RGB2GRAY)
        if before is not None:
            yield cv2.absdiff(luma, before)
        before = luma


def _lower_face(face: Face) -> tuple[np.ndarray, np.ndarray]:
    """Return the corners of what a mouth moves, in whole pixels."""
    marks, unit = face.landmarks, face.eye_distance
    middle = marks[[61, 291]].mean(axis=0)
    return (middle - 1.2 * unit).astype(int), (middle + 1.4 * unit).astype(int)
