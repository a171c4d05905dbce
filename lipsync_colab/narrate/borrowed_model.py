"""A language model that is loaded for one text and freed behind it, with the memory measured on both sides."""

from __future__ import annotations

from dataclasses import dataclass
from types import TracebackType
from typing import Self

from lipsync_colab.device import device_memory, resident_memory
from lipsync_colab.narrate import llm
from lipsync_colab.types import Progress

MB = 1_000_000


@dataclass(frozen=True)
class MemoryLevel:
    """What this process holds.

    Attributes:
        host: resident bytes.
        device: bytes of its tensors on the GPU; 0 without one.
    """

    host: int
    device: int


def memory_level() -> MemoryLevel:
    """Measure what this process holds now."""
    return MemoryLevel(resident_memory(), device_memory())


class BorrowedModel:
    """Loads a model on entering and frees it on leaving, so that rendering finds its memory.

    Args:
        name: see :func:`~lipsync_colab.narrate.llm.choose`.
        device: ``"auto"``, ``"cpu"`` or ``"cuda"``.
        progress: of the bytes that are fetched.

    Attributes:
        model: the loaded model.
        reason: why it is this one.
        before: memory before it was loaded.
        held: memory when its work was done; None until then.
        after: memory once it was freed; None until then.

    Raises:
        LipSyncError: see :func:`~lipsync_colab.narrate.llm.open_model`, on entering.
    """

    def __init__(self, name: str = "auto", device: str = "auto", progress: Progress | None = None) -> None:
        self._asked = name, device, progress
        self.model: llm.LanguageModel
        self.reason = ""
        self.before = memory_level()
        self.held: MemoryLevel | None = None
        self.after: MemoryLevel | None = None

    def __enter__(self) -> Self:
        self.before = memory_level()
        self.model, self.reason = llm.open_model(*self._asked)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.held = memory_level()
        self.model.__exit__(kind, error, trace)
        self.after = memory_level()

    @property
    def account(self) -> str:
        """What was held and what is left of it, in one line; on a GPU its memory, else the process's."""
        if self.held is None or self.after is None:
            return f"{self.model.name} is still loaded"
        place = "device" if self.held.device > self.before.device else "host"
        before, held, after = (getattr(level, place) for level in (self.before, self.held, self.after))
        what = "the GPU's memory" if place == "device" else "memory"
        freed = f"{(held - after) / MB:.0f} MB of {what} were given back when {self.model.name} was closed"
        left = after - before if place == "device" else 0  # a process keeps libraries and buffers of its own
        return f"{freed}; {left / MB:.0f} MB of the GPU are still held" if left > 0 else freed
