"""``lipsync-colab engines``: every engine with its size, licence and the state of its weights."""

from __future__ import annotations

import argparse
import json
from typing import TYPE_CHECKING, Any

from lipsync_colab.engines.registry import ENGINES, EngineInfo

if TYPE_CHECKING:
    from lipsync_colab.weights.store import Store


def add_parser(commands: Any) -> None:
    """Add the command."""
    parser = commands.add_parser("engines", help="every engine with its size, licence and the state of its weights")
    parser.add_argument("--json", action="store_true", help="print one JSON document")
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    """Print the engines; nothing is fetched."""
    from lipsync_colab.weights.store import Store

    listing = [describe(info, Store()) for info in ENGINES.values()]
    if options.json:
        print(json.dumps(listing, indent=1))
    else:
        print("\n".join(line for entry in listing for line in _lines(entry)))
    return 0


def describe(info: EngineInfo, store: Store) -> dict[str, Any]:
    """Return what there is to know of an engine as plain JSON values.

    Args:
        info: the engine.
        store: where weights are looked for; nothing is fetched.
    """
    chosen = [rows for values in info.variants.values() for rows in values.values()]
    names = dict.fromkeys([*info.weights, *(row for rows in chosen for row in rows)])
    return {
        "name": info.name,
        "summary": info.summary,
        "native": list(info.native) if info.native else None,
        "licence": info.licence,
        "commercial": info.commercial,
        "needs_torch": info.needs_torch,
        "memory": info.memory,
        "options": {option: list(values) for option, values in info.variants.items()},
        "weights": [_weight(name, store) for name in names],
    }


def _weight(name: str, store: Store) -> dict[str, Any]:
    row = store.manifest[name]
    accepted = not row.needs_acceptance or store.acceptances.date(row) is not None
    return {"name": name, "size": row.size, "state": store.inventory.state(row), "accepted": accepted}


def _lines(entry: dict[str, Any]) -> list[str]:
    native = "output size" if entry["native"] is None else "×".join(str(side) for side in entry["native"])
    commercial = "commercial use allowed" if entry["commercial"] else "no commercial use"
    lines = [f"{entry['name']:<12} {native:<12} {entry['summary']}", f"{'':<12} {entry['licence']}; {commercial}"]
    for option, values in entry["options"].items():
        lines.append(f"{'':<12} {option}: {', '.join(values)}")
    for weight in entry["weights"]:
        size = "" if weight["size"] is None else f", {weight['size'] / 1e6:.0f} MB"
        terms = "" if weight["accepted"] else ", licence not accepted"
        lines.append(f"{'':<12} {weight['name']}: {weight['state']}{size}{terms}")
    if not entry["weights"]:
        lines.append(f"{'':<12} weights: none to fetch")
    return lines
