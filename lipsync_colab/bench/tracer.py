"""What tensors take while a network runs: every storage is counted from its making to its end."""

from __future__ import annotations

import weakref
from typing import Any

from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_map_only
from torch.utils.weak import WeakIdKeyDictionary


class MemoryTracer(TorchDispatchMode):
    """Counts the bytes of tensors that operations make inside its block, on any device, ``"meta"`` too.

    What was there before (weights, inputs) does not count, and what a convolution's library takes for itself while it
    runs cannot be seen.

    Attributes:
        live: bytes at the moment.
        peak: the most that ever lived together.
    """

    def __init__(self, *before: Tensor) -> None:
        super().__init__()
        self.live = self.peak = 0
        self._known = WeakIdKeyDictionary()
        for tensor in before:
            self._known[tensor.untyped_storage()] = True

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        """Run one operation and count what it made."""
        made = func(*args, **(kwargs or {}))
        # An operation that changes its input in place gives the input back: it is known by then.
        tree_map_only(Tensor, self._count, args)
        tree_map_only(Tensor, self._count_new, made)
        return made

    def _count(self, tensor: Tensor) -> None:
        """Take note of what was there before."""
        storage = tensor.untyped_storage()
        if storage not in self._known:
            self._known[storage] = True

    def _count_new(self, tensor: Tensor) -> None:
        storage = tensor.untyped_storage()
        if storage in self._known:
            return
        self._known[storage] = True
        size = storage.nbytes()
        self.live += size
        self.peak = max(self.peak, self.live)
        weakref.finalize(storage, self._ended, size)

    def _ended(self, size: int) -> None:
        self.live -= size
