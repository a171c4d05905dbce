"""How much of each motion is wanted."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from lipsync_colab.moods import expression_factor, head_factor
from lipsync_colab.types import Array, Mood, RenderSettings


@dataclass(frozen=True)
class Amounts:
    """Three independent factors; 0 leaves the still as it is, 1 is what the networks were trained on.

    Attributes:
        head: of turning and moving; 0 in still mode.
        expression: of what the voice does to the face.
        blink: of the lids' closure; in still mode too.
        moods: change the first two for a while.
    """

    head: float = 1.0
    expression: float = 1.0
    blink: float = 1.0
    moods: tuple[Mood, ...] = ()

    @classmethod
    def of(cls, settings: RenderSettings, moods: tuple[Mood, ...] = ()) -> Amounts:
        """Read the factors from a render's settings."""
        head = 0.0 if settings.still else settings.head_motion
        return cls(head, settings.expression, settings.blink, moods)

    def head_at(self, times: np.ndarray) -> Array:
        """Return the factor of head motion at given seconds, the last of them the clip's end, float32 (n,)."""
        return self.head * head_factor(self.moods, times, end=float(times[-1]))

    def expression_at(self, times: np.ndarray) -> Array:
        """Return the factor of expression at given seconds, the last of them the clip's end, float32 (n,)."""
        return self.expression * expression_factor(self.moods, times, end=float(times[-1]))
