"""``lipsync-colab report``: what a talking-head video measures, ours or anybody's."""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import Any


def add_parser(commands: Any) -> None:
    """Add the command and its options."""
    parser = commands.add_parser("report", help="measure lips against sound in any talking-head video")
    parser.add_argument("video", type=Path, metavar="VIDEO")
    parser.add_argument("--text", default="", help="what is said: closures are then counted on forced alignment")
    parser.add_argument("--json", action="store_true")
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    """Measure and print."""
    from lipsync_colab.report.measure import measure

    report = measure(options.video, options.text)
    if options.json:
        print(json.dumps(report.to_json()))
        return 0
    for sentence in report.sentences:
        print(sentence)
    for name, value in report.figures.items():
        print(f"  {name:26} {'not measured' if value is None else value}")
    return 0
