"""``lipsync-colab``: picks the command, and turns errors into one line and an exit code."""

from __future__ import annotations

import argparse
import importlib
import os
import signal
import sys
from collections.abc import Sequence
from types import FrameType

from lipsync_colab.errors import Cancelled, LipSyncError, RenderError
from lipsync_colab.version import __version__

COMMANDS: tuple[str, ...] = (
    *("demo", "render", "batch", "narrate", "voices", "engines", "weights"),
    *("report", "verify", "sign", "doctor", "bench"),
)
"""Modules of this folder. Each has ``add_parser(commands)`` and sets ``run`` on its parser's defaults."""

DEBUG = "LIPSYNC_COLAB_DEBUG"
"""Environment variable that lets an unexpected error show its traceback."""


def build_parser() -> argparse.ArgumentParser:
    """Return the parser with every command."""
    parser = argparse.ArgumentParser(
        prog="lipsync-colab", description="A still portrait and a voice in, a talking video out."
    )
    parser.add_argument("--version", action="version", version=f"lipsync-colab {__version__}")
    commands = parser.add_subparsers(dest="command", metavar="COMMAND", required=True)
    for name in COMMANDS:
        importlib.import_module(f"lipsync_colab.cli.{name}").add_parser(commands)
    return parser


def _stop(signum: int, frame: FrameType | None) -> None:
    raise KeyboardInterrupt


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command.

    Args:
        arguments: the command line without the program's name; the process's own by default.

    Returns:
        The exit code: 0 done, 2 unusable input, 3 weights, 4 machine, 5 inner failure, 130 stopped.
    """
    signal.signal(signal.SIGTERM, _stop)
    options = build_parser().parse_args(arguments)
    try:
        return int(options.run(options))
    except LipSyncError as error:
        print(f"lipsync-colab: {' '.join(str(error).split())}", file=sys.stderr)
        return error.exit_code
    except KeyboardInterrupt:
        print("lipsync-colab: stopped", file=sys.stderr)
        return Cancelled.exit_code
    except BrokenPipeError:
        # Whoever read our output has seen enough (`… | head`): what Python would still flush goes nowhere.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except Exception as error:
        if os.environ.get(DEBUG):
            raise
        said = " ".join(str(error).split())
        print(f"lipsync-colab: inner failure ({type(error).__name__}: {said}); {DEBUG}=1 shows where", file=sys.stderr)
        return RenderError.exit_code
