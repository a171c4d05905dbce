"""Terms of use, and who accepted them when."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from lipsync_colab.errors import WeightsError
from lipsync_colab.weights.cache import edited, read_json, today
from lipsync_colab.weights.manifest import WeightFile

FORBIDDEN = {"no": "Its terms forbid commercial use", "unclear": "Its terms for commercial use are not clear-cut"}


def terms_of(row: WeightFile) -> str:
    """Return the terms of a weight in one line: the licence's name, two sentences, and where they are written."""
    licence = row.licence
    return f"{licence.name}. {licence.terms} ({licence.source})"


class Acceptances:
    """What a person accepted by name, with the date.

    Attributes:
        path: ``accepted.json`` in the cache.
    """

    def __init__(self, path: Path) -> None:
        self.path = path

    def date(self, row: WeightFile) -> str | None:
        """Return when the terms of a weight were accepted (``YYYY-MM-DD``); None if never, or if they changed since."""
        entry = read_json(self.path).get(row.name) or {}
        return entry.get("date") if entry.get("terms") == row.licence.terms else None

    def accept(self, rows: Iterable[WeightFile]) -> list[WeightFile]:
        """Record today's acceptance of each weight that needs one, and return those that are new."""
        new = [row for row in rows if row.needs_acceptance and self.date(row) is None]
        if not new:
            return []
        with edited(self.path) as entries:
            for row in new:
                entries[row.name] = {"date": today(), "licence": row.licence.name, "terms": row.licence.terms}
        return new

    def missing(self, rows: Iterable[WeightFile]) -> list[WeightFile]:
        """Return the weights whose terms still have to be accepted."""
        return [row for row in rows if row.needs_acceptance and self.date(row) is None]

    def require(self, rows: Iterable[WeightFile]) -> None:
        """Stop before the first use of a weight whose terms nobody accepted.

        Raises:
            WeightsError: with the terms in two sentences, and how to accept them.
        """
        missing = self.missing(rows)
        if not missing:
            return
        row = missing[0]
        raise WeightsError(
            f"{row.name}: {FORBIDDEN[row.licence.commercial]}. {terms_of(row)} To accept: `lipsync-colab weights "
            f"accept {_shortest(missing)}`, the check box in the panel, or accept=[...] in Python"
        )


def _shortest(rows: list[WeightFile]) -> str:
    """Return what to accept: the files, or the engine whose they all are where they share one licence and are many."""
    shared = set.intersection(*(set(row.engines) for row in rows))
    if len(rows) > 3 and len(shared) == 1 and len({row.licence.key for row in rows}) == 1:
        return shared.pop()
    return " ".join(row.name for row in rows)
