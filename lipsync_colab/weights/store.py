"""The store: finds a weight on this machine, or fetches it from the first of its homes that gives the right bytes."""

from __future__ import annotations

import contextlib
import shutil
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from lipsync_colab.errors import WeightsError
from lipsync_colab.types import Progress
from lipsync_colab.weights import trust
from lipsync_colab.weights.cache import Environment
from lipsync_colab.weights.collect import Collected, Collector, Source, page_note
from lipsync_colab.weights.digest import sha256_of
from lipsync_colab.weights.inventory import Finding, Inventory
from lipsync_colab.weights.licences import Acceptances
from lipsync_colab.weights.manifest import HubHome, Manifest, WeightFile, manifest
from lipsync_colab.weights.mirror import Mirror, copy_checked
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


class Store:
    """Weights by name.

    Args:
        environment: caches, endpoint and token; read from the process's environment by default.
        rows: the manifest; the package's own by default.
        patience: timeouts and attempts of downloads.
    """

    def __init__(
        self, environment: Environment | None = None, rows: Manifest | None = None, patience: Patience | None = None
    ) -> None:
        self.environment = environment or Environment.read()
        self.manifest = rows or manifest()
        self.inventory = Inventory(self.environment)
        self.acceptances = Acceptances(self.environment.root / "accepted.json")
        self.collector = Collector(self.environment, self.inventory.cache, patience or Patience())

    def path_of(self, name: str, progress: Progress | None = None, accept: Iterable[str] = ()) -> Path:
        """Return the checked file of a weight, fetching it when it is not on this machine.

        Args:
            name: of the weight.
            progress: of the bytes, ``(stage, done, total)``.
            accept: names of weights or engines whose terms the caller accepts.

        Raises:
            WeightsError: it cannot be had or its terms are not accepted; the message says what to do.
        """
        self.accept(accept)
        return self.get(self.manifest[name], progress).path

    def fetch(
        self,
        names: Iterable[str],
        progress: Progress | None = None,
        mirror: Path | None = None,
        accept: Iterable[str] = (),
    ) -> list[Fetched]:
        """Make weights present, and say where each came from.

        Args:
            names: of weights, of engines, or ``"all"``.
            progress: of the bytes, ``(stage, done, total)``.
            mirror: a mirror to read before every other home.
            accept: names of weights or engines whose terms the caller accepts.

        Raises:
            WeightsError: one of them cannot be had, or its terms are not accepted.
        """
        self.accept(accept)
        rows = self.manifest.select(names)
        self.acceptances.require(rows)
        return [self.get(row, progress, mirror) for row in rows]

    def accept(self, names: Iterable[str]) -> list[WeightFile]:
        """Record that the terms of weights (by name, or by engine) are accepted; return those that are new."""
        return self.acceptances.accept(self.manifest.select(names))

    def get(self, row: WeightFile, progress: Progress | None = None, mirror: Path | None = None) -> Fetched:
        """Return a weight, from this machine or from the first source that gives the right bytes.

        Raises:
            WeightsError: no source does, its terms are not accepted, or the trust rules refuse it.
        """
        self.acceptances.require([row])
        path = self.inventory.find(row, progress)
        if path is not None:
            return Fetched(row, path)
        with self._locked(row):
            path = self.inventory.find(row, progress)
            return Fetched(row, path) if path is not None else self._fetch(row, progress, mirror)

    @contextlib.contextmanager
    def _locked(self, row: WeightFile) -> Iterator[None]:
        with contextlib.ExitStack() as stack:
            try:
                stack.enter_context(self.inventory.cache.locked(row.name))
            except OSError as error:
                raise WeightsError(
                    f"{self.environment.root} cannot be written ({error.strerror or error}); set LIPSYNC_COLAB_CACHE "
                    "to a folder that can"
                ) from error
            yield

    def _fetch(self, row: WeightFile, progress: Progress | None, mirror: Path | None) -> Fetched:
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
            ) from (error)

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

    def adopt(self, name: str, file: Path, sha256: str | None = None, progress: Progress | None = None) -> Path:
        """Take a file that a person brings.

        Args:
            name: of the weight.
            file: the file; it is copied.
            sha256: the hash that the person vouches for; needed for a pickle that the manifest has no hash of.
            progress: of the bytes.

        Raises:
            WeightsError: it is another file, its terms are not accepted, or a pickle comes without a hash.
        """
        row = self.manifest[name]
        self.acceptances.require([row])
        expected = self.inventory.lock.expected(row) or (sha256 or "").lower() or None
        if expected is None and row.format in trust.PICKLES:
            raise WeightsError(f"{name} is a pickle with no known sha256; say it with --sha256 (`sha256sum {file}`)")
        if not file.is_file():
            raise WeightsError(f"there is no file {file}; give the path of {name}")
        with self._locked(row):
            part = self.inventory.cache.part(f"{row.name}.person")
            found = copy_checked(file, part, row.name, progress)
            if expected not in (None, found):
                part.unlink()
                raise WeightsError(f"{file} is not {name}: its sha256 is {found}, expected {expected}")
            self.inventory.lock.record(row, found, part.stat().st_size, "a person")
            path = self.inventory.cache.publish(part, row.name)
            self.inventory.cache.stamp(row.name, path, found)
        return path

    def verify(self, names: Iterable[str] = ("all",), progress: Progress | None = None) -> list[Finding]:
        """Hash every file of weights that is on this machine again, and say which are wrong; nothing is moved.

        Args:
            names: of weights, of engines, or ``"all"``.
            progress: of the bytes, ``(stage, done, total)``.
        """
        rows = self.manifest.select(names)
        return [finding for row in rows for finding in self.inventory.verify(row, progress)]

    def mirror(self, target: Path, names: Iterable[str], progress: Progress | None = None) -> list[WeightFile]:
        """Copy the weights that are present and right to a mirror; return those that are new there.

        Args:
            target: the mirror's folder, made when missing.
            names: of weights, of engines, or ``"all"``.
            progress: of the bytes.

        Raises:
            WeightsError: the mirror cannot be written, or a file is not what was checked.
        """
        new = []
        for row in self.manifest.select(names):
            path = self.inventory.find(row, progress)
            expected = self.inventory.lock.expected(row)
            if path is not None and expected is not None:
                origin = str(self.inventory.lock.entry(row).get("origin", ""))
                if Mirror(target).add(row, path, expected, origin, progress):
                    new.append(row)
        return new

    def folder_of(self, prefix: str, progress: Progress | None = None, accept: Iterable[str] = ()) -> Path:
        """Return a folder that holds every file whose name starts with ``prefix/``, as a model loader wants them.

        Args:
            prefix: for example ``"qwen2.5-0.5b"``.
            progress: of the bytes.
            accept: names of weights or engines whose terms the caller accepts.

        Raises:
            WeightsError: one of them cannot be had, or nothing is called so.
        """
        self.accept(accept)
        rows = [row for row in self.manifest.rows.values() if row.name.startswith(f"{prefix}/")]
        if not rows:
            raise WeightsError(f"no weight is called {prefix}/…; `lipsync-colab weights list` names them all")
        self.acceptances.require(rows)
        paths = {row.name.removeprefix(f"{prefix}/"): self.get(row, progress).path for row in rows}
        folder = self.environment.root / "folders" / prefix
        for name, path in paths.items():
            _place(path, folder / name)
        return folder


def _place(path: Path, link: Path) -> None:
    """Let a name in a folder mean a file: a symbolic link, or a copy where there are none."""
    link.parent.mkdir(parents=True, exist_ok=True)
    if link.is_symlink() and link.resolve() == path.resolve():
        return
    link.unlink(missing_ok=True)
    try:
        link.symlink_to(path.resolve())
    except OSError:
        shutil.copyfile(path, link)


def path_of(name: str, progress: Progress | None = None, accept: Iterable[str] = ()) -> Path:
    """Return the checked file of a weight by the process's environment; see :meth:`Store.path_of`."""
    return Store().path_of(name, progress, accept)


def fetch(names: Iterable[str], progress: Progress | None = None, accept: Iterable[str] = ()) -> list[Fetched]:
    """Make weights present by the process's environment; see :meth:`Store.fetch`."""
    return Store().fetch(names, progress, accept=accept)
