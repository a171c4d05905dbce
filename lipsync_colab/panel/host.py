"""Where the panel runs: what differs between Colab and a local Jupyter, behind one protocol."""

from __future__ import annotations

from pathlib import Path
from typing import Protocol


class Host(Protocol):
    """The machine's side of the panel.

    Attributes:
        name: ``"colab"`` or ``"local"``.
        hint: one line for the foot of the panel; empty for none.
    """

    name: str
    hint: str

    @property
    def output_folder(self) -> Path:
        """Where videos and their segments go; on Colab, Drive once it is mounted."""
        ...

    @property
    def can_save(self) -> bool:
        """Whether there is a second place to save to (Drive)."""
        ...

    @property
    def takes_large_files(self) -> bool:
        """Whether there is a road for files that are too large for a widget."""
        ...

    def save(self, path: Path) -> Path:
        """Copy a finished file to the second place and return where it is.

        Raises:
            LipSyncError: it cannot be reached.
        """
        ...

    def download(self, path: Path) -> None:
        """Hand a file to the browser."""
        ...

    def receive(self) -> tuple[str, bytes] | None:
        """Ask the browser for one large file; its name and content, or None."""
        ...


class LocalHost:
    """A Jupyter on one's own machine: files are where they are.

    Args:
        folder: for videos; ``lipsync`` in the working directory by default.
    """

    name = "local"
    hint = ""
    can_save = False
    takes_large_files = False

    def __init__(self, folder: Path | None = None) -> None:
        self._folder = folder or Path.cwd() / "lipsync"

    @property
    def output_folder(self) -> Path:
        """The folder for videos, made when it is first asked for."""
        self._folder.mkdir(parents=True, exist_ok=True)
        return self._folder

    def save(self, path: Path) -> Path:
        """Return the path: it is already where it should be."""
        return path

    def download(self, path: Path) -> None:
        """Do nothing: the panel shows a link."""

    def receive(self) -> tuple[str, bytes] | None:
        """Return None: a path can be typed instead."""
        return None
