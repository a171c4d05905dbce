"""Which window of 64 frames gives which frame."""

from __future__ import annotations

from lipsync_colab.networks.audio2head.audio2kp import FRAMES

HOP = FRAMES // 2
LEAD = FRAMES // 4
"""Frames at either end of a window that the neighbouring window gives; the first window gives its first too."""


def window_of(frame: int) -> int:
    """Return the number of the window that gives a frame."""
    return max(0, (frame - LEAD) // HOP)


def place_in_window(frame: int) -> tuple[int, int]:
    """Return the window's first frame, and the frame's index in the window."""
    first = window_of(frame) * HOP
    return first, frame - first
