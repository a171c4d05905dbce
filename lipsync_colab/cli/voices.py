"""``lipsync-colab voices``: every voice with its language, licence and state; or one voice's timing, measured."""

from __future__ import annotations

import argparse
import json
from typing import Any


def add_parser(commands: Any) -> None:
    """Add the command and its options."""
    parser = commands.add_parser("voices", help="every voice with its language, licence and state")
    add = parser.add_argument
    add("--language", default="", metavar="CODE", help="only voices of this language, for example es")
    add("--measure", default="", metavar="NAME", help="speak with one voice and print how late its phoneme times are")
    add("--text", default="", help="what --measure speaks")
    add("--json", action="store_true", help="print one JSON document")
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    """Print the voices, or one offset; only --measure fetches anything."""
    return _measured(options) if options.measure else _listed(options)


def _listed(options: argparse.Namespace) -> int:
    from lipsync_colab.errors import InputError
    from lipsync_colab.narrate.voices import REGISTRY, state
    from lipsync_colab.weights.store import Store

    store, wanted = Store(), options.language.partition("-")[0].lower()
    chosen = [info for info in REGISTRY.values() if wanted in ("", info.language.partition("-")[0])]
    if not chosen:
        raise InputError(f"no voice speaks {options.language!r}: leave out --language to see all")
    rows: list[dict[str, Any]] = [
        {
            **{"name": info.name, "family": info.family, "language": info.language, "rate": info.rate},
            **{"offset": info.offset, "licence": info.licence, "state": state(info, store)},
        }
        for info in chosen
    ]
    if options.json:
        print(json.dumps(rows, indent=1))
    else:
        for row in rows:
            print(
                f"{row['name']:<14} {row['language']:<6} {row['family']:<7} {row['rate']:>6} Hz "
                f"{1000 * row['offset']:>+5.0f} ms  {row['state']}; {row['licence']}"
            )
    return 0


def _measured(options: argparse.Namespace) -> int:
    from lipsync_colab.narrate.offset import measure_offset
    from lipsync_colab.narrate.voices import voice_info

    info = voice_info(options.measure)
    found = measure_offset(options.measure, options.text)
    if options.json:
        values = {"offset": found.seconds, "declared": info.offset, "by": found.by, "count": found.count}
        print(json.dumps({"name": info.name, **values, "spread": found.spread}))
    else:
        print(
            f"{info.name}: {1000 * found.seconds:+.0f} ms by {found.by} over {found.count} sounds "
            f"(declared {1000 * info.offset:+.0f} ms)"
        )
        if info.file is not None:
            print(f'to use it, put "offset": {found.seconds:.3f} into {info.file.name}.json')
    return 0
