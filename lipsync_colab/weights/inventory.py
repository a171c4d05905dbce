"""What is on this machine: every file that may be a weight, and whether it is right."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from lipsync_colab.types import Progress
from lipsync_colab.weights import packages, trust
from lipsync_colab.weights.cache import Cache, Environment
from lipsync_colab.weights.hub import HubCache
from lipsync_colab.weights.manifest import HubHome, PackageHome, WeightFile


@dataclass(frozen=True)
class Finding:
    """What ``verify`` found about one file.

    Attributes:
        row: the weight.
        path: the file.
        found: the sha256 that it has.
        expected: the sha256 that it must have; None when nothing is known.
    """

    row: WeightFile
    path: Path
    found: str
    expected: str | None

    @property
    def right(self) -> bool:
        """Whether the file is what it must be."""
        return self.found == self.expected


class Inventory:
    """The weights on this machine: in our folder, in the Hub client's cache, in installed packages.

    Attributes:
        cache: our folder.
        hub: the Hub client's cache.
        lock: hashes of weights that the manifest has none of.
    """

    def __init__(self, environment: Environment) -> None:
        self.cache = Cache(environment.root)
        self.hub = HubCache(environment.hub)
        self.lock = trust.LockFile(environment.root / "lock.json")

    def state(self, row: WeightFile, progress: Progress | None = None) -> str:
        """Return ``present``, ``missing``, ``corrupt`` or ``refused`` (by the trust rules)."""
        if self.find(row, progress) is not None:
            return "present"
        if any(self.owns(row, path) for path in self.candidates(row)):
            return "corrupt"
        return "refused" if trust.refusal(row, self.lock.expected(row)) else "missing"

    def find(self, row: WeightFile, progress: Progress | None = None) -> Path | None:
        """Return the checked file of a weight; a file that did not change since its last check is not read again."""
        return next((path for path in self.candidates(row) if self._right(row, path, progress)), None)

    def _right(self, row: WeightFile, path: Path, progress: Progress | None) -> bool:
        size = path.stat().st_size
        if row.size is not None and size != row.size:
            return False
        expected = self.lock.expected(row)
        if expected is not None:
            return self.cache.digest(row.name, path, progress) == expected
        home = row.hub
        if home is None or not trust.may_trust_first(row, home) or path != self.hub.find(home):
            return False
        # Another program's Hub client put it there, at the manifest's own commit: that is a first fetch too.
        self.lock.record(row, self.cache.digest(row.name, path, progress), size, trust.origin_of(home))
        return True

    def candidates(self, row: WeightFile) -> Iterator[Path]:
        """Yield each file that may be the weight, the one that was last used first."""
        seen: set[Path] = set()
        for path in self._places(row):
            if path is not None and path not in seen and path.is_file():
                seen.add(path)
                yield path

    def _places(self, row: WeightFile) -> Iterator[Path | None]:
        stamped = self.cache.stamped(row.name).get("path")
        yield Path(stamped) if stamped else None
        yield self.cache.file(row.name)
        for home in row.homes:
            if isinstance(home, HubHome):
                yield self.hub.find(home)
            elif isinstance(home, PackageHome):
                yield packages.installed(home)

    def owns(self, row: WeightFile, path: Path) -> bool:
        """Return whether a file is meant to be this very weight, so that a wrong one is corrupt and may be moved.

        An installed package may hold another version of it, and the newest revision of a repository another file.
        """
        pinned = [self.hub.find(home) for home in row.homes if isinstance(home, HubHome) and home.revision]
        stamped = self.cache.stamped(row.name).get("path") == str(path) and path.is_relative_to(self.hub.root)
        return path == self.cache.file(row.name) or path in pinned or stamped

    def verify(self, row: WeightFile, progress: Progress | None = None) -> Iterator[Finding]:
        """Hash every file of a weight again; nothing is moved."""
        for path in self.candidates(row):
            if self.owns(row, path) or self._right(row, path, progress):
                found = self.cache.digest(row.name, path, progress, again=True)
                yield Finding(row, path, found, self.lock.expected(row))
