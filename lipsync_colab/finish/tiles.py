"""Running a convolutional network over a picture that is too large for memory, without seams.

A picture is cut into *cores* that cover it once. Each core is computed from its *window*: the core and the network's
context around it, moved inwards at the picture's edge, so that all windows have one size (they can share a batch) and
a window's edge lies on the picture's edge wherever the whole picture's would (the network pads the same there).
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import torch
from torch import Tensor

from lipsync_colab.device import empty_cuda_cache, is_out_of_memory
from lipsync_colab.errors import MachineError
from lipsync_colab.finish.tile_size import SMALLEST, longest_side

Advance = Callable[[float], None]
"""Told the share that is done, in [0, 1]."""

LARGEST_BATCH = 8
"""Windows in one call: more do not make a GPU faster."""


@dataclass(frozen=True)
class Box:
    """A rectangle of whole pixels; ``right`` and ``bottom`` are outside it."""

    left: int
    top: int
    right: int
    bottom: int

    @property
    def size(self) -> tuple[int, int]:
        """``(width, height)``."""
        return self.right - self.left, self.bottom - self.top

    def cut(self, tensor: Tensor) -> Tensor:
        """Return the rectangle of a (…, H, W) tensor."""
        return tensor[..., self.top : self.bottom, self.left : self.right]

    def scaled(self, factor: int) -> Box:
        """Return the rectangle in a picture ``factor`` times as large."""
        return Box(self.left * factor, self.top * factor, self.right * factor, self.bottom * factor)

    def within(self, other: Box) -> Box:
        """Return the rectangle relative to the top left of ``other``."""
        return Box(self.left - other.left, self.top - other.top, self.right - other.left, self.bottom - other.top)


@dataclass(frozen=True)
class TileStage:
    """A network, or a part of one, that may be applied piece by piece.

    Attributes:
        run: ``(tensor (B, C, H, W), advance) -> (B, C', scale H, scale W)``.
        scale: output pixels for one input pixel.
        context: input pixels around a core that its output depends on (or all but depends on).
        floats: numbers held for one input pixel at the highest point: what decides the tile's size.
    """

    run: Callable[[Tensor, Advance], Tensor]
    scale: int
    context: int
    floats: int


def cores(area: Box, side: int) -> Iterator[Box]:
    """Cut ``area`` into rectangles of about equal size, none longer than ``side``, row by row."""
    width, height = area.size
    columns, rows = math.ceil(width / side), math.ceil(height / side)
    for row in range(rows):
        top, bottom = area.top + height * row // rows, area.top + height * (row + 1) // rows
        for column in range(columns):
            left, right = area.left + width * column // columns, area.left + width * (column + 1) // columns
            yield Box(left, top, right, bottom)


def window_of(core: Box, context: int, side: int, size: tuple[int, int]) -> Box:
    """Return the window that computes ``core`` in a picture of ``size`` when cores are at most ``side`` long."""
    width, height = (min(side + 2 * context, length) for length in size)
    left = min(max(core.left - context, 0), size[0] - width)
    top = min(max(core.top - context, 0), size[1] - height)
    return Box(left, top, left + width, top + height)


def side_for(memory: int, stage: TileStage, size: tuple[int, int], item_bytes: int) -> int:
    """Return the longest core side of a stage; see :func:`lipsync_colab.finish.tile_size.longest_side`."""
    return longest_side(memory, stage.floats, stage.context, size, item_bytes)


class TileLoop:
    """Applies a stage core by core; when memory runs out it halves the tile and goes on with what is left.

    Args:
        stage: what to apply.
        source: (1, C, H, W) on the device and in the dtype of the stage.
        memory: bytes that the stage may take.
        advance: told the share of the picture that is done; may raise to stop.

    Attributes:
        side: longest core side at the moment.
        batch: windows in one call at the moment.
    """

    def __init__(self, stage: TileStage, source: Tensor, memory: int, advance: Advance | None = None) -> None:
        self._stage, self._source, self._advance = stage, source, advance or (lambda share: None)
        self._size = (source.shape[-1], source.shape[-2])
        self.side = side_for(memory, stage, self._size, source.element_size())
        window = window_of(Box(0, 0, *self._size), stage.context, self.side, self._size).size
        pixels = memory // (stage.floats * source.element_size())
        self.batch = max(1, min(LARGEST_BATCH, pixels // (window[0] * window[1])))

    def run(self, store: Callable[[Box, Tensor], None]) -> None:
        """Compute the whole picture.

        Args:
            store: called once for each core with its rectangle in the *output* and its (1, C', h, w) pixels.

        Raises:
            MachineError: even the smallest tile does not fit.
        """
        waiting = list(cores(Box(0, 0, *self._size), self.side))
        done, total = 0, self._size[0] * self._size[1]
        while waiting:
            chosen = waiting[: self.batch]
            pixels = sum(core.size[0] * core.size[1] for core in chosen)
            try:
                results = self._compute(chosen, done / total, pixels / total)
            except (RuntimeError, MemoryError) as error:
                if not is_out_of_memory(error):
                    raise
                results = None
            if results is None:  # outside the handler, whose traceback would keep the failed tensors alive
                waiting = self._smaller(waiting)
                continue
            for core, result in zip(chosen, results, strict=True):
                store(core.scaled(self._stage.scale), result)
            del waiting[: len(chosen)]
            done += pixels
            self._advance(done / total)

    def _compute(self, chosen: list[Box], start: float, share: float) -> list[Tensor]:
        """Return the output of each core."""
        stage = self._stage
        windows = [window_of(core, stage.context, self.side, self._size) for core in chosen]
        batch = torch.cat([window.cut(self._source) for window in windows])
        batch = batch.contiguous(memory_format=torch.channels_last)
        output = stage.run(batch, lambda part: self._advance(start + share * part))
        pairs = enumerate(zip(chosen, windows, strict=True))
        return [core.within(window).scaled(stage.scale).cut(output[i : i + 1]) for i, (core, window) in pairs]

    def _smaller(self, waiting: list[Box]) -> list[Box]:
        """Halve the batch, or else the tile, and cut what is left accordingly."""
        empty_cuda_cache()
        if self.batch > 1:
            self.batch //= 2
            return waiting
        if self.side <= SMALLEST:
            raise MachineError(
                f"not enough memory for a tile of {self.side} pixels; close other programs, or use --upscale none"
            )
        longest = max(max(core.size) for core in waiting)
        self.side = max(SMALLEST, min(self.side, longest) // 2)
        return [part for core in waiting for part in cores(core, self.side)]


def apply_tiled(stage: TileStage, source: Tensor, memory: int, advance: Advance | None = None) -> Tensor:
    """Return the stage's output for the whole picture.

    Args:
        stage: what to apply.
        source: (1, C, H, W).
        memory: bytes that the stage may take beside its input and output.
        advance: told the share that is done.

    Raises:
        MachineError: even the smallest tile does not fit.
    """
    outputs: list[Tensor] = []

    def store(box: Box, part: Tensor) -> None:
        if not outputs:
            height, width = (length * stage.scale for length in source.shape[-2:])
            outputs.append(part.new_empty((1, part.shape[1], height, width)))
        box.cut(outputs[0]).copy_(part)

    TileLoop(stage, source, memory, advance).run(store)
    return outputs[0]
