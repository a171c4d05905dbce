"""Videos that motion is taken from."""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path

import cv2
import numpy as np

from lipsync_colab.errors import InputError
from lipsync_colab.types import Image

LONGEST = 3000
"""Frames that are read; a longer video is cut there, and the motion repeats."""


def check_video(path: str) -> None:
    """Refuse a reference that cannot be read; an empty path is none.

    Raises:
        InputError: no such file, or nothing that can be read as a video.
    """
    if path:
        _, frames = open_video(path)
        next(frames, None)


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
