"""``python -m lipsync_colab.training learn`` makes the viseme network, ``scores`` tells how good it is."""

from __future__ import annotations

import argparse
import dataclasses
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from lipsync_colab.engines.viseme.learned import WEIGHTS
from lipsync_colab.errors import LipSyncError
from lipsync_colab.weights.eight_bits import in_eight_bits
from lipsync_colab.weights.tensor_file import write_tensors

DATA = Path(tempfile.gettempdir()) / "lipsync-colab-training"


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command and return its exit code."""
    given = parser().parse_args(arguments)
    try:
        {"learn": learn, "scores": scores}[given.command](given)
    except LipSyncError as error:
        print(f"error: {error}", file=sys.stderr)
        return error.exit_code
    return 0


def parser() -> argparse.ArgumentParser:
    """Return the command line."""
    result = argparse.ArgumentParser(prog="python -m lipsync_colab.training", description=__doc__)
    commands = result.add_subparsers(dest="command", required=True)
    learning = commands.add_parser("learn", help="synthesise speech, encode it and train the network on it")
    learning.add_argument("--share", type=float, default=1.0, help="of the sentences; less for a trial")
    learning.add_argument("--windows", type=int, help="of ten seconds, that are heard")
    learning.add_argument("--steps", type=int, help="of the optimiser")
    learning.add_argument("--seed", type=int, default=7)
    scoring = commands.add_parser("scores", help="compare the sources of mouth movement on voices never trained on")
    scoring.add_argument("--count", type=int, default=40, help="recordings of each voice")
    scoring.add_argument("--languages", action="store_true", help="also French, Spanish, Italian and Russian")
    for command in (learning, scoring):
        command.add_argument("--data", type=Path, default=DATA, help=f"keeps speech between runs (default {DATA})")
        command.add_argument("--weights", type=Path, default=WEIGHTS, help="the network's file")
    return result


def learn(given: argparse.Namespace) -> None:
    """Train the network and write its weights."""
    from lipsync_colab.training.learning import Recipe
    from lipsync_colab.training.learning import learn as train
    from lipsync_colab.training.windows import load_windows

    asked = {name: number for name in ("windows", "steps") if (number := getattr(given, name))}
    recipe = dataclasses.replace(Recipe(seed=given.seed), **asked)
    windows = load_windows(given.data, recipe.windows, recipe.seed, tell, given.share)
    weights, _ = train(windows, recipe, tell)
    told = {"seed": str(recipe.seed), "windows": str(recipe.windows), "steps": str(recipe.steps)}
    write_tensors(given.weights, in_eight_bits(weights), told)
    tell(f"wrote {given.weights.name}, {given.weights.stat().st_size:,} bytes")


def scores(given: argparse.Namespace) -> None:
    """Print the tables."""
    from lipsync_colab.training.evaluation import known_table, unknown_table

    for line in known_table(given.data / "recordings", given.weights, given.count):
        tell(line)
    if given.languages:
        for line in unknown_table(given.data / "recordings", given.weights, given.count):
            tell(line)


def tell(line: str) -> None:
    """Print a line at once."""
    print(line, flush=True)


if __name__ == "__main__":
    sys.exit(main())
