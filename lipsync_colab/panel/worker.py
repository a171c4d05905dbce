"""One job at a time in a thread of its own, so that Stop is heard while it works."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass

from lipsync_colab.errors import Cancelled

UPDATES_PER_SECOND = 5.0
"""More would fill the browser's queue on a slow line."""
PATIENCE = 1.5
"""Seconds after Stop until the panel is free even if the job is deep in a step that hears nothing."""


@dataclass(frozen=True)
class Step:
    """How far a stage is.

    Attributes:
        stage: its name.
        done: of ``total``.
        total: what there is to do.
        rate: done in a second, or None at the beginning.
    """

    stage: str
    done: int
    total: int
    rate: float | None

    @property
    def left(self) -> float | None:
        """Seconds left, or None while nobody knows."""
        return (self.total - self.done) / self.rate if self.rate else None


class Run:
    """One job at work: what it reports through, and where it hears Stop.

    Args:
        show: told of each step, at most five times a second.
        say: told a sentence.
    """

    def __init__(self, show: Callable[[Step], None], say: Callable[[str], None]) -> None:
        self.cancel = threading.Event()
        self.ended = threading.Event()
        self._show, self._say = show, say
        self._stage, self._started, self._first, self._shown = "", 0.0, 0, 0.0

    def check(self) -> None:
        """End the job here if somebody pressed Stop.

        Raises:
            Cancelled: somebody did.
        """
        if self.cancel.is_set():
            raise Cancelled("stopped")

    def say(self, text: str) -> None:
        """Show a sentence.

        Raises:
            Cancelled: somebody pressed Stop.
        """
        self.check()
        self._say(text)

    def progress(self, stage: str, done: int, total: int) -> None:
        """Show how far a stage is.

        Raises:
            Cancelled: somebody pressed Stop.
        """
        self.check()
        now = time.monotonic()
        if stage != self._stage:
            self._stage, self._started, self._first, self._shown = stage, now, done, 0.0
        if done < total and now - self._shown < 1 / UPDATES_PER_SECOND:
            return
        self._shown = now
        made, took = done - self._first, now - self._started
        self._show(Step(stage, done, total, made / took if made > 0 and took > 0 else None))


Job = Callable[[Run], None]
Ended = Callable[[BaseException | None, float | None], None]
"""``ended(error, seconds)``: what the job raised, and how long after Stop, if Stop was pressed."""


class Worker:
    """Runs jobs, one at a time.

    Args:
        show: told of each step of the running job.
        say: told its sentences.
        ended: called once for each job, when it has ended or was given up after Stop.
    """

    def __init__(self, show: Callable[[Step], None], say: Callable[[str], None], ended: Ended) -> None:
        self._show, self._say, self._ended = show, say, ended
        self._lock = threading.Lock()
        self._run: Run | None = None
        self._last: Run | None = None
        self._stopped_at: float | None = None

    @property
    def busy(self) -> bool:
        """Whether a job runs."""
        return self._run is not None

    def start(self, job: Job) -> bool:
        """Start a job; False when one runs already."""
        with self._lock:
            if self.busy:
                return False
            self._stopped_at = None
            run = self._run = self._last = Run(self._show, self._say)
        threading.Thread(target=self._work, args=(job, run), daemon=True, name="studio").start()
        return True

    def stop(self) -> None:
        """Ask the job to end. One that does not hear it soon is left to end by itself, and its reports unheard."""
        with self._lock:
            run = self._run
            if run is None or run.cancel.is_set():
                return
            self._stopped_at = time.monotonic()
            run.cancel.set()
        timer = threading.Timer(PATIENCE, self._end, (run, Cancelled("stopped")))
        timer.daemon = True
        timer.start()

    def wait(self, seconds: float | None = None) -> bool:
        """Wait until no job runs; True when none does."""
        return self._last is None or self._last.ended.wait(seconds)

    def _work(self, job: Job, run: Run) -> None:
        error: BaseException | None = None
        try:
            job(run)
        except BaseException as raised:
            error = raised
        self._end(run, error)

    def _end(self, run: Run, error: BaseException | None) -> None:
        with self._lock:
            if run is not self._run:
                return
            self._run = None
            stopped = self._stopped_at
        try:
            self._ended(error, None if stopped is None else time.monotonic() - stopped)
        finally:
            run.ended.set()
