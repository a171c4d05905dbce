"""What outlives the cell: the running job, its last words, the result, and what was chosen, kept beside the videos."""

from __future__ import annotations

import json
import threading
import time
from collections import deque
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from lipsync_colab.errors import Cancelled, LipSyncError
from lipsync_colab.panel.worker import Job, Step, Worker
from lipsync_colab.types import RenderResult

LOG_LINES = 300
STOPPED = "Stopped. Finished parts are kept: Generate goes on from there."


class View(Protocol):
    """The widgets that show a session."""

    def refresh(self) -> None:
        """Show the session as it is now; called from any thread."""
        ...


@dataclass(frozen=True, eq=False)
class Outcome:
    """What the last job made.

    Attributes:
        result: the finished video, or None after a preview.
        portrait: its picture's path.
        voice: its sound's path.
        clip: small MP4 to show; empty after a preview.
        still: PNG of one frame; empty after a render.
    """

    result: RenderResult | None
    portrait: str
    voice: str
    clip: bytes = b""
    still: bytes = b""


class Session:
    """One folder's studio.

    Args:
        folder: where videos go.

    Attributes:
        home: ``studio`` in the folder: uploaded files, spoken texts and ``state.json``.
        text: the last sentence that was said to the person.
        kind: ``"info"``, ``"good"`` or ``"bad"``.
        step: how far the running job is.
        outcome: what the last job made.
        script: what a language model wrote and no view has taken over yet.
        stop_seconds: how long the last Stop took.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.home = folder / "studio"
        self.worker = Worker(self._stepped, self.say, self._ended)
        self.text, self.kind = "", "info"
        self.step: Step | None = None
        self.outcome: Outcome | None = None
        self.script = ""
        self.stop_seconds: float | None = None
        self._view: View | None = None
        self._log: deque[str] = deque(maxlen=LOG_LINES)
        # Two threads refresh, the page's and the worker's: whoever comes last must show what is true then.
        self._refreshing = threading.RLock()

    def attach(self, view: View) -> None:
        """Show everything in this view from now on; the one before it is left as it is."""
        self._view = view
        view.refresh()

    @property
    def log(self) -> str:
        """What was said, each line with its time."""
        return "\n".join(self._log)

    def say(self, text: str, kind: str = "info") -> None:
        """Say a sentence to the person; ``kind`` is ``"info"``, ``"good"`` or ``"bad"``."""
        self.text, self.kind = text, kind
        if text:
            self.note(text)
        self._changed()

    def note(self, text: str) -> None:
        """Write a line into the log only."""
        self._log.append(f"{time.strftime('%H:%M:%S')}  {text}")

    def start(self, job: Job) -> bool:
        """Run a job in the worker's thread; False when one runs already."""
        self.step = None
        started = self.worker.start(job)
        self._changed()
        return started

    def stop(self) -> None:
        """Ask the job to end."""
        if self.worker.busy:
            self.say("Stopping…")
            self.worker.stop()

    def _stepped(self, step: Step) -> None:
        if self.step is None or step.stage != self.step.stage:
            self.note(f"{step.stage}: {step.total}")
        self.step = step
        self._changed()

    def _ended(self, error: BaseException | None, stopped: float | None) -> None:
        self.step, self.stop_seconds = None, stopped
        if stopped is not None:
            self.note(f"free {stopped:.2f} s after Stop")
        if isinstance(error, Cancelled):
            self.text, self.kind = STOPPED, "info"
        elif isinstance(error, LipSyncError):
            self.text, self.kind = str(error), "bad"
        elif error is not None:  # a thread's traceback would be seen by nobody
            said = " ".join(str(error).split())
            self.text, self.kind = f"an inner failure ({type(error).__name__}: {said}); please report it", "bad"
        if error is not None:
            self.note(self.text)
        self._changed()

    def _changed(self) -> None:
        with self._refreshing:
            if self._view is not None:
                self._view.refresh()

    def load(self) -> dict[str, Any]:
        """Return what was chosen last in this folder; empty when nothing was, or when it cannot be read."""
        try:
            state = json.loads((self.home / "state.json").read_text(encoding="utf-8"))
        except (OSError, ValueError):
            return {}
        return state if isinstance(state, dict) else {}

    def keep(self, state: dict[str, Any]) -> None:
        """Keep what is chosen now, published by rename. A disk that takes nothing is told in the log."""
        path = self.home / "state.json"
        part = path.with_name("state.json.part")
        try:
            self.home.mkdir(parents=True, exist_ok=True)
            part.write_text(json.dumps(state, indent=1), encoding="utf-8")
            part.replace(path)
        except OSError as error:
            self.note(f"the choices could not be kept in {self.home}: {error.strerror}")


_OPEN: dict[Path, Session] = {}
"""By folder: a cell that runs again finds the job that its first run started. It lives as long as the kernel."""


def session_of(folder: Path) -> Session:
    """Return the kernel's one session of a folder."""
    return _OPEN.setdefault(folder.resolve(), Session(folder))
