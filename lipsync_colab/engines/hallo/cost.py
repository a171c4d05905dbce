"""What a frame costs, counted at full size on shapes alone (``lipsync-colab bench --engine hallo`` counts again)."""

from __future__ import annotations

from lipsync_colab.engines.hallo.chain import CLIP
from lipsync_colab.engines.hallo.options import parse_guidance, parse_steps
from lipsync_colab.types import RenderSettings

STEP = 17e12
"""Floating-point operations of a denoising step for the 16 frames of a clip without guidance; with it twice as many."""
MEMORY = 2.4e12
"""Of remembering the still and two frames, once a clip and half."""
DECODED, ENCODED = 2.515e12, 1.117e12
"""Of the autoencoder, for a picture."""
HEARD = 0.75e9
"""Of wav2vec 2.0, for a frame of a long voice."""


def frame_flops(settings: RenderSettings) -> float:
    """Return the floating-point operations for a frame, by the options ``steps`` and ``guidance``.

    Raises:
        InputError: one of them is out of its range.
    """
    halves = 2 if parse_guidance(settings.option("guidance")) > 1 else 1
    clip = halves * (parse_steps(settings.option("steps")) * STEP + MEMORY) + 2 * ENCODED
    return clip / CLIP + DECODED + HEARD
