"""Where weights lie on this machine: the folder, the stamps of what was checked, the locks, the quarantine."""

from __future__ import annotations

import contextlib
import datetime
import json
import os
import shutil
import uuid
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from lipsync_colab.errors import WeightsError
from lipsync_colab.types import Progress
from lipsync_colab.weights.digest import sha256_of
from lipsync_colab.weights.manifest import SAFE_NAME

TRUE = ("1", "ON", "YES", "TRUE")
"""What the Hub's client takes for yes in ``HF_HUB_OFFLINE``."""


@dataclass(frozen=True)
class Environment:
    """What the environment says about caches and the Hub, read when a store is made.

    Attributes:
        root: our own folder: ``LIPSYNC_COLAB_CACHE``, or ``lipsync-colab`` in the Hugging Face home.
        hub: the Hub client's cache (``HF_HUB_CACHE``, or ``hub`` in ``HF_HOME``), shared with other programs.
        endpoint: the Hub's address (``HF_ENDPOINT``), or None for the client's own.
        token: ``HF_TOKEN``, or None to let the client look for a stored one.
        offline: whether ``HF_HUB_OFFLINE`` forbids every download.
    """

    root: Path
    hub: Path
    endpoint: str | None = None
    token: str | None = None
    offline: bool = False

    @classmethod
    def read(cls, variables: Mapping[str, str] | None = None) -> Environment:
        """Return what the process's environment says, by the Hub client's own rules."""
        values = os.environ if variables is None else variables
        caches = Path(values.get("XDG_CACHE_HOME") or "~/.cache")
        home = Path(values.get("HF_HOME") or caches / "huggingface").expanduser()
        hub = values.get("HF_HUB_CACHE") or values.get("HUGGINGFACE_HUB_CACHE") or home / "hub"
        return cls(
            root=Path(values.get("LIPSYNC_COLAB_CACHE") or home / "lipsync-colab").expanduser(),
            hub=Path(hub).expanduser(),
            endpoint=(values.get("HF_ENDPOINT") or "").rstrip("/") or None,
            token=values.get("HF_TOKEN") or None,
            offline=values.get("HF_HUB_OFFLINE", "").upper() in TRUE,
        )


def read_json(path: Path) -> dict[str, Any]:
    """Return what a small JSON file holds; nothing when it is missing or torn."""
    try:
        values = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return values if isinstance(values, dict) else {}


def write_json(path: Path, values: Mapping[str, Any]) -> None:
    """Write a small JSON file so that a reader sees the old one or the new one, never half of it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(f"{path.name}.{uuid.uuid4().hex[:8]}.part")
    try:
        part.write_text(json.dumps(values, indent=1, sort_keys=True) + "\n", encoding="utf-8")
        part.replace(path)
    finally:
        part.unlink(missing_ok=True)


@contextlib.contextmanager
def edited(path: Path) -> Iterator[dict[str, Any]]:
    """Give the values of a small JSON file to change, alone among all processes, and write them back.

    Raises:
        WeightsError: the file cannot be written.
    """
    from filelock import FileLock

    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with FileLock(path.with_name(f"{path.name}.lock")):
            values = read_json(path)
            yield values
            write_json(path, values)
    except OSError as error:
        raise WeightsError(
            f"{path} cannot be written ({error.strerror or error}); set LIPSYNC_COLAB_CACHE to a folder that can"
        ) from error


def today() -> str:
    """Return the date in UTC as ``YYYY-MM-DD``."""
    return datetime.datetime.now(datetime.UTC).date().isoformat()


class Cache:
    """Our own folder of weights.

    ``files/`` holds what was published, ``part/`` what is on its way, ``quarantine/`` what did not match,
    ``stamps/`` the hash of each file with the size and time it had, ``locks/`` one lock for each name.

    Attributes:
        root: the folder; made when something is first written.
    """

    def __init__(self, root: Path) -> None:
        self.root = root

    def file(self, name: str) -> Path:
        """Return where a weight of this name is published."""
        return self._inside("files", name)

    def part(self, name: str) -> Path:
        """Return where a weight of this name is collected."""
        return self._inside("part", f"{name}.part")

    def _inside(self, folder: str, name: str) -> Path:
        if not SAFE_NAME.fullmatch(name):
            raise WeightsError(f"{name!r} is no name for a weight: it would leave the cache; correct the manifest")
        return self.root / folder / name

    @contextlib.contextmanager
    def locked(self, name: str, waiting: Callable[[], None] | None = None) -> Iterator[None]:
        """Keep other processes from fetching the same weight; the lock ends with the process.

        Args:
            name: of the weight.
            waiting: called once when another process has the lock.
        """
        from filelock import FileLock, Timeout

        path = self._inside("locks", f"{name}.lock")
        path.parent.mkdir(parents=True, exist_ok=True)
        lock = FileLock(path)
        try:
            lock.acquire(timeout=0)
        except Timeout:
            if waiting is not None:
                waiting()
            lock.acquire()
        try:
            yield
        finally:
            lock.release()

    def publish(self, part: Path, name: str) -> Path:
        """Give a checked file its final name in one step."""
        final = self.file(name)
        final.parent.mkdir(parents=True, exist_ok=True)
        part.replace(final)
        return final

    def stamped(self, name: str) -> dict[str, Any]:
        """Return the stamp of a weight: path, size, mtime_ns, sha256; empty when there is none."""
        return read_json(self._inside("stamps", f"{name}.json"))

    def fresh(self, name: str, path: Path) -> str | None:
        """Return the file's recorded sha256 when neither its place, its size nor its time changed since."""
        stamp = self.stamped(name)
        try:
            status = path.stat()
        except OSError:
            return None
        same = (stamp.get("path"), stamp.get("size"), stamp.get("mtime_ns"))
        return stamp.get("sha256") if same == (str(path), status.st_size, status.st_mtime_ns) else None

    def stamp(self, name: str, path: Path, sha256: str) -> None:
        """Record the sha256 that a file has now."""
        status = path.stat()
        values = {"path": str(path), "size": status.st_size, "mtime_ns": status.st_mtime_ns, "sha256": sha256}
        # A cache that cannot be written (a read-only disk) costs a second hash, not the weight.
        with contextlib.suppress(OSError):
            write_json(self._inside("stamps", f"{name}.json"), values)

    def digest(self, name: str, path: Path, progress: Progress | None = None, again: bool = False) -> str:
        """Return a file's sha256, from its stamp while that holds.

        Args:
            name: whose stamp.
            path: the file.
            progress: of the bytes that are read.
            again: hash even if the stamp holds.
        """
        known = None if again else self.fresh(name, path)
        if known is None:
            known = sha256_of(path, progress, f"verify {name}")
            self.stamp(name, path, known)
        return known

    def quarantine(self, path: Path, name: str, sha256: str) -> Path:
        """Move a file that did not match out of the way and return its new place; the last one is kept."""
        place = self._inside("quarantine", f"{name}.{sha256[:8]}")
        place.parent.mkdir(parents=True, exist_ok=True)
        real = path.resolve()
        shutil.move(real, place)
        if path.is_symlink():
            path.unlink()
        return place
