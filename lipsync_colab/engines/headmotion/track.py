"""Motion at the networks' own 25 frames per second, read at any rate."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction

import numpy as np
from numpy.typing import NDArray

from lipsync_colab.types import Array

NATIVE_FPS = 25


def native_frames(frames: int, fps: Fraction) -> int:
    """Return how many native frames cover a clip, at least one: the last lies at or after the clip's last."""
    return max(1, -((1 - frames) * NATIVE_FPS // fps) + 1) if fps != NATIVE_FPS else max(1, frames)


def native_position(frame: int, fps: Fraction) -> float:
    """Return where a frame lies on the native track; a whole number where the two meet."""
    return float(frame * NATIVE_FPS / fps)


@dataclass(frozen=True, eq=False)
class MotionTrack:
    """Values over time, 25 a second.

    Attributes:
        values: float32 (T, channels).
    """

    values: Array

    def __len__(self) -> int:
        return len(self.values)

    def at(self, positions: NDArray[np.float64]) -> Array:
        """Return values between frames, linearly, the ends repeated: (…,) to (…, channels)."""
        where = np.clip(positions, 0, len(self.values) - 1)
        low = np.floor(where).astype(np.int64)
        high = np.minimum(low + 1, len(self.values) - 1)
        share = (where - low)[..., None].astype(np.float32)
        return (self.values[low] * (1 - share) + self.values[high] * share).astype(np.float32)

    def windows(self, positions: NDArray[np.float64], radius: int) -> Array:
        """Return what surrounds each position, (B,) to float32 (B, channels, 2 · radius + 1)."""
        offsets = np.arange(-radius, radius + 1)
        return np.ascontiguousarray(self.at(positions[:, None] + offsets).transpose(0, 2, 1))
