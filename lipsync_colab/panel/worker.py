"""One job at a time in a thread of its own, so that Stop is heard while it works."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

from lipsync_colab.types import Progress

UPDATES_PER_SECOND = 5.0
"""More would fill the browser's queue on a slow line."""

Job = Callable[[Progress, threading.Event], None]


class Worker:
    """Runs jobs, one at a time.

    Args:
        show: told ``(stage, done, total, seconds left or None)`` at most five times a second.
    """

    def __init__(self, show: Callable[[str, int, int, float | None], None]) -> None:
        self._show = show
        self._thread: threading.Thread | None = None
        self._cancel = threading.Event()
        self._stage, self._started, self._first, self._shown = "", 0.0, 0, 0.0

    @property
    def busy(self) -> bool:
        """Whether a job runs."""
        return self._thread is not None and self._thread.is_alive()

    def start(self, job: Job) -> bool:
        """Start a job; False when one runs already."""
        if self.busy:
            return False
        self._cancel = threading.Event()
        self._stage = ""
        self._thread = threading.Thread(target=job, args=(self._progress, self._cancel), daemon=True, name="studio")
        self._thread.start()
        return True

    def stop(self) -> None:
        """Ask the job to end before its next frame."""
        self._cancel.set()

    def wait(self, seconds: float | None = None) -> bool:
        """Wait for the job; True when none runs any more."""
        if self._thread is not None:
            self._thread.join(seconds)
        return not self.busy

    def _progress(self, stage: str, done: int, total: int) -> None:
        now = time.monotonic()
        if stage != self._stage:
            self._stage, self._started, self._first, self._shown = stage, now, done, 0.0
        if done < total and now - self._shown < 1 / UPDATES_PER_SECOND:
            return
        self._shown = now
        made = done - self._first
        left = (now - self._started) * (total - done) / made if made else None
        self._show(stage, done, total, left)
