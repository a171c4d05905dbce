"""``lipsync-colab verify``: whether a video of ours is still what its record says."""

from __future__ import annotations

import argparse
import dataclasses
import json
from pathlib import Path
from typing import Any

from lipsync_colab.errors import InputError

MARKS = {True: "holds", False: "WRONG", None: "-"}


def add_parser(commands: Any) -> None:
    """Add the command and its options."""
    parser = commands.add_parser("verify", help="hold a video against its record: hashes, plan, weights, inputs")
    parser.add_argument("video", type=Path, metavar="VIDEO")
    parser.add_argument("--portrait", type=Path, metavar="FILE", help="the picture that it is said to be made of")
    parser.add_argument("--voice", type=Path, metavar="FILE", help="the sound that it is said to be made of")
    parser.add_argument("--json", action="store_true")
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    """Print every check; exit with 2 when one of them fails."""
    from lipsync_colab.pipeline.verification import verify

    checks = verify(options.video, options.portrait, options.voice)
    if options.json:
        print(json.dumps([dataclasses.asdict(check) for check in checks]))
    else:
        for check in checks:
            print(f"  {check.what:24} {MARKS[check.holds]:6} {check.said}")
    wrong = [check.what for check in checks if check.holds is False]
    if wrong:
        raise InputError(f"'{options.video.name}' is not what its record says: {', '.join(wrong)}")
    return 0
