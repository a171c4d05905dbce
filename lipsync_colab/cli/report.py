"""``lipsync-colab report``: what a talking-head video measures, ours or anybody's."""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import Any

from lipsync_colab.errors import InputError


def add_parser(commands: Any) -> None:
    """Add the command and its options."""
    parser = commands.add_parser("report", help="measure lips against sound in any talking-head video")
    parser.add_argument("video", type=Path, metavar="VIDEO")
    parser.add_argument("--text", default="", help="what is said: closures are then counted on forced alignment")
    parser.add_argument(
        "--portrait", type=Path, metavar="FILE", help="the picture that it was made of, to hold its sharpness against"
    )
    parser.add_argument(
        "--html",
        nargs="?",
        type=Path,
        const=Path(),
        metavar="PAGE",
        help="also write a page with plots; VIDEO.html beside the video when no name is given",
    )
    parser.add_argument("--json", action="store_true")
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    """Measure, print, and write the page where one is asked for."""
    page = _page(options)
    from lipsync_colab.report.measure import measure

    report = measure(options.video, options.text, options.portrait)
    if page is not None:
        from lipsync_colab.report.page import write_page

        write_page(report, page)
    if options.json:
        print(json.dumps(report.to_json()))
        return 0
    for sentence in report.sentences:
        print(sentence)
    for name, value in report.figures.items():
        print(f"  {name:26} {'not measured' if value is None else value}")
    if page is not None:
        print(f"{page}")
    return 0


def _page(options: argparse.Namespace) -> Path | None:
    """Return where the page goes; what cannot be written is refused before anything is measured."""
    if options.html is None:
        return None
    video: Path = options.video
    page: Path = video.with_name(video.name + ".html") if options.html == Path() else options.html
    if page.suffix.lower() not in (".html", ".htm"):
        raise InputError(f"--html {page}: name the page .html")
    if not page.absolute().parent.is_dir():
        raise InputError(f"there is no folder '{page.absolute().parent}' for the page; make it first")
    return page
