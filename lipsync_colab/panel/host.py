"""Where the panel runs: what differs between Colab and a local Jupyter, behind one protocol."""

from __future__ import annotations

from pathlib import Path
from typing import Protocol
from urllib.parse import quote


class Host(Protocol):
    """The machine's side of the panel.

    Attributes:
        name: ``"colab"`` or ``"local"``.
        hint: one line for the foot of the panel; empty for none.
        embed: bytes of sound or video that the page can take in one message.
    """

    name: str
    hint: str
    embed: int

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

    @property
    def folders(self) -> tuple[Path, ...]:
        """Where a person's own files may lie: their names are offered in the path boxes."""
        ...

    def facts(self) -> dict[str, str]:
        """Return what there is to know of the runtime: device, memory, disk, Python."""
        ...

    def save(self, path: Path) -> Path:
        """Copy a finished file to the second place and return where it is.

        Raises:
            LipSyncError: it cannot be reached.
        """
        ...

    def link(self, path: Path) -> str | None:
        """Return the address under which the browser finds a file; None where a button must hand it over."""
        ...

    def download(self, path: Path) -> None:
        """Hand a file to the browser."""
        ...

    def receive(self) -> tuple[str, bytes] | None:
        """Ask the browser for one large file; its name and content, or None."""
        ...


def runtime_facts(folder: Path) -> dict[str, str]:
    """Return device, memory, disk and Python of this machine, for people.

    Args:
        folder: whose disk counts.
    """
    import platform

    from lipsync_colab.device import inspect_machine

    machine = inspect_machine(folder=folder)
    gpu = machine.device == "cuda"
    device = f"{machine.name}, {machine.device_memory / 1e9:.0f} GB free" if gpu else f"CPU, {machine.cores} cores"
    return {
        "Device": device,
        "Memory": f"{machine.memory / 1e9:.0f} GB free",
        "Disk": f"{machine.disk / 1e9:.0f} GB free",
        "Python": platform.python_version(),
    }


class LocalHost:
    """A Jupyter on one's own machine: files are where they are.

    Args:
        folder: for videos; ``lipsync`` in the working directory by default.
    """

    name = "local"
    hint = ""
    can_save = False
    takes_large_files = False
    embed = 2_400_000
    """Jupyter drops what a kernel sends beyond 1 MB a second, taken over 3 s (``iopub_data_rate_limit``)."""

    def __init__(self, folder: Path | None = None) -> None:
        self._folder = folder or Path.cwd() / "lipsync"

    @property
    def output_folder(self) -> Path:
        """The folder for videos, made when it is first asked for."""
        self._folder.mkdir(parents=True, exist_ok=True)
        return self._folder

    @property
    def folders(self) -> tuple[Path, ...]:
        """The notebook's own folder."""
        return (Path.cwd(),)

    def facts(self) -> dict[str, str]:
        """Return device, memory, disk and Python."""
        return runtime_facts(self._folder)

    def save(self, path: Path) -> Path:
        """Return the path: it is already where it should be."""
        return path

    def link(self, path: Path) -> str | None:
        """Return the path from the notebook's folder, which Jupyter serves; None outside it."""
        try:
            return quote(path.resolve().relative_to(Path.cwd().resolve()).as_posix())
        except ValueError:
            return None

    def download(self, path: Path) -> None:
        """Do nothing: the panel shows a link."""

    def receive(self) -> tuple[str, bytes] | None:
        """Return None: a path can be typed instead."""
        return None
