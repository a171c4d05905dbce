"""Head angles given by hand: ``--option yaw=-20,30,10`` turns the head along that path during the clip."""

from __future__ import annotations

import math

import numpy as np

from lipsync_colab.errors import InputError
from lipsync_colab.types import Array

LARGEST = 90.0


def parse_degrees(text: str) -> tuple[float, ...]:
    """Return the angles of an option such as ``"-20,30"``; none for an empty text.

    Raises:
        InputError: no numbers, or more than 90 degrees.
    """
    try:
        degrees = tuple(float(part) for part in text.split(",")) if text else ()
    except ValueError:
        degrees = (math.inf,)
    if any(not abs(value) <= LARGEST for value in degrees):
        raise InputError(f"{text!r}: give degrees of yaw, pitch or roll from -90 to 90, such as -20,30,10")
    return degrees


def camera_path(degrees: tuple[float, ...], frames: int) -> Array:
    """Return an angle for every frame, float32 (frames,) in degrees, at constant speed from first to last.

    Args:
        degrees: one angle or more; equal neighbours take no time.
        frames: of the clip.
    """
    travelled = np.concatenate([[0], np.cumsum(np.abs(np.diff(degrees)))])
    return np.interp(np.linspace(0, travelled[-1], frames), travelled, degrees).astype(np.float32)
