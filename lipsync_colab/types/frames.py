"""Frames: a stream that knows its length, and how many frames cover a sound."""

from __future__ import annotations

import math
from collections.abc import Iterator
from fractions import Fraction
from typing import Generic, TypeVar

Item = TypeVar("Item")


class FrameStream(Generic[Item]):
    """An iterator of frames that knows its size, rate and length. Closing it closes its source.

    Attributes:
        size: ``(width, height)`` of the finished frame in pixels.
        fps: frames per second, exact.
        total: how many frames the whole clip has (a stream that starts late still tells the whole).
    """

    def __init__(self, frames: Iterator[Item], size: tuple[int, int], fps: Fraction, total: int) -> None:
        self._frames = frames
        self.size = size
        self.fps = fps
        self.total = total

    def __iter__(self) -> FrameStream[Item]:
        return self

    def __next__(self) -> Item:
        return next(self._frames)

    def close(self) -> None:
        """Close the source, and through it every stage below."""
        close = getattr(self._frames, "close", None)
        if close is not None:
            close()


def frame_count(seconds: float, fps: Fraction) -> int:
    """Return how many frames cover ``seconds``: ``ceil(seconds * fps)``, at least 1. Audio is the clock."""
    exact = Fraction(seconds).limit_denominator(1_000_000) * fps
    return max(1, math.ceil(exact))
