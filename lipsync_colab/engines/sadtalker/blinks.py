"""When the lids close."""

from __future__ import annotations

import random

import numpy as np

from lipsync_colab.types import Array

CLOSURE = (0.5, 0.9, 1.0, 0.9, 0.5)
"""One blink at 25 frames per second."""
SHORTEST, LONGEST = 10, 70
"""Native frames between blinks: from 0.4 to 2.8 seconds, and less than half a short clip."""
SHORTEST_CLIP = 20


def blink_track(frames: int, seed: int) -> Array:
    """Return the lids' closure at every native frame, float32 (frames,) in [0, 1].

    Args:
        frames: at 25 per second. Up to 20 frames have no blink, and 21 have no room for one.
        seed: the same seed gives the same blinks.
    """
    closure = np.zeros(frames, np.float32)
    chance = random.Random(seed)
    pauses = range(min(SHORTEST, frames), min(frames // 2, LONGEST))
    position = 0
    while frames > SHORTEST_CLIP and pauses:
        start = position + chance.choice(pauses)
        position = start + len(CLOSURE)
        if position > frames - 1:
            break
        closure[start:position] = CLOSURE
    return closure
