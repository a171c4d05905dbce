"""How large a piece of picture fits in memory: arithmetic that a planner does without torch."""

from __future__ import annotations

import math

SMALLEST = 16
"""Side of the smallest core in pixels: below it nearly all work is context."""
CPU_TRUNK_MEMORY = 4_000_000_000
"""Bytes that RRDBNet's trunk may take on a CPU. A cut trunk computes its wide context again: 671 MB hold a 512 × 512
picture whole, and a larger one is better cut late."""
CPU_TILE_MEMORY = 400_000_000
"""Bytes of everything else on a CPU: where the context is narrow, larger tiles are no faster."""
CUDA_SHARE = 0.7
"""Of a GPU's free memory that tiles may take."""
TRUNK_CONTEXT = 64
"""Pixels around a core of RRDBNet's trunk. Its receptive field is 347; with the released x4plus weights a cut changes
pixels by at most 2.6 levels of 255 at 48 and by 0.8 at 64 (measured)."""
TRUNK_FLOATS = 640
"""Numbers that RRDBNet's trunk holds for a position: a dense block holds ten times 64 channels (579 were traced)."""
SRVGG_FLOATS = 256
"""Numbers that an SRVGGNet holds for a pixel (195 were traced)."""


def longest_side(memory: int, floats: int, context: int, size: tuple[int, int], item_bytes: int) -> int:
    """Return the longest core side whose window fits in memory; at least ``SMALLEST``.

    The whole picture is one core when it fits: then there is no context to compute twice.

    Args:
        memory: bytes.
        floats: numbers held for one pixel.
        context: pixels computed around a core.
        size: ``(w, h)`` of the picture.
        item_bytes: of one number.
    """
    pixels = memory // (floats * item_bytes)
    if size[0] * size[1] <= pixels:
        return max(size)
    shorter = min(size)
    window = math.isqrt(pixels) if pixels < shorter**2 else pixels // shorter
    return max(SMALLEST, window - 2 * context)
