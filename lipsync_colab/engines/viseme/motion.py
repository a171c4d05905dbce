"""What the embedded engine can move: one pose per frame, whatever made it and whatever draws it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from lipsync_colab.types import Array

MOUTH = ("jaw", "wide", "round", "upper", "lower", "press", "tuck", "tongue")
"""Mouth parameters, each in [0, 1]: jaw opening, spread, rounding, upper-lip raise, lower-lip drop,
lips pressed together, lower lip under the upper teeth (f, v), tongue forward (behind the upper
teeth for l, between the rows for th)."""

LIFE = ("blink", "gaze_x", "gaze_y", "brow", "smile", "head_x", "head_y", "roll", "yaw", "pitch", "breath")
"""The rest of the face: lid closure [0, 1]; gaze in eye widths; brow raise [-1, 1]; smile [-1, 1]; head
translation in eye distances; roll, yaw and pitch in radians; breath (rise of the chest) in eye distances."""

FEELING = ("frown",)
"""What only a mood moves: the inner ends of the brows, down and together at 1, up at -1."""

CHANNELS = MOUTH + LIFE + FEELING


@dataclass(frozen=True, eq=False)
class MotionTrack:
    """Every parameter at every frame.

    Attributes:
        values: float32 (frames, len(CHANNELS)), columns in the order of ``CHANNELS``.
        source: where the mouth came from: ``"phonemes"``, ``"alignment"``, ``"recogniser"``, ``"learned"``,
            ``"phone loop"`` or ``"energy"``.
    """

    values: Array
    source: str

    def __len__(self) -> int:
        return len(self.values)

    def channel(self, name: str) -> Array:
        """Return one parameter over time, float32 (frames,)."""
        return self.values[:, CHANNELS.index(name)]

    def pose(self, frame: int) -> dict[str, float]:
        """Return one frame's parameters by name."""
        return dict(zip(CHANNELS, (float(value) for value in self.values[frame]), strict=True))


def empty_track(frames: int, source: str) -> MotionTrack:
    """Return a track at rest."""
    return MotionTrack(np.zeros((frames, len(CHANNELS)), np.float32), source)
