"""What was measured, a JSON for each piece beside the sheets.

A run that was stopped goes on, and any piece can be run again alone.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from lipsync_colab.bench.gates.gate import Gate
from lipsync_colab.errors import InputError


@dataclass(frozen=True)
class Piece:
    """A part of the table that is measured at once.

    Attributes:
        source: a picture's or a voice's name.
        part: ``"still"``, a variation, ``"clip"``, ``"sound"`` or ``"machine"``.
    """

    source: str
    part: str

    def path(self, folder: Path) -> Path:
        """Return where its result lies."""
        return folder / "pieces" / f"{self.source}.{self.part.replace(' ', '_')}.json"


class Results:
    """The pieces in a folder.

    Args:
        folder: of the sheets and clips.
        settings: a result of other settings is measured again.
        told: each figure that fails and each refusal, as it comes.
    """

    def __init__(self, folder: Path, settings: dict[str, Any], told: Callable[[str], None]) -> None:
        self._folder, self._settings, self._told = folder, settings, told
        (folder / "pieces").mkdir(parents=True, exist_ok=True)

    def has(self, piece: Piece) -> bool:
        """Whether a piece was measured with these settings."""
        path = piece.path(self._folder)
        return path.exists() and json.loads(path.read_text(encoding="utf-8"))["settings"] == self._settings

    def measure(self, piece: Piece, gates: Callable[[], list[Gate]]) -> None:
        """Measure a piece and keep its figures, or why it is refused."""
        found: list[Gate] = []
        refused = ""
        try:
            found = gates()
        except InputError as error:
            refused = str(error)
            self._told(f"{piece.source} {piece.part}: refused: {refused}")
        for gate in found:
            if not gate.passed:
                self._told(f"{piece.source} {piece.part}: {gate.name} {gate.value:.3f}")
        rows = [gate.row() for gate in found]
        whole = {**asdict(piece), "settings": self._settings, "refused": refused, "gates": rows}
        path = piece.path(self._folder)
        part = path.with_suffix(".part")
        part.write_text(json.dumps(whole, indent=1), encoding="utf-8")
        part.replace(path)

    def gather(self) -> dict[str, Any]:
        """Return every piece in the folder with these settings: ``gates``, ``refused`` and ``passed``.

        Also written to ``gates.json``.
        """
        texts = [path.read_text(encoding="utf-8") for path in sorted((self._folder / "pieces").glob("*.json"))]
        whole = [one for one in map(json.loads, texts) if one["settings"] == self._settings]
        rows = [row for one in whole for row in one["gates"]]
        found = {
            "gates": rows,
            "refused": {f"{one['source']} {one['part']}": one["refused"] for one in whole if one["refused"]},
            "passed": bool(rows) and all(row["passed"] for row in rows),
        }
        (self._folder / "gates.json").write_text(json.dumps(found, indent=1), encoding="utf-8")
        return found
