"""A coarse grid over a rectangle of the picture, and what smooth fields on it are between its nodes."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from lipsync_colab.engines.viseme.area import Area, Rectangle
from lipsync_colab.engines.viseme.floats import Floats


@dataclass(frozen=True, eq=False)
class Grid:
    """Nodes over a rectangle of the picture, ``step`` pixels apart, each at the centre of its cell.

    Attributes:
        left: of the rectangle in pixels.
        top: of the rectangle in pixels.
        step: pixels between nodes.
        shape: nodes, (rows, columns).
    """

    left: int
    top: int
    step: int
    shape: tuple[int, int]

    @classmethod
    def over(cls, low: Floats, high: Floats, size: tuple[int, int], step: int) -> Grid:
        """Return the grid that covers the box from ``low`` to ``high`` as far as the picture goes."""
        left, top = (int(max(0, value) // step * step) for value in low)
        right, bottom = (min(int(np.ceil(value)), limit) for value, limit in zip(high, size, strict=True))
        return cls(left, top, step, (max(2, -((top - bottom) // step)), max(2, (right - left) // step)))

    @property
    def rectangle(self) -> Rectangle:
        """``(left, top, right, bottom)`` in pixels."""
        rows, columns = self.shape
        return self.left, self.top, self.left + columns * self.step, self.top + rows * self.step

    def nodes(self) -> tuple[Floats, Floats]:
        """Return x and y of every node in pixels, float32 (rows, columns) each."""
        middle = (self.step - 1) / 2
        x = self.left + middle + self.step * np.arange(self.shape[1], dtype=np.float32)
        y = self.top + middle + self.step * np.arange(self.shape[0], dtype=np.float32)
        return np.meshgrid(x, y)

    def sample(self, values: Floats, x: Floats, y: Floats) -> Floats:
        """Interpolate node values at picture coordinates; 0 outside."""
        middle = (self.step - 1) / 2
        column = (x - np.float32(self.left + middle)) * np.float32(1 / self.step)
        row = (y - np.float32(self.top + middle)) * np.float32(1 / self.step)
        return cv2.remap(values, column, row, cv2.INTER_LINEAR, borderMode=cv2.BORDER_CONSTANT)

    def over_area(self, values: Floats, area: Area) -> tuple[Floats, Floats]:
        """Return both components of a field at the places that an area shows.

        Where the head is still the area's pixels lie on the picture's own grid, and enlarging costs a tenth of
        reading at places.

        Args:
            values: float32 (rows, columns, 2) at the nodes.
            area: inside the grid's rectangle where the head is still.

        Returns:
            float32 (h, w) twice.
        """
        if area.identity:
            return self._enlarged(values[..., 0], area.rectangle), self._enlarged(values[..., 1], area.rectangle)
        moved = self.sample(values, area.x, area.y)
        return moved[..., 0], moved[..., 1]

    def _enlarged(self, values: Floats, rectangle: Rectangle) -> Floats:
        """Return node values (rows, columns) at every pixel of a rectangle inside the grid's."""
        left, top, right, bottom = rectangle
        # One node more on each side than the cells that the rectangle touches: its first and last pixels lie between.
        first_column, first_row = max((left - self.left) // self.step - 1, 0), max((top - self.top) // self.step - 1, 0)
        last_column, last_row = (right - self.left - 1) // self.step + 2, (bottom - self.top - 1) // self.step + 2
        nodes = np.ascontiguousarray(values[first_row:last_row, first_column:last_column])
        size = nodes.shape[1] * self.step, nodes.shape[0] * self.step
        fine = cv2.resize(nodes, size, interpolation=cv2.INTER_LINEAR)
        row, column = top - self.top - first_row * self.step, left - self.left - first_column * self.step
        return fine[row : row + bottom - top, column : column + right - left]
