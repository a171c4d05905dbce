"""Two measures of the picture alone, taken frame by frame: how sharp the mouth is, and what flickers elsewhere."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

import cv2
import numpy as np

from lipsync_colab.types import Face, Image

SAMPLED_WIDTH = 480
"""Flicker is looked for in frames of this width: codec noise in single pixels is not flicker."""
FACE_ROOM = 0.8
"""What lies this many face sizes round the face may move with it and is left out."""


@dataclass
class PictureMeter:
    """Collects both measures while frames stream by.

    Attributes:
        sharpness: variance of the Laplacian in the mouth's box over that between eyes and nose, one a frame.
        flicker: mean absolute change in levels, away from the face, one for each pair of frames.
    """

    sharpness: list[float] = field(default_factory=list)
    flicker: list[float] = field(default_factory=list)
    _before: np.ndarray | None = None

    def watch(self, frames: Iterator[Image]) -> Iterator[Image]:
        """Yield the frames on, remembering a small copy of each for the next."""
        for frame in frames:
            yield frame
            self._before = self._small(frame)

    def add(self, frame: Image, face: Face | None) -> None:
        """Measure one frame with the face found in it."""
        if face is None:
            return
        self.sharpness.append(self._sharpness(frame, face))
        if self._before is not None:
            self.flicker.append(self._change(self._small(frame), self._before, frame.shape[1], face))

    @staticmethod
    def _small(frame: Image) -> np.ndarray:
        scale = SAMPLED_WIDTH / frame.shape[1]
        size = (SAMPLED_WIDTH, max(1, round(frame.shape[0] * scale)))
        return cv2.resize(cv2.cvtColor(frame, cv2.COLOR_RGB2GRAY), size, interpolation=cv2.INTER_AREA)

    @staticmethod
    def _sharpness(frame: Image, face: Face) -> float:
        marks, unit = face.landmarks, face.eye_distance
        mouth = _detail(frame, marks[[61, 291]].mean(axis=0), (0.55 * unit, 0.35 * unit))
        nose = _detail(frame, marks[[168, 1]].mean(axis=0), (0.55 * unit, 0.35 * unit))
        return mouth / nose if nose > 0 else float("nan")

    @staticmethod
    def _change(now: np.ndarray, before: np.ndarray, width: int, face: Face) -> float:
        scale = now.shape[1] / width
        left, top, right, bottom = (value * scale for value in face.box)
        room = FACE_ROOM * max(right - left, bottom - top)
        change = np.abs(now.astype(np.float32) - before)
        keep = np.ones(now.shape, bool)
        # Below the face lies the body, which breathes.
        keep[max(0, int(top - room)) :, max(0, int(left - room)) : int(right + room)] = False
        return float(change[keep].mean()) if keep.any() else float("nan")


def _detail(frame: Image, centre: np.ndarray, half: tuple[float, float]) -> float:
    """Variance of the Laplacian in a box."""
    left, top = (max(0, int(value - reach)) for value, reach in zip(centre, half, strict=True))
    right, bottom = (int(value + reach) + 1 for value, reach in zip(centre, half, strict=True))
    box = frame[top:bottom, left:right]
    if min(box.shape[:2]) < 4:
        return float("nan")
    return float(cv2.Laplacian(cv2.cvtColor(box, cv2.COLOR_RGB2GRAY), cv2.CV_32F).var())
