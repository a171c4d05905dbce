"""Head motion or lids of a person in a video, as coefficients at 25 frames per second."""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path

import cv2
import numpy as np

from lipsync_colab.engines.headmotion.crop import HeadCrop
from lipsync_colab.engines.headmotion.track import NATIVE_FPS, MotionTrack
from lipsync_colab.engines.sadtalker.coefficients import EXPRESSION, POSE, CoefficientReader
from lipsync_colab.errors import InputError
from lipsync_colab.portrait.landmarks import FaceTracker
from lipsync_colab.types import Array, Face, Image

LONGEST = 3000
"""Frames that are read; a longer video is cut there, and the motion repeats."""


def read_reference(path: str, reader: CoefficientReader, kind: str) -> Array:
    """Return the pose (N, 6) or the expression (N, 64) of the face in a video, float32.

    Frames without a face repeat the last one that had one. The crop of the first face serves every frame.

    Args:
        path: a video that OpenCV reads.
        reader: measures the face.
        kind: ``"pose"`` or ``"blink"``.

    Raises:
        InputError: no such file, no video, or no face in it.
    """
    part = POSE if kind == "pose" else EXPRESSION
    measured: list[Array] = []
    crop: HeadCrop | None = None
    face: Face | None = None
    fps, frames = open_video(path)
    with FaceTracker() as tracker:
        for image in frames:
            found = tracker.detect(image, near=face)
            if found:
                face = found[0]
                crop = crop or HeadCrop.of_face(face)
                measured.append(reader.read(image, face, crop)[part])
            elif measured:
                measured.append(measured[-1])
    if not measured:
        raise InputError(f"{Path(path).name}: no face was found in the video; give one that shows a face")
    return at_native_rate(np.stack(measured), fps)


def at_native_rate(values: Array, fps: Fraction) -> Array:
    """Return values (N, channels) at 25 a second."""
    count = max(1, round(len(values) * NATIVE_FPS / fps))
    return MotionTrack(values).at(np.arange(count, dtype=np.float64) * float(fps / NATIVE_FPS))


def open_video(path: str) -> tuple[Fraction, Iterator[Image]]:
    """Return a video's frame rate and its frames, uint8 (H, W, 3) RGB.

    Raises:
        InputError: no such file, or nothing that can be read as a video.
    """
    if not Path(path).is_file():
        raise InputError(f"{path}: no such file; give a video for the reference")
    video = cv2.VideoCapture(path)
    fps = video.get(cv2.CAP_PROP_FPS)
    if not video.isOpened() or not 1 <= fps <= 1000:
        video.release()
        raise InputError(f"{Path(path).name}: not a video that can be read; convert it to MP4")
    return Fraction(fps).limit_denominator(1001), _frames(video)


def _frames(video: cv2.VideoCapture) -> Iterator[Image]:
    try:
        for _ in range(LONGEST):
            read, image = video.read()
            if not read:
                break
            yield np.asarray(cv2.cvtColor(image, cv2.COLOR_BGR2RGB), np.uint8)
    finally:
        video.release()
