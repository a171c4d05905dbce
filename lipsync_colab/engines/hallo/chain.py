"""Clip after clip: each goes on from the last frames of the one before it."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Collection
from pathlib import Path

import numpy as np

from lipsync_colab.types import Image

CLIP = 16
"""Frames that are drawn together."""
CARRIED = 2
"""Frames of a clip that the next one goes on from (the release's motion frames)."""


class Chain:
    """The heads of one video, a clip at a time.

    What a clip goes on from is kept as the pictures that are shown, not as the decoder's numbers behind them, so that
    a render that was stopped draws the same frames as one that was not.

    Args:
        still: the head that the first clip goes on from, uint8 (size, size, 3) RGB.
        draw: gives a clip's heads by its number and the ``CARRIED`` heads before it, uint8 (16, size, size, 3).
        folder: where carried heads lie between two runs; None keeps none.
        kept: clips after which a later run may go on. The first clip is kept whole.
    """

    def __init__(
        self,
        still: Image,
        draw: Callable[[int, Image], Image],
        folder: Path | None = None,
        kept: Collection[int] = (),
    ) -> None:
        self._still, self._draw, self._folder, self._kept = still, draw, folder, {0, *kept}
        self._number, self._heads = -1, np.repeat(still[None], CARRIED, axis=0)

    def clip(self, number: int) -> Image:
        """Return a clip's heads, uint8 (16, size, size, 3) RGB; those before it are drawn where nothing is kept."""
        if number == self._number and len(self._heads) == CLIP:
            return self._heads
        whole = self._read(number, CLIP) if number == 0 else None
        if whole is not None:
            self._number, self._heads = number, whole
            return whole
        self._go_back(number)
        while self._number < number:
            self._heads = self._draw(self._number + 1, self._heads[-CARRIED:])
            self._number += 1
            self._write()
        return self._heads

    def _go_back(self, number: int) -> None:
        """Stand at the nearest clip before ``number`` whose last heads are known."""
        for before in range(number - 1, -1, -1):
            if before == self._number:
                return
            heads = self._read(before, CARRIED) if before in self._kept else None
            if heads is not None:
                self._number, self._heads = before, heads
                return
        self._number, self._heads = -1, np.repeat(self._still[None], CARRIED, axis=0)

    def _path(self, number: int) -> Path | None:
        return None if self._folder is None else self._folder / f"heads-{number:08d}.npy"

    def _read(self, number: int, count: int) -> Image | None:
        """Return a clip's last heads as they were kept, None where they were not or are damaged."""
        path = self._path(number)
        if path is None:
            return None
        with contextlib.suppress(OSError, ValueError, EOFError):
            heads = np.load(path, allow_pickle=False)
            if heads.dtype == np.uint8 and heads.shape[1:] == self._still.shape and len(heads) >= count:
                return np.asarray(heads[-count:])
        return None

    def _write(self) -> None:
        path = self._path(self._number)
        if path is None or self._number not in self._kept:
            return
        part = path.with_suffix(".npy.part")
        with part.open("wb") as file:
            np.save(file, self._heads if self._number == 0 else self._heads[-CARRIED:], allow_pickle=False)
        part.replace(path)
