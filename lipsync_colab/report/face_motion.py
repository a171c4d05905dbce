"""The face in each frame of a video: how far lips and lids are open, measured on landmarks found anew."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from lipsync_colab.portrait import FaceTracker
from lipsync_colab.types import Array, Face, Image

INNER_LIPS = ((13, 14), (82, 87), (312, 317))
"""Pairs of inner-lip landmarks, upper and lower: the middle and both sides of it."""
CORNERS = (61, 291)
LIDS = ((159, 145), (386, 374))
CHIN, NOSE_BRIDGE = 152, 6


@dataclass(frozen=True, eq=False)
class FaceMotion:
    """Measures of every frame in eye distances, NaN where no face was found.

    Attributes:
        aperture: float32 (frames,), between the inner lips.
        width: float32 (frames,), between the mouth corners.
        lids: float32 (frames,), between the lids, mean of both eyes.
        chin: float32 (frames,), from the bridge of the nose to the chin.
        mouth: float32 (frames, 2), the mouth's middle in pixels.
        eye_distance: float32 (frames,), in pixels.
    """

    aperture: Array
    width: Array
    lids: Array
    chin: Array
    mouth: Array
    eye_distance: Array

    def __len__(self) -> int:
        return len(self.aperture)

    @property
    def found(self) -> np.ndarray:
        """bool (frames,): where a face was found."""
        return np.isfinite(self.aperture)


def face_motion(frames: Iterable[Image], tracker: FaceTracker | None = None) -> FaceMotion:
    """Track one face through a video.

    Args:
        frames: uint8 (H, W, 3) RGB, taken one at a time.
        tracker: an open landmark model; one of its own by default.
    """
    own = FaceTracker() if tracker is None else None
    try:
        return _measure(frames, tracker or own)  # type: ignore[arg-type]
    finally:
        if own is not None:
            own.close()


def _measure(frames: Iterable[Image], tracker: FaceTracker) -> FaceMotion:
    rows: list[tuple[float, ...]] = []
    near: Face | None = None
    for frame in frames:
        found = tracker.detect(frame, near=near)
        near = found[0] if found else None
        rows.append(_row(near) if near is not None else (np.nan,) * 7)
    table = np.array(rows, np.float32).reshape(-1, 7)
    aperture, width, lids, chin, across, down, unit = table.T
    return FaceMotion(aperture, width, lids, chin, np.stack([across, down], axis=1), unit)


def _row(face: Face) -> tuple[float, ...]:
    marks, unit = face.landmarks, face.eye_distance

    def between(one: int, other: int) -> float:
        return float(np.linalg.norm(marks[one] - marks[other])) / unit

    middle = marks[list(CORNERS)].mean(axis=0)
    aperture = float(np.median([between(*pair) for pair in INNER_LIPS]))
    lids = float(np.mean([between(*pair) for pair in LIDS]))
    return aperture, between(*CORNERS), lids, between(CHIN, NOSE_BRIDGE), float(middle[0]), float(middle[1]), unit
