"""How much of each motion is wanted."""

from __future__ import annotations

from dataclasses import dataclass

from lipsync_colab.types import RenderSettings


@dataclass(frozen=True)
class Amounts:
    """Three independent factors; 0 leaves the still as it is, 1 is what the networks were trained on.

    Attributes:
        head: of turning and moving; 0 in still mode.
        expression: of what the voice does to the face.
        blink: of the lids' closure; in still mode too.
    """

    head: float = 1.0
    expression: float = 1.0
    blink: float = 1.0

    @classmethod
    def of(cls, settings: RenderSettings) -> Amounts:
        """Read the factors from a render's settings."""
        return cls(0.0 if settings.still else settings.head_motion, settings.expression, settings.blink)
