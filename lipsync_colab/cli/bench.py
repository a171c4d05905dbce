"""``lipsync-colab bench``: figures of this machine, as ratios within one run."""

from __future__ import annotations

import argparse
import importlib
import json
from pathlib import Path
from typing import Any

SUBJECTS = ("viseme", "wav2lip", "renderers")
"""Modules of ``lipsync_colab.bench``, each with ``measure(portrait, seconds) -> dict``."""


def add_parser(commands: Any) -> None:
    """Add the command and its options."""
    parser = commands.add_parser("bench", help="measure an engine on this machine")
    parser.add_argument("--engine", default="viseme", choices=SUBJECTS)
    parser.add_argument("--recipe", action="store_true", help="the usual finishing recipe against ours (minutes)")
    parser.add_argument("--restorers", action="store_true", help="Real-ESRGAN against face restorers on a shrunk face")
    parser.add_argument("--memory", action="store_true", help="count parameters and trace activations again (minutes)")
    parser.add_argument("--portrait", type=Path, default=None, help="the demo's by default")
    parser.add_argument("--seconds", type=float, default=None, help="of video; 10, or 1 frame of the recipe")
    parser.add_argument("--json", action="store_true")
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    """Measure and print."""
    from lipsync_colab.cli.demo import portrait_path

    asked = [name for name in ("recipe", "restorers", "memory") if getattr(options, name)]
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
