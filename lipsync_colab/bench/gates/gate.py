"""What a gate is: a figure, its limit, and on what it was measured."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

LIMITS: dict[str, tuple[str, float]] = {
    "fold": (">", 0.15),
    "head fold": (">", 0.15),
    "border step": ("<", 1.0),
    "border peak": ("<", 8.0),
    "seam": ("<=", 1.0),
    "sharp, head still": ("<", 0.05),
    "sharp, head moving": ("<", 0.05),
    "closures": (">=", 0.95),
    "vowels": ("<", 0.15),
    "lips r": (">", 0.9),
    "lips lag": ("<=", 1.0),
    "seen closures": (">=", 0.95),
    "seen r": (">", 0.9),
    "blink r": (">", 0.8),
    "silence": ("<", 0.02),
    "outside": ("<=", 0.0),
    "repeat": ("<=", 0.0),
    "flicker": ("<", 0.5),
    "raw closures": (">=", 0.88),
    "raw silence": ("<", 0.02),
    "unread closures": (">=", 0.88),
    "unread silence": ("<", 0.02),
    "human closures": (">=", 0.88),
    "human dips": (">=", 0.88),
    "human silence": ("<", 0.02),
    "setup seconds": ("<", 1.0),
    "4K memory": ("<", 2.0),
}
"""Each gate's limit.

``fold``: smallest Jacobian of the mouth's field over all poses, ``head fold``: of the head's at its extremes.
``border step``, ``border peak``: by how many levels the picture steps more than the still does along the border of all
that has changed, the mean and the 99.9th percentile (0.04 pixels, which count as still, on an edge of 200 levels).
``seam``: brightest pixel on the line of closed lips over the lips' 99th percentile. ``sharp``: by what share the
variance of the Laplacian in the face, without the mouth, departs from the still's, but for the noise that rounding to
whole levels adds.

On decoded frames: ``closures``, the share of m, b and p with closed lips in some frame; ``vowels``, the Wasserstein
distance between openings found in frames of vowels and their targets, over the targets' mean; ``lips r`` and ``lips
lag``, correlation of the opening with its target and its lag in frames. Lips that hardly part in the still are found
again by :mod:`~lipsync_colab.bench.gates.registration`, those of a smile by landmarks; ``seen`` is what landmarks say
of either. ``blink r``: of the lids that landmarks see. ``flicker``: levels from frame to frame outside the mouth in a
pause.

Before encoding, with the head still: ``silence``, motion of the lower face in pauses over that in speech; ``outside``,
levels by which anything beyond the face's outline and the mouth's surroundings changes; ``repeat``, the largest
difference between two renders of the same frames.

Of the sound alone: ``raw`` is what a render makes of it here (with a recogniser, where that is installed), ``unread``
what it makes without one, ``human`` the latter for a recording of a person: the closures of its words (English, where a
recogniser reads it), the share of all closures at which the voice falls by 6 dB, and motion in its pauses.

``setup seconds``: CPU time until the first frame at 1080p. ``4K memory``: GB of all processes at 3840 pixels.
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

    Figures of different kinds stand in tables of their own.

    Example:
        >>> print(table([Gate("hopper", "dark", "fold", 0.4)]))
        source                     fold
        hopper dark                0.400
    """
    kinds: dict[tuple[str, ...], dict[str, dict[str, Gate]]] = {}
    rows: dict[str, dict[str, Gate]] = {}
    for gate in gates:
        rows.setdefault(f"{gate.source} {gate.variation}".strip(), {})[gate.name] = gate
    for title, found in rows.items():
        kinds.setdefault(tuple(name for name in LIMITS if name in found), {})[title] = found
    return "\n\n".join(_one_table(names, found) for names, found in kinds.items())


def _one_table(names: tuple[str, ...], rows: dict[str, dict[str, Gate]]) -> str:
    widths = [max(len(name), 7) for name in names]
    lines = ["source".ljust(26) + "".join(" " + name.ljust(width) for name, width in zip(names, widths, strict=True))]
    for title, found in rows.items():
        cells = [_cell(found[name]).ljust(width) for name, width in zip(names, widths, strict=True)]
        lines.append(title[:26].ljust(26) + "".join(" " + cell for cell in cells))
    return "\n".join(line.rstrip() for line in lines)


def summary(gates: list[Gate]) -> str:
    """Return how many figures of each gate pass, and which fail, a line each.

    Example:
        >>> print(summary([Gate("hopper", "dark", "fold", 0.4), Gate("hopper", "", "fold", 0.1)]))
        fold                 > 0.15      1 of 2     hopper 0.100
    """
    lines = []
    for name, (sign, limit) in LIMITS.items():
        found = [gate for gate in gates if gate.name == name]
        failed = [gate for gate in found if not gate.passed]
        worst = ", ".join(f"{gate.source} {gate.variation}".strip() + f" {gate.value:.3f}" for gate in failed)
        count = f"{len(found) - len(failed)} of {len(found)}"
        if found:
            lines.append(f"{name:20} {f'{sign} {limit:g}':11} {count:10} {worst}".rstrip())
    return "\n".join(lines)


def gates_of(rows: list[dict[str, Any]]) -> list[Gate]:
    """Return the gates of the rows of a ``gates.json``."""
    return [
        Gate(row["source"], row["variation"], row["name"], float("nan") if row["value"] is None else row["value"])
        for row in rows
    ]


def _cell(gate: Gate) -> str:
    return f"{gate.value:.3f}" + ("" if gate.passed else " !")
