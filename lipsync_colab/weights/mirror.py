"""Mirrors: a folder (Drive, a disk, a mounted bucket) that holds checked weights and a manifest of their checksums."""

from __future__ import annotations

import contextlib
import hashlib
import os
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from lipsync_colab.errors import WeightsError
from lipsync_colab.types import Progress
from lipsync_colab.weights.cache import read_json, write_json
from lipsync_colab.weights.manifest import DIGEST, PICKLES, SAFE_NAME, WeightFile
from lipsync_colab.weights.transfer import finish, full_disk_explained, room_for
from lipsync_colab.weights.trust import origin_of

BLOCK = 1 << 20
MANIFEST = "mirror.json"


def copy_checked(source: Path, part: Path, name: str, progress: Progress | None = None) -> str:
    """Copy a file in blocks and return the sha256 of what was read.

    Args:
        source: the file.
        part: where the copy goes; written anew.
        name: for messages and progress.
        progress: called with ``(name, done, total)``.

    Raises:
        WeightsError: the disk is full or cannot be written.
    """
    total = source.stat().st_size
    part.parent.mkdir(parents=True, exist_ok=True)
    room_for(part.parent, total, name)
    digest, done = hashlib.sha256(), 0
    with full_disk_explained(part, name), source.open("rb") as reader, part.open("wb") as writer:
        while block := reader.read(BLOCK):
            digest.update(block)
            writer.write(block)
            done += len(block)
            if progress is not None:
                progress(name, done, total)
        finish(writer)
    shutil.copystat(source, part)
    return digest.hexdigest()


@dataclass(frozen=True)
class Mirror:
    """One mirror folder: ``NAME`` for each weight, and ``mirror.json`` with size, sha256 and origin.

    Attributes:
        folder: the mirror.
    """

    folder: Path

    def __str__(self) -> str:
        return f"mirror {self.folder}"

    def entries(self) -> dict[str, dict[str, Any]]:
        """Return what the mirror says it holds, by name.

        Raises:
            WeightsError: a name would leave the folder, or a hash is none.
        """
        entries = read_json(self.folder / MANIFEST)
        for name, values in entries.items():
            if not SAFE_NAME.fullmatch(name) or not DIGEST.fullmatch(str(values.get("sha256"))):
                raise WeightsError(f"{self.folder / MANIFEST} names {name!r}, which is no weight; make the mirror anew")
        return entries

    def find(self, row: WeightFile) -> Path | None:
        """Return the mirror's file of a weight, or None.

        Raises:
            WeightsError: the file is a link that leads out of the mirror.
        """
        self.entries()
        path = self.folder / row.name
        if not path.is_file():
            return None
        if not path.resolve().is_relative_to(self.folder.resolve()):
            raise WeightsError(f"{path} leads out of the mirror and is not read; replace the link by the file")
        return path

    def recorded(self, row: WeightFile) -> tuple[str, str] | None:
        """Return the hash and origin that a mirror recorded for a weight that the manifest has no hash of.

        Only for files that can hold no code, and whose origin is one of the row's homes at its full commit.
        """
        entry = self.entries().get(row.name, {})
        homes = {origin_of(home) for home in [row.hub] if home is not None and home.revision}
        if row.format in PICKLES or entry.get("origin") not in homes:
            return None
        return str(entry["sha256"]), str(entry["origin"])

    def add(self, row: WeightFile, path: Path, sha256: str, origin: str, progress: Progress | None = None) -> bool:
        """Copy one checked weight into the mirror.

        Args:
            row: the weight.
            path: its checked file.
            sha256: what the file has.
            origin: where it came from, for weights with no hash in the manifest.
            progress: of the bytes.

        Returns:
            False when the mirror has it already.

        Raises:
            WeightsError: what was read is not what was checked, or the mirror cannot be written.
        """
        final = self.folder / row.name
        entries = self.entries()
        size = path.stat().st_size
        known = entries.get(row.name, {}).get("sha256") == sha256
        if known and final.is_file() and final.stat().st_size == size:
            return False
        part = final.with_name(f"{final.name}.{os.getpid()}.part")
        try:
            final.parent.mkdir(parents=True, exist_ok=True)
            found = copy_checked(path, part, row.name, progress)
            if found != sha256:
                raise WeightsError(f"{path} changed while it was copied: sha256 {found}, expected {sha256}; run verify")
            part.replace(final)
        except OSError as error:
            raise WeightsError(f"{self} cannot be written: {error.strerror or error}; check the folder") from error
        finally:
            with contextlib.suppress(OSError):
                part.unlink()
        entries = self.entries()  # another process may have added to them meanwhile
        entries[row.name] = {"sha256": sha256, "size": size, "origin": origin, "licence": row.licence.name}
        write_json(self.folder / MANIFEST, entries)
        return True
