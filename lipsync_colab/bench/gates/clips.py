"""Gates on a talking clip of a portrait, most of them measured on the frames of its decoded file."""

from __future__ import annotations

import dataclasses
import itertools
from collections.abc import Iterator
from pathlib import Path

import cv2
import numpy as np
from scipy.stats import wasserstein_distance

from lipsync_colab.bench.gates.gate import Gate
from lipsync_colab.bench.gates.registration import strip_openings
from lipsync_colab.bench.gates.sheet import sequence
from lipsync_colab.bench.gates.sources import save_picture
from lipsync_colab.bench.gates.voices import Line, closures, openings, vowel_frames, within
from lipsync_colab.engines.viseme.engine import speaking_track
from lipsync_colab.engines.viseme.mouth import Mouth
from lipsync_colab.pipeline.finishing import finish_still
from lipsync_colab.pipeline.frames import frame_stream
from lipsync_colab.pipeline.render import Render, prepare, run, silent
from lipsync_colab.report.face_motion import face_motion
from lipsync_colab.report.lag import lag
from lipsync_colab.report.video import open_video
from lipsync_colab.stream import close
from lipsync_colab.types import Array, Face, Image, Portrait, RenderSettings, Speech

SMILING = 0.06
"""Eye distances between the lips of a still from which on strips of lip are not found again."""
REPEATED = 40
"""Frames that are rendered twice."""


def clip_gates(picture: Path, line: Line, output: Path, size: int, name: str) -> list[Gate]:
    """Render a moving clip to keep, and a clip with the head still to measure the pause on.

    Args:
        picture: the source's file.
        line: what is said.
        output: the video to write; twelve of its frames go to a picture beside it.
        size: its short side in pixels.
        name: the source's.

    Raises:
        LipSyncError: the picture cannot be animated.
    """
    settings = RenderSettings(size=clip_size(picture, size), upscale="none")
    moving = _rendered(picture, line.speech, output, settings)
    quiet = dataclasses.replace(settings, still=True, blink=0.0)
    still = _rendered(picture, line.first, output.with_suffix(".still.mp4"), quiet)
    figures = {**_lip_figures(moving, line), **_pause_figures(still, line), "repeat": _repeated(moving)}
    still.output.unlink()
    return [Gate(name, "", gate, value) for gate, value in figures.items()]


def person_clip_gates(picture: Path, speech: Speech, output: Path, size: int, voice: str) -> list[Gate]:
    """Render a clip with a recording of a person to keep, and measure how its lips follow what was heard."""
    job = _rendered(picture, speech, output, RenderSettings(size=clip_size(picture, size), upscale="none"))
    canvas = finish_still(job.portrait, job.plan, silent).portrait
    mouth = Mouth(canvas)
    target = openings(mouth, speaking_track(speech, job.plan))
    found = lag(_by_strips(job, canvas, mouth), target, 3)
    return [Gate(voice, "", "lips r", found.at_zero), Gate(voice, "", "lips lag", abs(found.frames))]


def _by_strips(job: Render, canvas: Portrait, mouth: Mouth) -> Array:
    """Return the openings that strips of lip tell, float32 (frames,)."""
    return strip_openings(canvas.image, mouth, open_video(job.output).frames())


def _rendered(picture: Path, speech: Speech, output: Path, settings: RenderSettings) -> Render:
    job = prepare(picture, speech, output, settings)
    run(job)
    portrait = finish_still(job.portrait, job.plan, silent).portrait
    if not settings.still:
        save_picture(output.with_name(f"{output.stem}_frames.png"), sequence(open_video(output).frames(), portrait))
    return job


def clip_size(picture: Path, short: int) -> str:
    """Return the size of the picture's own shape with a short side of some pixels, even."""
    from PIL import Image as Pillow

    with Pillow.open(picture) as opened:
        width, height = opened.size
    factor = short / min(width, height)
    return f"{2 * round(width * factor / 2)}x{2 * round(height * factor / 2)}"


def _lip_figures(job: Render, line: Line) -> dict[str, float]:
    """Measure the lips in the decoded file against what the track wants."""
    canvas = finish_still(job.portrait, job.plan, silent).portrait
    mouth = Mouth(canvas)
    track = speaking_track(line.speech, job.plan)
    target, spoken, rate = openings(mouth, track), line.speech.phonemes or (), job.plan.rate
    seen = face_motion(open_video(job.output).frames())
    # Landmarks are measured in the picture's eye distances, which a turned face shortens.
    by_landmarks = seen.aperture * np.float32(canvas.face.eye_distance / mouth.facing.unit)
    opening = by_landmarks if mouth.lips.parted > SMILING else _by_strips(job, canvas, mouth)
    follows = lag(opening, target, 3)
    return {
        "closures": closures(opening, spoken, rate),
        "vowels": _apart(opening, target, vowel_frames(spoken, rate, len(target))),
        "lips r": follows.at_zero,
        "lips lag": abs(follows.frames),
        "seen closures": closures(by_landmarks, spoken, rate),
        "seen r": lag(by_landmarks, target, 3).at_zero,
        "blink r": lag(-seen.lids, track.channel("blink"), 3).at_zero,
    }


def _apart(opening: Array, target: Array, frames: np.ndarray) -> float:
    """Return how far two distributions lie apart at some frames, as a share of the second's mean."""
    found = frames[np.isfinite(opening[frames])]
    if not len(found):
        return float("nan")
    return float(wasserstein_distance(opening[found], target[frames]) / target[frames].mean())


def _pause_figures(job: Render, line: Line) -> dict[str, float]:
    """Measure the clip whose head is still: how much moves in the pause, before and after encoding."""
    canvas = finish_still(job.portrait, job.plan, silent).portrait
    pause = within(line.pause, job.plan.rate)
    box = _lower_face(canvas.face)
    beyond = _beyond(canvas)
    frames = frame_stream(canvas, job.speech, job.plan)
    moved, outside = [], 0.0
    for change in _changes(frames):
        moved.append(change[box].mean())
        outside = max(outside, float(change[beyond].max(initial=0)))
    close(frames)
    elsewhere = np.ones(canvas.image.shape[:2], bool)
    elsewhere[box] = False
    flicker = [
        change[elsewhere].mean()
        for index, change in enumerate(_changes(open_video(job.output).frames()))
        if pause.start <= index < pause.stop - 1
    ]
    return {
        "silence": float(np.mean(moved[pause.start : pause.stop - 1]) / np.mean(moved[: pause.start])),
        "outside": outside,
        "flicker": float(np.mean(flicker)),
    }


def _repeated(job: Render) -> float:
    """Return the largest difference between the first frames of two renders, in levels."""
    canvas = finish_still(job.portrait, job.plan, silent).portrait
    streams = [frame_stream(canvas, job.speech, job.plan) for _ in range(2)]
    pairs = itertools.islice(zip(*streams, strict=True), REPEATED)
    largest = max(float(cv2.absdiff(one, other).max()) for one, other in pairs)
    for frames in streams:
        close(frames)
    return largest


def _changes(frames: Iterator[Image]) -> Iterator[np.ndarray]:
    """Yield the absolute change of luma from frame to frame, float (H, W)."""
    before = None
    for frame in frames:
        luma = cv2.cvtColor(frame, cv2.COLOR_RGB2GRAY)
        if before is not None:
            yield cv2.absdiff(luma, before)
        before = luma


def _lower_face(face: Face) -> tuple[slice, slice]:
    """Return what a mouth moves, rows and columns."""
    marks, unit = face.landmarks, face.eye_distance
    middle = marks[[61, 291]].mean(axis=0)
    low, high = np.maximum((middle - 1.2 * unit).astype(int), 0), (middle + 1.4 * unit).astype(int)
    return slice(low[1], high[1]), slice(low[0], high[0])


def _beyond(portrait: Portrait) -> np.ndarray:
    """Return where nothing may change while the head is still, bool (H, W).

    That is what lies further from the face than a jaw, a neck and a collar reach.
    """
    face = np.zeros(portrait.image.shape[:2], np.uint8)
    hull = cv2.convexHull(portrait.face.landmarks[:468].copy()).astype(np.int32)
    cv2.fillConvexPoly(face, hull, 1)
    outwards = cv2.distanceTransform(1 - face, cv2.DIST_L2, 5)
    below = np.arange(len(face))[:, None] > portrait.face.landmarks[13, 1]
    return np.asarray(outwards > np.where(below, 1.5, 0.75) * portrait.face.eye_distance)
