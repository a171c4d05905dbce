"""Tasks in processes of this machine, without Ray."""

from __future__ import annotations

import multiprocessing
import os
import signal
import threading
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from multiprocessing.connection import wait as wait_for
from types import FrameType, TracebackType

from lipsync_colab.batch.pool import Lost, Need
from lipsync_colab.batch.tasks import Outcome, Task, run_task
from lipsync_colab.device import free_memory


class ProcessPool:
    """Runs tasks in worker processes.

    Args:
        workers: how many; each is a fresh interpreter.
    """

    def __init__(self, workers: int) -> None:
        self._workers = workers
        self._memory = free_memory()
        # An executor for each worker: when one process dies, an executor gives up all tasks that it holds.
        self._idle: list[ProcessPoolExecutor] = []
        self._running: dict[Future[Outcome], tuple[Task, ProcessPoolExecutor]] = {}

    def __enter__(self) -> ProcessPool:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        busy = [executor for _, executor in self._running.values()]
        for executor in busy:
            # What still runs when we are stopped is told to stop: it ends its ffmpeg and removes its part files.
            for process in list((executor._processes or {}).values()):
                process.terminate()
        for executor in (*busy, *self._idle):
            executor.shutdown(wait=True, cancel_futures=True)
        self._running, self._idle = {}, []

    def slots(self, need: Need) -> int:
        """Return how many tasks run at once: as many as workers, where memory and GPU are enough for them."""
        shares = int(1 / need.gpu + 1e-9) if need.gpu else self._workers
        return min(self._workers, shares, self._memory // max(1, need.memory))

    def submit(self, task: Task, need: Need) -> None:
        """Give out a task; no more at once than there are slots."""
        if self._idle:
            executor = self._idle.pop()
        else:
            # Not a fork: threads of numpy, OpenCV and onnxruntime do not survive one.
            executor = ProcessPoolExecutor(1, multiprocessing.get_context("spawn"), _begin_worker)
        self._running[executor.submit(run_task, task)] = task, executor

    def wait(self) -> list[tuple[Task, Outcome | Lost]]:
        """Wait until at least one task has ended, and return those that have."""
        done, _ = wait(self._running, return_when=FIRST_COMPLETED)
        ended: list[tuple[Task, Outcome | Lost]] = []
        for future in done:
            task, executor = self._running.pop(future)
            if future.exception() is None:
                self._idle.append(executor)
                ended.append((task, future.result()))
            else:
                executor.shutdown(wait=True, cancel_futures=True)
                ended.append((task, Lost("its process was ended: out of memory, or by someone")))
        return ended


def _begin_worker() -> None:
    """Stop on SIGTERM as on Ctrl-C, leave Ctrl-C to the batch itself, and do not outlive it."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, _stop)
    threading.Thread(target=_end_with_parent, daemon=True).start()


def _stop(signum: int, frame: FrameType | None) -> None:
    raise KeyboardInterrupt


def _end_with_parent() -> None:
    parent = multiprocessing.parent_process()
    if parent is not None:
        wait_for([parent.sentinel])
        os._exit(1)
