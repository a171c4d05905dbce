"""Where a tongue is that has come forward so far: first up behind the upper teeth (l, t, d, n), then between (th)."""

from __future__ import annotations

from lipsync_colab.engines.viseme.ramp import smoothstep

BEHIND = 0.55
"""How far forward the tongue is when its tip stands behind the upper teeth."""
LEAVES, ARRIVES = 0.65, 0.95
"""From here to there it goes out between the rows."""


def tongue_raised(forward: float) -> float:
    """Return how far the tip has risen to the upper teeth, 0 to 1."""
    return min(forward / BEHIND, 1.0)


def tongue_between(forward: float) -> float:
    """Return how far the tip lies between the rows of teeth, 0 to 1."""
    return float(smoothstep((forward - LEAVES) / (ARRIVES - LEAVES)))
