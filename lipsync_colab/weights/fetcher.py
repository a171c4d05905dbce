"""Fetching one weight: through its sources in order, checked before it gets its name."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from lipsync_colab.errors import WeightsError
from lipsync_colab.types import Progress
from lipsync_colab.weights import trust
from lipsync_colab.weights.cache import Environment
from lipsync_colab.weights.collect import Collected, Collector, Source, page_note
from lipsync_colab.weights.digest import sha256_of
from lipsync_colab.weights.inventory import Inventory
from lipsync_colab.weights.manifest import HubHome, WeightFile
from lipsync_colab.weights.mirror import Mirror
from lipsync_colab.weights.transfer import FullDiskError, Patience


@dataclass(frozen=True)
class Fetched:
    """A weight that is on this machine now.

    Attributes:
        row: its row of the manifest.
        path: where it lies.
        source: what gave it, or None when it was there already.
    """

    row: WeightFile
    path: Path
    source: Source | None = None


class Fetcher:
    """Makes a missing weight present.

    Args:
        environment: caches, endpoint, token.
        inventory: what is on this machine.
        patience: timeouts and attempts of downloads.
    """

    def __init__(self, environment: Environment, inventory: Inventory, patience: Patience) -> None:
        self.environment = environment
        self.inventory = inventory
        self.collector = Collector(environment, inventory.cache, patience)

    @contextlib.contextmanager
    def locked(self, row: WeightFile, progress: Progress | None = None) -> Iterator[None]:
        """Keep other processes from the same weight.

        Args:
            row: the weight.
            progress: told once, with no byte done, when another process is at it.

        Raises:
            WeightsError: the cache cannot be written.
        """

        def waiting() -> None:
            if progress is not None:
                progress(f"wait for another process: {row.name}", 0, row.size or 0)

        with contextlib.ExitStack() as stack:
            try:
                stack.enter_context(self.inventory.cache.locked(row.name, waiting))
            except OSError as error:
                raise WeightsError(
                    f"{self.environment.root} cannot be written ({error.strerror or error}); set LIPSYNC_COLAB_CACHE "
                    "to a folder that can"
                ) from error
            yield

    def fetch(self, row: WeightFile, progress: Progress | None, mirror: Path | None) -> Fetched:
        """Fetch a weight that is not on this machine; the caller holds its lock.

        Args:
            row: the weight.
            progress: of the bytes.
            mirror: a mirror to read before every home, or None.

        Raises:
            WeightsError: no source gives the right bytes, or the trust rules refuse it.
        """
        sources: list[Source] = [] if mirror is None else [Mirror(mirror)]
        if mirror is None or Mirror(mirror).recorded(row) is None:
            trust.require_trust(row, self.inventory.lock.expected(row))
        if not self.environment.offline:
            sources += row.homes
        elif not sources:
            raise WeightsError(
                f"{row.name} is not on this machine and HF_HUB_OFFLINE is set; unset it, or fetch it `--from` a mirror"
            )
        self._clear(row)
        reasons: list[str] = []
        for source in sources:
            try:
                return Fetched(row, self._fetch_from(row, source, progress), source)
            except FullDiskError:
                raise
            except WeightsError as error:
                reasons.append(f"{source}: {error}")
        raise WeightsError(f"{row.name} could not be fetched. {' | '.join(reasons)}")

    def _clear(self, row: WeightFile) -> None:
        """Move every wrong file of ours out of the way of the right one."""
        for path in list(self.inventory.candidates(row)):
            if self.inventory.owns(row, path):
                self.inventory.cache.quarantine(path, row.name, sha256_of(path))

    def _fetch_from(self, row: WeightFile, source: Source, progress: Progress | None) -> Path:
        expected = self.inventory.lock.expected(row)
        if expected is None:
            expected = self._first_trust(row, source)
        try:
            collected = self.collector.collect(row, source, progress)
            found, wrong = self._check(row, collected, expected, progress)
            if wrong and collected.resumed:  # the older bytes may be to blame: once more, from the start
                collected.part.unlink()
                collected = self.collector.collect(row, source, progress)
                found, wrong = self._check(row, collected, expected, progress)
            if wrong:
                place = self.inventory.cache.quarantine(collected.part, row.name, found)
                raise WeightsError(f"{wrong}; the file was moved to {place}")
            return self._publish(row, source, collected, found)
        except OSError as error:
            raise WeightsError(
                f"{error.strerror or error}: {error.filename}; check that the cache can be written"
            ) from error

    def _first_trust(self, row: WeightFile, source: Source) -> str | None:
        if isinstance(source, Mirror):
            recorded = source.recorded(row)
            if recorded is None:
                raise WeightsError("no sha256 is known, and the mirror's record of its origin does not do")
            return recorded[0]
        if not trust.may_trust_first(row, source):
            raise WeightsError("no sha256 is known, and this home has no fixed commit")
        return None

    def _check(
        self, row: WeightFile, collected: Collected, expected: str | None, progress: Progress | None
    ) -> tuple[str, str]:
        """Return the sha256 of what came, and what is wrong with it (empty when nothing is)."""
        size = collected.part.stat().st_size
        found = sha256_of(collected.part, progress, f"verify {row.name}")
        if row.size is not None and size != row.size:
            return found, f"size is {size:,} bytes, expected {row.size:,}{page_note(collected.part)}"
        expected = expected or collected.etag or found
        return found, "" if found == expected else (
            f"sha256 is {found}, expected {expected}{page_note(collected.part)}"
        )

    def _publish(self, row: WeightFile, source: Source, collected: Collected, found: str) -> Path:
        size = collected.part.stat().st_size
        if isinstance(source, HubHome):
            self.inventory.lock.record(row, found, size, trust.origin_of(source))
        elif isinstance(source, Mirror):
            recorded = source.recorded(row)
            self.inventory.lock.record(row, found, size, recorded[1] if recorded else str(source))
        path = collected.publish()
        self.inventory.cache.stamp(row.name, path, found)
        return path
