"""Memory that every frame uses again: fresh pages cost more than the arithmetic on them."""

from __future__ import annotations

import numpy as np

from lipsync_colab.types import Array


class Scratch:
    """Named float32 arrays whose content is only good until the same name is asked for again.

    Example:
        >>> scratch = Scratch()
        >>> scratch.take("x", (2, 3)).shape
        (2, 3)
    """

    def __init__(self) -> None:
        self._memory: dict[str, Array] = {}

    def take(self, name: str, shape: tuple[int, int]) -> Array:
        """Return an array of a shape with whatever it held before."""
        size = shape[0] * shape[1]
        if name not in self._memory or self._memory[name].size < size:
            self._memory[name] = np.empty(size, np.float32)
        return self._memory[name][:size].reshape(shape)

    def copy(self, name: str, values: Array) -> Array:
        """Return a copy of a two-dimensional array."""
        kept = self.take(name, (values.shape[0], values.shape[1]))
        np.copyto(kept, values)
        return kept
