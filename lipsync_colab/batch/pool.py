"""Where tasks run: what a batch asks of processes on this machine and of a Ray cluster alike."""

from __future__ import annotations

from dataclasses import dataclass
from types import TracebackType
from typing import Protocol

from lipsync_colab.batch.tasks import Outcome, Task


@dataclass(frozen=True)
class Need:
    """What one task takes.

    Attributes:
        memory: bytes of host memory.
        gpu: share of one GPU, 0 to 1.
        cpus: processors.
    """

    memory: int
    gpu: float = 0.0
    cpus: float = 1.0


@dataclass(frozen=True)
class Lost:
    """A task whose worker is gone, with the reason in one line."""

    reason: str


class Pool(Protocol):
    """Runs tasks. Use it as a context manager: when it ends, no task and no process of it is left."""

    def __enter__(self) -> Pool: ...

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None: ...

    def slots(self, need: Need) -> int:
        """Return how many tasks of a kind run at once now; 0 when none ever can."""
        ...

    def submit(self, task: Task, need: Need) -> None:
        """Give out a task."""
        ...

    def wait(self) -> list[tuple[Task, Outcome | Lost]]:
        """Wait until at least one task has ended, and return those that have."""
        ...
