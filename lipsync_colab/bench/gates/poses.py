"""The poses that every source takes before the gates."""

from __future__ import annotations

POSES: dict[str, dict[str, float]] = {
    "rest": {},
    "m": {"press": 1.0, "jaw": 0.1},
    "aa": {"jaw": 1.0, "upper": 0.2},
    "oo": {"jaw": 0.2, "round": 1.0},
    "oh": {"jaw": 0.55, "round": 0.8},
    "ee": {"jaw": 0.22, "wide": 0.8, "upper": 0.45, "lower": 0.5},
    "f": {"jaw": 0.15, "tuck": 1.0, "upper": 0.5},
    "s": {"jaw": 0.08, "wide": 0.25, "upper": 0.4, "lower": 0.5},
    "sh": {"jaw": 0.15, "round": 0.6, "upper": 0.6, "lower": 0.6},
    "th": {"jaw": 0.22, "tongue": 1.0, "upper": 0.25},
    "l": {"jaw": 0.35, "tongue": 0.55, "upper": 0.2},
}
"""The mouth of a sound each."""

EYES: dict[str, dict[str, float]] = {
    "blink half": {"blink": 0.5},
    "blink": {"blink": 1.0},
    "brow": {"brow": 1.0},
    "gaze": {"gaze_x": 0.12, "gaze_y": -0.05},
}

HEADS: dict[str, dict[str, float]] = {
    "left": {"head_x": -0.030, "yaw": -0.055, "roll": -0.020, "pitch": 0.010, "breath": 0.004},
    "down": {"head_x": 0.009, "head_y": 0.022, "pitch": 0.055, "yaw": 0.015, "breath": 0.008},
    "right": {"head_x": 0.027, "head_y": -0.012, "yaw": 0.06, "roll": 0.025, "pitch": -0.020},
    "nod": {"head_x": 0.004, "head_y": 0.007, "pitch": 0.024, "roll": 0.006, "yaw": -0.012, "breath": 0.006},
}
"""Where the head goes in speech, to twice the usual posture."""

EXTREMES: tuple[dict[str, float], ...] = tuple(
    {"head_x": x * 0.045, "head_y": y * 0.035, "roll": x * 0.04, "yaw": yaw * 0.08, "pitch": y * 0.08, "breath": 0.01}
    for x in (-1, 1)
    for y in (-1, 1)
    for yaw in (-1, 1)
)
"""The limits of :mod:`lipsync_colab.engines.viseme.sway`, all at once."""
