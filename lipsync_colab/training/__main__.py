"""``python -m lipsync_colab.training learn`` makes the viseme network anew, ``scores`` tells how good it is."""

from __future__ import annotations

import argparse
import dataclasses
import itertools
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from lipsync_colab.engines.viseme.learned import WEIGHTS
from lipsync_colab.errors import LipSyncError
from lipsync_colab.weights.tensor_file import read_tensors, write_tensors

if TYPE_CHECKING:
    from lipsync_colab.training.corpus import VoiceData

DATA = Path(tempfile.gettempdir()) / "lipsync-colab-training"


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command and return its exit code."""
    given = parser().parse_args(arguments)
    try:
        learn(given) if given.command == "learn" else scores(given)
    except LipSyncError as error:
        print(f"error: {error}", file=sys.stderr)
        return error.exit_code
    return 0


def parser() -> argparse.ArgumentParser:
    """Return the command line."""
    result = argparse.ArgumentParser(prog="python -m lipsync_colab.training", description=__doc__)
    commands = result.add_subparsers(dest="command", required=True)
    learning = commands.add_parser("learn", help="synthesise speech and train the network on it")
    learning.add_argument("--share", type=float, default=1.0, help="of the sentences; less for a trial")
    learning.add_argument("--steps", type=int, help="of the optimiser, in either part")
    learning.add_argument("--seed", type=int, default=7)
    learning.add_argument("--further", action="store_true", help="go on from the weights: the third part alone")
    scoring = commands.add_parser("scores", help="compare the sources of mouth movement on voices never trained on")
    scoring.add_argument("--count", type=int, default=40, help="recordings of each voice")
    scoring.add_argument("--languages", action="store_true", help="also French, Spanish, Italian and Russian")
    for command in (learning, scoring):
        command.add_argument("--data", type=Path, default=DATA, help=f"keeps speech between runs (default {DATA})")
        command.add_argument("--weights", type=Path, default=WEIGHTS, help="the network's file")
    return result


def learn(given: argparse.Namespace) -> None:
    """Train and write the weights."""
    from lipsync_colab.training.learning import REFINING, ROUNDS, Recipe, further, refine
    from lipsync_colab.training.learning import learn as train

    def planned(recipe: Recipe, number: int = 0) -> Recipe:
        return dataclasses.replace(recipe, seed=given.seed + number, steps=given.steps or recipe.steps)

    first, second = planned(Recipe()), planned(REFINING)
    numbers = itertools.count()
    rounds = [[planned(recipe, next(numbers)) for recipe in recipes] for recipes in ROUNDS]
    if given.further:
        weights, metadata = read_tensors(given.weights)
        steps = metadata["steps"]
        voices = _voices(given, refining=True)
    else:
        weights, _ = train(_voices(given), first, tell)
        voices = _voices(given, refining=True)
        weights, _ = refine(voices, weights, second, tell)
        steps = f"{first.steps} + {second.steps}"
    weights = further(voices, weights, rounds, tell)
    steps = " + ".join([steps, *(str(recipe.steps) for recipes in rounds for recipe in recipes)])
    write_tensors(given.weights, weights, {"seed": str(given.seed), "steps": steps})
    tell(f"wrote {given.weights.name}")


def _voices(given: argparse.Namespace, refining: bool = False) -> list[VoiceData]:
    """The data of all voices, and a word about how much it is."""
    from lipsync_colab.training.corpus import load_corpus

    voices = load_corpus(given.data / "corpus", given.seed, tell, given.share, refining)
    tell(f"{len(voices)} voices, {sum(voice.seconds for voice in voices) / 60:.0f} minutes")
    return voices


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
