"""Patches laid over the still (a first cut: whole-pixel patches only; to be replaced by the finishing owner's)."""

from __future__ import annotations

from lipsync_colab.types import Image, Patches


class Composer:
    """Makes frames of one still; each is valid until the next is asked for."""

    def __init__(self, still: Image) -> None:
        self._still = still
        self._frame = still.copy()

    def frame(self, patches: Patches) -> Image:
        """Return the still with the patches on it."""
        self._frame[:] = self._still
        for patch in patches:
            left, top = int(patch.transform[0, 2]), int(patch.transform[1, 2])
            height, width = patch.pixels.shape[:2]
            self._frame[top : top + height, left : left + width] = patch.pixels
        return self._frame
