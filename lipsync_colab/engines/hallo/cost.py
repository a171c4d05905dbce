"""What a frame costs, counted at full size on shapes alone (``lipsync-colab bench --engine hallo`` counts again)."""

from __future__ import annotations

from lipsync_colab.engines.hallo.chain import CLIP
from lipsync_colab.engines.hallo.options import parse_guidance, parse_steps
from lipsync_colab.types import RenderSettings

GUIDED_STEP, STEP = 48.339e12, 25.1495e12
"""Floating-point operations of a denoising step for the 16 frames of a clip, with guidance and without."""
MEMORY = 2.4166e12
"""Of remembering the still and two frames, once a clip; with guidance twice."""
DECODED, ENCODED = 2.5145e12, 1.1167e12
"""Of the autoencoder, for a picture."""
HEARD = 0.75e9
"""Of wav2vec 2.0, for a frame of a long voice."""


def frame_flops(settings: RenderSettings) -> float:
    """Return the floating-point operations for a frame, by the options ``steps`` and ``guidance``.

    Raises:
        InputError: one of them is out of its range.
    """
    guided = parse_guidance(settings.option("guidance")) > 1
    steps = parse_steps(settings.option("steps")) * (GUIDED_STEP if guided else STEP)
    return (steps + (2 if guided else 1) * MEMORY + 2 * ENCODED) / CLIP + DECODED + HEARD
