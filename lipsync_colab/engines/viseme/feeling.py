"""Moods on the embedded engine's face: what each expression tag adds to the motion of speech."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction

import numpy as np

from lipsync_colab.audio.level import frame_times
from lipsync_colab.engines.viseme.motion import CHANNELS, MotionTrack
from lipsync_colab.engines.viseme.sway import HEAD, LIMIT
from lipsync_colab.engines.viseme.visemes import SHAPES
from lipsync_colab.moods import EMPHASIS, expression_factor, felt, head_factor
from lipsync_colab.types import Array, Mood


@dataclass(frozen=True)
class Feeling:
    """What a tag adds at an amount of 1, beside its factors of articulation and head motion.

    The names are channels of :mod:`~lipsync_colab.engines.viseme.motion`.

    Attributes:
        smile: added to the mouth's corners.
        brow: added to the brows' raise.
        frown: added to the inner ends of the brows.
        lids: least closure of the lids.
        nod: radians that the chin goes down meanwhile.
    """

    smile: float = 0.0
    brow: float = 0.0
    frown: float = 0.0
    lids: float = 0.0
    nod: float = 0.0


FEELINGS = {
    "happy": Feeling(smile=0.75, brow=0.25),
    "sad": Feeling(smile=-0.5, brow=0.15, frown=-0.8, lids=0.14, nod=0.012),
    "serious": Feeling(smile=-0.15, brow=-0.25, frown=0.35),
    "surprised": Feeling(smile=0.1, brow=1.0, nod=-0.012),
    "angry": Feeling(smile=-0.35, brow=-0.35, frown=1.0, nod=0.01),
    EMPHASIS: Feeling(brow=0.55, nod=0.02),
}
"""By eye, on two photographs and two paintings: a stronger smile looks glued on, a stronger brow bends glasses."""

ADDED = ("smile", "brow", "frown")


def add_feeling(
    track: MotionTrack,
    moods: Sequence[Mood],
    fps: Fraction,
    *,
    expression: float = 1.0,
    head_motion: float = 1.0,
) -> MotionTrack:
    """Return the track with moods on it; without moods, the same track.

    Args:
        track: of a whole clip.
        moods: by time.
        fps: frames per second.
        expression: amount, 0 (no mood shows on the face) to 2.
        head_motion: amount; 0 where the head has to stay still.
    """
    if not moods:
        return track
    times = frame_times(fps, len(track))
    end = float(len(track) / fps)
    values = track.values.copy()
    shares = {tag: expression * felt(moods, tag, times, end=end) for tag in FEELINGS}
    for name in ADDED:
        column = values[:, CHANNELS.index(name)]
        column += _summed(shares, name)
        np.clip(column, -1, 1, out=column)
    blink = values[:, CHANNELS.index("blink")]
    np.maximum(blink, np.clip(_summed(shares, "lids"), 0, 1), out=blink)
    speaking = expression_factor(moods, times, end=end, amount=expression)
    for name in SHAPES:
        column = values[:, CHANNELS.index(name)]
        np.clip(column * speaking, 0, 1, out=column)
    if head_motion > 0:
        factor = head_factor(moods, times, end=end, amount=min(expression, 1.0))
        _move_head(values, factor, head_motion * _summed(shares, "nod"))
    return MotionTrack(values, track.source)


def _summed(shares: dict[str, Array], name: str) -> Array:
    return np.asarray(sum(getattr(FEELINGS[tag], name) * share for tag, share in shares.items()))


def _move_head(values: Array, factor: Array, nod: Array) -> None:
    for name, limit in zip(HEAD, LIMIT, strict=True):
        column = values[:, CHANNELS.index(name)]
        column *= factor
        if name == "pitch":
            column += nod
        np.clip(column, -limit, limit, out=column)
