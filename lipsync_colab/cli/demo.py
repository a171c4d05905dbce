"""``lipsync-colab demo``: a portrait and a spoken line out of installed packages; nothing is fetched but packages."""

from __future__ import annotations

import argparse
import tempfile
from pathlib import Path
from typing import Any

from lipsync_colab.cli.progress import progress_for
from lipsync_colab.cli.results import print_result
from lipsync_colab.pipeline.command_line import command_line
from lipsync_colab.types import RenderSettings

LINE = (
    "Hello. I am a photograph from nineteen eighty four, and a moment ago I could not speak. "
    "Give me any portrait and any voice, and I will move my lips, blink, and hold still when you stop."
)
"""What the demo says."""

SITTER = "Grace Hopper, photographed by James S. Davis, US Navy, 1984; public domain, shipped by matplotlib"


def add_parser(commands: Any) -> None:
    """Add the command and its options."""
    parser = commands.add_parser("demo", help="a talking video from what the installed packages carry")
    parser.add_argument("-o", "--output", type=Path, default=Path("demo.mp4"), metavar="demo.mp4")
    parser.add_argument("--text", default=LINE, help="what is said, in English")
    parser.add_argument("--size", default="1080p")
    parser.add_argument("--aspect", default="1:1")
    parser.add_argument("--quiet", action="store_true")
    parser.add_argument("--json", action="store_true")
    parser.set_defaults(run=run)


def portrait_path() -> Path:
    """Return the portrait that matplotlib ships."""
    from matplotlib.cbook import get_sample_data

    return Path(str(get_sample_data("grace_hopper.jpg", asfileobj=False)))


def run(options: argparse.Namespace) -> int:
    """Speak, render, and say how to do it with one's own files."""
    from lipsync_colab.narrate.voice import speak
    from lipsync_colab.pipeline.render import render_video

    settings = RenderSettings(size=options.size, aspect=options.aspect)
    with tempfile.TemporaryDirectory(prefix="lipsync-colab-") as folder:
        speech = speak(options.text, path=Path(folder) / "voice.wav")
        with progress_for(options.quiet, options.json) as progress:
            result = render_video(portrait_path(), speech, options.output, settings, progress=progress)
    print_result(result, options.quiet, options.json)
    if not options.quiet and not options.json:
        print(f"The sitter: {SITTER}.")
        print("With your own files:")
        print("  " + command_line("portrait.jpg", "voice.wav", "talking.mp4", RenderSettings()))
    return 0
