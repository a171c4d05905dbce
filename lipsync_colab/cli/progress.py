"""What the command line says while it works: a bar for a person, JSON lines for a program."""

from __future__ import annotations

import json
import sys
import time
from types import TracebackType
from typing import Any

from lipsync_colab.types import Progress

JSON_INTERVAL = 0.2
"""Seconds between two JSON lines of one stage."""


class Bar:
    """A tqdm bar for each stage on standard error, with rate and time left; use as a context manager."""

    def __init__(self) -> None:
        self._bar: Any = None
        self._stage = ""

    def __enter__(self) -> Progress:
        return self.update

    def update(self, stage: str, done: int, total: int) -> None:
        """Show that ``done`` of ``total`` of a stage are ready."""
        from tqdm import tqdm

        if stage != self._stage:
            self._close()
            self._stage = stage
            # In a log, where lines cannot be drawn over, one line in ten seconds is enough.
            interval = 0.1 if sys.stderr.isatty() else 10.0
            unit = "frame" if stage.endswith("frames") else ""
            self._bar = tqdm(total=total, desc=stage, unit=unit, file=sys.stderr, mininterval=interval)
        self._bar.update(done - self._bar.n)

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._close()

    def _close(self) -> None:
        if self._bar is not None:
            self._bar.close()
            self._bar = None


class JsonLines:
    """One JSON object a line on standard output: stage, done, total, rate and seconds left."""

    def __init__(self) -> None:
        self._stage = ""
        self._started = self._shown = 0.0
        self._first = 0

    def __enter__(self) -> Progress:
        return self.update

    def update(self, stage: str, done: int, total: int) -> None:
        """Print a line, at most five a second, and always the last of a stage."""
        now = time.monotonic()
        if stage != self._stage:
            self._stage, self._started, self._shown, self._first = stage, now, 0.0, done
        if done < total and now - self._shown < JSON_INTERVAL:
            return
        self._shown = now
        rate = (done - self._first) / (now - self._started) if now > self._started else 0.0
        line = {
            "stage": stage,
            "done": done,
            "total": total,
            "per_second": round(rate, 2),
            "seconds_left": round((total - done) / rate, 1) if rate else None,
        }
        print(json.dumps(line), flush=True)

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        return None


class Quiet:
    """Says nothing."""

    def __enter__(self) -> Progress:
        return lambda stage, done, total: None

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        return None


def progress_for(quiet: bool, as_json: bool) -> Bar | JsonLines | Quiet:
    """Return the way of speaking that the options ask for."""
    if as_json:
        return JsonLines()
    return Quiet() if quiet else Bar()
