"""Head motion or lids of a person in a video, as coefficients at 25 frames per second."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import numpy as np

from lipsync_colab.engines.headmotion.crop import HeadCrop
from lipsync_colab.engines.headmotion.track import NATIVE_FPS, MotionTrack
from lipsync_colab.engines.sadtalker.coefficients import EXPRESSION, POSE, CoefficientReader
from lipsync_colab.engines.sadtalker.video import open_video
from lipsync_colab.errors import InputError
from lipsync_colab.portrait.landmarks import FaceTracker
from lipsync_colab.types import Array, Face


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
