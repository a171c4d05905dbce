"""What a gate is: a figure, its limit, and on what it was measured."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

LIMITS: dict[str, tuple[str, float]] = {
    "fold": (">", 0.15),
    "head fold": (">", 0.15),
    "border step": ("<", 0.5),
    "border peak": ("<", 6.0),
    "seam": ("<=", 1.0),
    "sharp, head still": ("<", 0.05),
    "sharp, head moving": ("<", 0.05),
    "closures": (">=", 0.95),
    "vowels": ("<", 0.15),
    "lips r": (">", 0.9),
    "silence": ("<", 0.02),
    "flicker": ("<", 0.5),
    "raw closures": (">=", 0.88),
    "raw silence": ("<", 0.02),
}
"""Each gate's limit.

``fold``: smallest Jacobian of the mouth's field over all poses, ``head fold``: of the head's at its extremes.
``border step``, ``border peak``: by how many levels a patch's border steps more than the still does there, the mean
and the 99.9th percentile. ``seam``: brightest pixel on the line of closed lips over the lips' 99th percentile.
``sharp``: by what share the variance of the Laplacian in the face, without the mouth, departs from the still's.
``closures``: share of m, b and p at which landmarks, found anew in every decoded frame, see closed lips. ``vowels``:
Wasserstein distance between the openings found in frames of vowels and their targets, over the targets' mean.
``lips r``: correlation of the opening with its target. ``silence``: motion of the lower face in pauses over that in
speech. ``flicker``: levels from frame to frame outside the mouth in a pause, decoded. ``raw``: the same of what is
heard in the sound alone.
"""


@dataclass(frozen=True)
class Gate:
    """One figure on one source.

    Attributes:
        source: the picture's or the voice's name.
        variation: how the picture was varied; empty for the picture itself.
        name: one of :data:`LIMITS`.
        value: the figure; NaN fails.
    """

    source: str
    variation: str
    name: str
    value: float

    @property
    def passed(self) -> bool:
        """Whether the figure keeps its limit."""
        sign, limit = LIMITS[self.name]
        return {"<": self.value < limit, "<=": self.value <= limit, ">": self.value > limit, ">=": self.value >= limit}[
            sign
        ]

    def row(self) -> dict[str, Any]:
        """Return the gate for JSON."""
        sign, limit = LIMITS[self.name]
        value = round(self.value, 4) if self.value == self.value else None
        return {**asdict(self), "value": value, "limit": f"{sign} {limit:g}", "passed": self.passed}


def table(gates: list[Gate]) -> str:
    """Return gates as lines of text: a row for each source and variation, ``!`` behind a figure that fails.

    Example:
        >>> print(table([Gate("hopper", "dark", "fold", 0.4)]))
        source                     fold
        hopper dark                0.400
    """
    names = [name for name in LIMITS if any(gate.name == name for gate in gates)]
    rows: dict[str, dict[str, Gate]] = {}
    for gate in gates:
        rows.setdefault(f"{gate.source} {gate.variation}".strip(), {})[gate.name] = gate
    widths = [max(len(name), 7) for name in names]
    lines = ["source".ljust(26) + "".join(" " + name.ljust(width) for name, width in zip(names, widths, strict=True))]
    for title, found in rows.items():
        cells = [_cell(found.get(name)).ljust(width) for name, width in zip(names, widths, strict=True)]
        lines.append(title[:26].ljust(26) + "".join(" " + cell for cell in cells))
    return "\n".join(line.rstrip() for line in lines)


def rows_table(rows: list[dict[str, Any]]) -> str:
    """Return the rows of a ``gates.json`` as lines of text, see :func:`table`."""
    return table(
        [
            Gate(row["source"], row["variation"], row["name"], float("nan") if row["value"] is None else row["value"])
            for row in rows
        ]
    )


def _cell(gate: Gate | None) -> str:
    return "" if gate is None else f"{gate.value:.3f}" + ("" if gate.passed else " !")
