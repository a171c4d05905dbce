"""The manifest: one row for each weight file, with its hash, its licence and the homes it can be fetched from."""

from __future__ import annotations

import functools
import json
import re
from collections.abc import Iterable
from dataclasses import dataclass
from importlib import resources
from pathlib import Path
from typing import Any

from lipsync_colab.errors import WeightsError

SAFE_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.+\-]*(/[A-Za-z0-9][A-Za-z0-9_.+\-]*)*")
"""A relative path of plain segments: no ``..``, no leading dot, no drive, no backslash."""
COMMIT = re.compile(r"[0-9a-f]{40}")
DIGEST = re.compile(r"[0-9a-f]{64}")
COMMERCIAL = ("yes", "no", "unclear")
PICKLES = ("pickle", "torchscript")
"""Formats whose loading can run code unless it is restricted."""


@dataclass(frozen=True)
class HubHome:
    """A file of a repository on the Hugging Face Hub.

    Attributes:
        repo: ``owner/name``.
        filename: path inside the repository.
        revision: a full commit hash, or empty for the newest.
        repo_type: ``"model"``, ``"dataset"`` or ``"space"``.
    """

    repo: str
    filename: str
    revision: str = ""
    repo_type: str = "model"

    def __str__(self) -> str:
        return f"{self.repo}@{self.revision[:8] or 'main'}"


@dataclass(frozen=True)
class LinkHome:
    """A file behind an https address."""

    url: str

    def __str__(self) -> str:
        return self.url


@dataclass(frozen=True)
class PackageHome:
    """A member of a Python package.

    Attributes:
        package: the distribution's name.
        version: the pinned version.
        member: path of the file inside the wheel and inside the installed package's folder.
        wheel: sha256 of the wheel.
        python: Python version of the wheel (``"3.12"``) where the running one may have none, or empty.
        platform: platform tag of the wheel, with ``python``; empty for a pure wheel.
    """

    package: str
    version: str
    member: str
    wheel: str
    python: str = ""
    platform: str = ""

    def __str__(self) -> str:
        return f"package {self.package}=={self.version}"


Home = HubHome | LinkHome | PackageHome
HOME_KINDS: dict[str, type[HubHome | LinkHome | PackageHome]] = {
    "hub": HubHome,
    "link": LinkHome,
    "package": PackageHome,
}


@dataclass(frozen=True)
class Licence:
    """Under which terms a weight file may be used.

    Attributes:
        key: name of the entry in the manifest.
        name: an SPDX identifier, or the licence's own name.
        commercial: ``"yes"``, ``"no"`` or ``"unclear"`` (not settled, or only under conditions).
        terms: two sentences that say what is allowed.
        source: where the terms are written.
    """

    key: str
    name: str
    commercial: str
    terms: str
    source: str


@dataclass(frozen=True)
class WeightFile:
    """One row of the manifest.

    Attributes:
        name: unique, a relative path of plain segments; also the file's place in the store and in a mirror.
        engines: engines or stages that need it.
        size: bytes, or None when unknown.
        sha256: 64 hex digits, or None when unknown.
        format: ``pickle``, ``safetensors``, ``gguf``, ``onnx``, ``tflite``, ``ncnn``, ``json``, ``text``, ``mat`` …
        licence: its terms.
        source: the page of the people who made it.
        homes: where it can be fetched, in order.
        memory: bytes once loaded, or None.
        confirmed: whether these bytes were once fetched from one of the homes and hashed by us.
        note: what else there is to know.
    """

    name: str
    engines: tuple[str, ...]
    size: int | None
    sha256: str | None
    format: str
    licence: Licence
    source: str
    homes: tuple[Home, ...]
    memory: int | None = None
    confirmed: bool = False
    note: str = ""

    @property
    def hub(self) -> HubHome | None:
        """The first home on the Hub: repository, revision and filename."""
        return next((home for home in self.homes if isinstance(home, HubHome)), None)

    @property
    def needs_acceptance(self) -> bool:
        """Whether a person must accept the terms by name before the first use."""
        return self.licence.commercial != "yes"


@dataclass(frozen=True)
class Manifest:
    """Every row, in the order of the file.

    Attributes:
        rows: the rows by name.
    """

    rows: dict[str, WeightFile]

    def __getitem__(self, name: str) -> WeightFile:
        """Return a row by its name, or by its name without the ending where only one row has that."""
        if name in self.rows:
            return self.rows[name]
        shorter = [row for row in self.rows.values() if row.name.rpartition(".")[0] == name]
        if len(shorter) == 1:
            return shorter[0]
        if shorter:
            raise WeightsError(f"{name!r} may mean {' or '.join(row.name for row in shorter)}; say which")
        raise WeightsError(f"no weight is called {name!r}; `lipsync-colab weights list` names them all")

    def select(self, names: Iterable[str]) -> list[WeightFile]:
        """Return the rows that are meant by names of files, names of engines, or ``"all"``.

        Raises:
            WeightsError: a name means nothing.
        """
        chosen: dict[str, WeightFile] = {}
        for name in names:
            rows = [row for row in self.rows.values() if name in ("all", row.name) or name in row.engines]
            for row in rows or [self[name]]:
                chosen[row.name] = row
        return list(chosen.values())

    def engines(self) -> dict[str, int]:
        """Return the bytes that each engine or stage needs (rows of unknown size count 0)."""
        sums: dict[str, int] = {}
        for row in self.rows.values():
            for engine in row.engines:
                sums[engine] = sums.get(engine, 0) + (row.size or 0)
        return sums


def _home(values: dict[str, str]) -> Home:
    fields = dict(values)
    home = HOME_KINDS[fields.pop("kind")](**fields)
    if isinstance(home, LinkHome):
        if not home.url.startswith("https://"):
            raise WeightsError(f"{home.url!r} is no https address; correct the manifest")
    elif isinstance(home, HubHome):
        _require_safe(home.repo, home.filename)
        if home.revision and not COMMIT.fullmatch(home.revision):
            raise WeightsError(f"{home.revision!r} is no full commit hash; correct the manifest")
    else:
        _require_safe(home.package, home.member)
    return home


def _require_safe(*names: str) -> None:
    for name in names:
        if not SAFE_NAME.fullmatch(name):
            raise WeightsError(f"{name!r} is no plain relative name: it could lead out of the cache; it is refused")


def parse(document: dict[str, Any]) -> Manifest:
    """Return the manifest that a JSON document holds.

    Raises:
        WeightsError: two rows share a name, a name could lead out of the cache, or a home is not pinned as it must be.
    """
    licences = {key: Licence(key=key, **values) for key, values in document["licences"].items()}
    rows: dict[str, WeightFile] = {}
    for values in document["files"]:
        fields = dict(values)
        fields["licence"] = licences[fields["licence"]]
        fields["engines"] = tuple(fields["engines"])
        fields["homes"] = tuple(_home(home) for home in fields["homes"])
        row = WeightFile(**fields)
        _require_safe(row.name)
        if row.name in rows:
            raise WeightsError(f"the manifest names {row.name} twice; keep one row")
        rows[row.name] = row
    return Manifest(rows)


def read(path: Path) -> Manifest:
    """Return the manifest in a file."""
    return parse(json.loads(path.read_text(encoding="utf-8")))


@functools.cache
def manifest() -> Manifest:
    """Return the manifest that comes with the package."""
    text = resources.files("lipsync_colab.weights").joinpath("manifest.json").read_text(encoding="utf-8")
    return parse(json.loads(text))
