"""A rectangle of the output and where in the still each of its pixels comes from."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from lipsync_colab.engines.viseme.floats import Floats
from lipsync_colab.engines.viseme.scratch import Scratch

Rectangle = tuple[int, int, int, int]
"""``(left, top, right, bottom)`` in whole pixels, right and bottom exclusive."""


@dataclass(frozen=True, eq=False)
class Area:
    """Output pixels with two sets of coordinates in the still, float32 (h, w) each.

    Attributes:
        left: of the rectangle in the output.
        top: of the rectangle in the output.
        x: which place of the face lies here once the head has moved; painted layers go by these.
        y: likewise.
        map_x: where the pixel's colour is fetched; the warps of mouth and eyes change these.
        map_y: likewise.
        identity: whether the head is still, so that ``x`` and ``y`` are the pixel's own place.
    """

    left: int
    top: int
    x: Floats
    y: Floats
    map_x: Floats
    map_y: Floats
    identity: bool

    @classmethod
    def still(cls, rectangle: Rectangle) -> Area:
        """Return the area of a rectangle when the head does not move."""
        left, top, right, bottom = rectangle
        shape = bottom - top, right - left
        # Views that repeat one row and one column: only the maps need memory of their own.
        x = np.broadcast_to(np.arange(left, right, dtype=np.float32), shape)
        y = np.broadcast_to(np.arange(top, bottom, dtype=np.float32)[:, None], shape)
        return cls(left, top, x, y, x.copy(), y.copy(), True)

    @classmethod
    def moved(cls, rectangle: Rectangle, x: Floats, y: Floats) -> Area:
        """Return the area of a rectangle whose pixels show the face's places ``x``, ``y``, which are its maps too.

        A part that is to be warped must first be :meth:`remembering`.
        """
        return cls(rectangle[0], rectangle[1], x, y, x, y, False)

    def remembering(self, scratch: Scratch) -> Area:
        """Return the area with places that its maps' warps leave as they are; they lie in scratch."""
        if self.identity:
            return self
        return replace(self, x=scratch.copy("x", self.x), y=scratch.copy("y", self.y))

    @property
    def rectangle(self) -> Rectangle:
        """The output's rectangle."""
        height, width = self.x.shape
        return self.left, self.top, self.left + width, self.top + height

    def within(self, places: Rectangle) -> Area | None:
        """Return the smallest part, sharing memory, that shows all of a rectangle of the still; None if none does."""
        left, top, right, bottom = places
        if self.identity:
            box = (left - self.left, top - self.top, right - self.left, bottom - self.top)
        else:
            box = self._search(places)
        height, width = self.x.shape
        first, last = max(box[1], 0), min(box[3], height)
        start, end = max(box[0], 0), min(box[2], width)
        if first >= last or start >= end:
            return None
        part = (slice(first, last), slice(start, end))
        x, y, map_x, map_y = (array[part] for array in (self.x, self.y, self.map_x, self.map_y))
        return Area(self.left + start, self.top + first, x, y, map_x, map_y, self.identity)

    def _search(self, places: Rectangle) -> Rectangle:
        """Return the box, in this area's pixels, that shows some places, by looking at every eighth pixel."""
        left, top, right, bottom = places
        x, y = self.x[::8, ::8], self.y[::8, ::8]
        shown = (x >= left - 9) & (x < right + 9) & (y >= top - 9) & (y < bottom + 9)
        if not shown.any():
            return 0, 0, 0, 0
        rows, columns = np.flatnonzero(shown.any(axis=1)), np.flatnonzero(shown.any(axis=0))
        return (
            8 * (int(columns[0]) - 1),
            8 * (int(rows[0]) - 1),
            8 * (int(columns[-1]) + 1) + 1,
            8 * (int(rows[-1]) + 1) + 1,
        )

    def slices(self, part: Area) -> tuple[slice, slice]:
        """Return where a part lies in this area's arrays."""
        height, width = part.x.shape
        row, column = part.top - self.top, part.left - self.left
        return slice(row, row + height), slice(column, column + width)
