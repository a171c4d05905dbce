"""Which bytes are trusted: those of the manifest's sha256, or of the lock file that the first fetch wrote."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from lipsync_colab.errors import WeightsError
from lipsync_colab.weights.cache import edited, read_json, today
from lipsync_colab.weights.manifest import COMMIT, PICKLES, Home, HubHome, WeightFile


class LockFile:
    """Hashes of files whose sha256 no source tells, as they were at the first fetch.

    Attributes:
        path: ``lock.json`` in the cache.
    """

    def __init__(self, path: Path) -> None:
        self.path = path

    def expected(self, row: WeightFile) -> str | None:
        """Return the sha256 that a weight must have: the manifest's, else the lock's, else None."""
        return row.sha256 or self.entry(row).get("sha256")

    def entry(self, row: WeightFile) -> dict[str, Any]:
        """Return what was recorded for a weight; empty when nothing was."""
        return dict(read_json(self.path).get(row.name) or {})

    def record(self, row: WeightFile, sha256: str, size: int, origin: str) -> None:
        """Record the hash of a weight that had none; an older record is never replaced.

        Args:
            row: the weight.
            sha256: 64 hex digits.
            size: bytes.
            origin: the home, with its full revision, or ``"a person"``.
        """
        if row.sha256:
            return
        with edited(self.path) as entries:
            entries.setdefault(row.name, {"sha256": sha256, "size": size, "origin": origin, "date": today()})


def origin_of(home: HubHome) -> str:
    """Return a home with its full revision, as the lock file and mirrors name it."""
    return f"{home.repo}@{home.revision}/{home.filename}"


def may_trust_first(row: WeightFile, home: Home) -> bool:
    """Return whether a file with no known hash may be taken from a home: no pickle, and a full commit hash."""
    return row.format not in PICKLES and isinstance(home, HubHome) and COMMIT.fullmatch(home.revision) is not None


def refusal(row: WeightFile, expected: str | None) -> str:
    """Return why a weight may not be fetched by the trust rules, or an empty string."""
    if expected is not None or any(may_trust_first(row, home) for home in row.homes):
        return ""
    if row.format in PICKLES:
        return (
            f"{row.name} is a pickle with no known sha256 and is not fetched; get it from {row.source}, then "
            f"`lipsync-colab weights fetch {row.name} --file PATH --sha256 HEX`"
        )
    return (
        f"{row.name} has no known sha256 and no home at a fixed commit; get it from {row.source}, then "
        f"`lipsync-colab weights fetch {row.name} --file PATH`"
    )


def require_trust(row: WeightFile, expected: str | None) -> None:
    """Refuse what the trust rules refuse.

    Raises:
        WeightsError: with the way out.
    """
    reason = refusal(row, expected)
    if reason:
        raise WeightsError(reason)
