"""Two measures of the picture alone, taken frame by frame: how sharp the mouth is, and what flickers elsewhere."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

import cv2
import numpy as np

from lipsync_colab.types import Face, Image, Portrait

SAMPLED_WIDTH = 480
"""Flicker is looked for in frames of this width: codec noise in single pixels is not flicker."""
FACE_ROOM = 0.8
"""What lies this many face sizes round the face may move with it and is left out."""


@dataclass
class PictureMeter:
    """Collects both measures while frames stream by.

    Attributes:
        sharpness: variance of the Laplacian in the mouth's box over that between eyes and nose, one a frame.
        flicker: mean absolute change in levels, away from the face, one a frame (NaN for the first).
        at: the number of the frame that each of them was measured in.
        repeated: how many frames, of all that were watched, show the same picture as the one before.
    """

    sharpness: list[float] = field(default_factory=list)
    flicker: list[float] = field(default_factory=list)
    at: list[int] = field(default_factory=list)
    repeated: int = 0
    _seen: int = 0
    _now: np.ndarray | None = None
    _before: np.ndarray | None = None

    def watch(self, frames: Iterator[Image]) -> Iterator[Image]:
        """Yield the frames on, with a small copy of this one and of the one before at hand."""
        for frame in frames:
            self._before, self._now = self._now, self._small(frame)
            if self._before is not None and np.array_equal(self._before, self._now):
                self.repeated += 1
            self._seen += 1
            yield frame

    def add(self, frame: Image, face: Face | None) -> None:
        """Measure the frame that is being watched, with the face found in it."""
        if face is None:
            return
        self.at.append(self._seen - 1)
        self.sharpness.append(mouth_sharpness(frame, face))
        change = float("nan")
        if self._before is not None and self._now is not None:
            change = self._change(self._now, self._before, frame.shape[1], face)
        self.flicker.append(change)

    @staticmethod
    def _small(frame: Image) -> np.ndarray:
        scale = SAMPLED_WIDTH / frame.shape[1]
        size = (SAMPLED_WIDTH, max(1, round(frame.shape[0] * scale)))
        return cv2.resize(cv2.cvtColor(frame, cv2.COLOR_RGB2GRAY), size, interpolation=cv2.INTER_AREA)

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


def mouth_sharpness(frame: Image, face: Face) -> float:
    """Return the detail of the mouth, which moves, over that between eyes and nose, which does not."""
    marks, unit = face.landmarks, face.eye_distance
    mouth = _detail(frame, marks[[61, 291]].mean(axis=0), (0.55 * unit, 0.35 * unit))
    nose = _detail(frame, marks[[168, 1]].mean(axis=0), (0.55 * unit, 0.35 * unit))
    return mouth / nose if nose > 0 else float("nan")


def portrait_sharpness(portrait: Portrait, eye_distance: float) -> float:
    """Return :func:`mouth_sharpness` of the still itself, seen as large as in the video.

    Args:
        portrait: what the video was made of.
        eye_distance: of the face in the video, in pixels.
    """
    scale = eye_distance / portrait.face.eye_distance
    size = (max(1, round(portrait.size[0] * scale)), max(1, round(portrait.size[1] * scale)))
    resample = cv2.INTER_AREA if scale < 1 else cv2.INTER_CUBIC
    image = np.asarray(cv2.resize(portrait.image, size, interpolation=resample), np.uint8)
    return mouth_sharpness(image, portrait.face.moved(np.array([[scale, 0, 0], [0, scale, 0]], np.float32)))


def _detail(frame: Image, centre: np.ndarray, half: tuple[float, float]) -> float:
    """Variance of the Laplacian in a box."""
    left, top = (max(0, int(value - reach)) for value, reach in zip(centre, half, strict=True))
    right, bottom = (int(value + reach) + 1 for value, reach in zip(centre, half, strict=True))
    box = frame[top:bottom, left:right]
    if min(box.shape[:2]) < 4:
        return float("nan")
    return float(cv2.Laplacian(cv2.cvtColor(box, cv2.COLOR_RGB2GRAY), cv2.CV_32F).var())
