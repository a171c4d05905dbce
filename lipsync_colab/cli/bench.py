"""``lipsync-colab bench``: figures of this machine, as ratios within one run."""

from __future__ import annotations

import argparse
import importlib
import json
import sys
from pathlib import Path
from typing import Any

SUBJECTS = ("viseme", "wav2lip", "renderers", "hallo")
"""Modules of ``lipsync_colab.bench``, each with ``measure(portrait, seconds) -> dict``."""


def add_parser(commands: Any) -> None:
    """Add the command and its options."""
    parser = commands.add_parser("bench", help="measure an engine on this machine")
    parser.add_argument("--engine", default="viseme", choices=SUBJECTS)
    parser.add_argument("--recipe", action="store_true", help="the usual finishing recipe against ours (minutes)")
    parser.add_argument("--restorers", action="store_true", help="Real-ESRGAN against face restorers on a shrunk face")
    parser.add_argument("--memory", action="store_true", help="count parameters and trace activations again (minutes)")
    parser.add_argument("--estimates", action="store_true", help="the plan's seconds against the render's (minutes)")
    parser.add_argument("--portrait", type=Path, default=None, help="the demo's by default")
    parser.add_argument("--seconds", type=float, default=None, help="of video; 10, or 1 frame of the recipe")
    parser.add_argument("--json", action="store_true")
    gates = parser.add_argument_group(
        "gates", "the embedded engine on many faces; a sheet and a clip of each to look at"
    )
    gates.add_argument("--gates", type=Path, nargs="?", const=None, default=False, metavar="FOLDER")
    gates.add_argument(
        "-o", "--output", type=Path, default=Path("gates"), help="for sheets, clips and figures; a run goes on from it"
    )
    gates.add_argument("--only", action="append", default=[], metavar="NAME", help="of a source; may be repeated")
    gates.add_argument(
        "--part", action="append", default=[], metavar="NAME", help="still, clip, machine, sound or a variation"
    )
    gates.add_argument("--again", action="store_true", help="measure anew what the output folder already holds")
    gates.add_argument("--short-side", type=int, default=720, help="of sheets and clips in pixels")
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    """Measure and print."""
    if options.gates is not False:
        return _run_gates(options)
    from lipsync_colab.cli.demo import portrait_path

    asked = [name for name in ("recipe", "restorers", "memory", "estimates") if getattr(options, name)]
    name = asked[0] if asked else options.engine
    subject = importlib.import_module(f"lipsync_colab.bench.{name}")
    seconds = options.seconds or (1.0 if options.recipe else 10.0)
    figures = subject.measure(options.portrait or portrait_path(), seconds)
    if options.json:
        print(json.dumps(figures))
        return 0
    for heading, values in figures.items():
        rows = values.items() if isinstance(values, dict) else [("", values)]
        print(heading)
        for key, value in rows:
            print(f"  {key:28} {value}")
    return 0


def _run_gates(options: argparse.Namespace) -> int:
    """Run the gates and print their tables; the exit code is 5 when one fails."""
    from lipsync_colab.bench.gates.gate import gates_of, summary, table
    from lipsync_colab.bench.gates.run import Scope, run

    scope = Scope(
        output=options.output,
        folder=options.gates,
        only=tuple(options.only),
        parts=tuple(options.part),
        size=options.short_side,
        seconds=10.0 if options.seconds is None else options.seconds,
        again=options.again,
    )
    found = run(scope, lambda line: print(line, file=sys.stderr, flush=True))
    if options.json:
        print(json.dumps(found))
    else:
        gates = gates_of(found["gates"])
        print(table(gates), summary(gates), sep="\n\n")
        for name, reason in found["refused"].items():
            print(f"refused: {name}: {reason}")
        print(f"sheets, clips and gates.json: {options.output}")
    return 0 if found["passed"] else 5
