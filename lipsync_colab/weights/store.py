"""The store: finds a weight on this machine, or fetches it from the first of its homes that gives the right bytes."""

from __future__ import annotations

import shutil
from collections.abc import Iterable
from pathlib import Path

from lipsync_colab.errors import WeightsError
from lipsync_colab.types import Progress
from lipsync_colab.weights import trust
from lipsync_colab.weights.cache import Environment
from lipsync_colab.weights.fetcher import Fetched, Fetcher
from lipsync_colab.weights.inventory import Finding, Inventory
from lipsync_colab.weights.licences import Acceptances
from lipsync_colab.weights.manifest import Manifest, WeightFile, manifest
from lipsync_colab.weights.mirror import Mirror, copy_checked
from lipsync_colab.weights.transfer import Patience


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
        self.fetcher = Fetcher(self.environment, self.inventory, patience or Patience())

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
        with self.fetcher.locked(row, progress):
            path = self.inventory.find(row, progress)
            return Fetched(row, path) if path is not None else self.fetcher.fetch(row, progress, mirror)

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
        with self.fetcher.locked(row, progress):
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

    def mirrored(self, target: Path) -> list[WeightFile]:
        """Return the weights that a mirror holds: what a fresh machine fetches from it at the start.

        Raises:
            WeightsError: the mirror names other places than its own.
        """
        return [self.manifest.rows[name] for name in Mirror(target).entries() if name in self.manifest.rows]

    def bring(self, target: Path, progress: Progress | None = None) -> list[Fetched]:
        """Fetch from a mirror what it holds and whose terms are accepted on this machine.

        Args:
            target: the mirror's folder.
            progress: of the bytes.

        Raises:
            WeightsError: a kept file is damaged.
        """
        names = [row.name for row in self.mirrored(target) if not self.acceptances.missing([row])]
        return self.fetch(names, progress, target)

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
