"""``python -m lipsync_colab.training learn`` makes a viseme network, ``refine`` lets those of a file learn on, ``join``
lets several hear together, ``scores`` tells how good they are."""

from __future__ import annotations

import argparse
import dataclasses
import sys
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from lipsync_colab.engines.viseme.learned import WEIGHTS, Weights, read_weights
from lipsync_colab.errors import LipSyncError
from lipsync_colab.weights.eight_bits import in_eight_bits
from lipsync_colab.weights.tensor_file import read_tensors, write_tensors

if TYPE_CHECKING:
    from lipsync_colab.training.corpus import VoiceData
    from lipsync_colab.training.learning import Recipe

DATA = Path(tempfile.gettempdir()) / "lipsync-colab-training"


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command and return its exit code."""
    given = parser().parse_args(arguments)
    try:
        {"learn": learn, "refine": refine, "join": join, "scores": scores}[given.command](given)
    except LipSyncError as error:
        print(f"error: {error}", file=sys.stderr)
        return error.exit_code
    return 0


def parser() -> argparse.ArgumentParser:
    """Return the command line."""
    result = argparse.ArgumentParser(prog="python -m lipsync_colab.training", description=__doc__)
    commands = result.add_subparsers(dest="command", required=True)
    learning = commands.add_parser("learn", help="synthesise speech and train the network on it")
    refining = commands.add_parser("refine", help="train the networks of a file further")
    refining.add_argument("file", type=Path, help="with the networks to begin from")
    for command in (learning, refining):
        command.add_argument("--share", type=float, default=1.0, help="of the sentences; less for a trial")
        command.add_argument("--steps", type=int, help="of the optimiser, in every part")
        command.add_argument("--seed", type=int, default=7)
    joining = commands.add_parser("join", help="put the networks of several files into one, whose outputs are averaged")
    joining.add_argument("files", type=Path, nargs="+")
    joining.add_argument("--weights", type=Path, required=True, help="the file to write")
    scoring = commands.add_parser("scores", help="compare the sources of mouth movement on voices never trained on")
    scoring.add_argument("--count", type=int, default=40, help="recordings of each voice")
    scoring.add_argument("--languages", action="store_true", help="also French, Spanish, Italian and Russian")
    for command in (learning, refining, scoring):
        command.add_argument("--data", type=Path, default=DATA, help=f"keeps speech between runs (default {DATA})")
        command.add_argument("--weights", type=Path, default=WEIGHTS, help="the network's file")
    return result


def learn(given: argparse.Namespace) -> None:
    """Train one network from nothing and write its weights."""
    from lipsync_colab.training.learning import LEARNING, REFINING, averaged
    from lipsync_colab.training.learning import learn as train
    from lipsync_colab.training.learning import refine as further

    first, *refining = _recipes(given, (LEARNING, *REFINING))
    voices = _voices(given)
    stages = [train(voices, first, tell)[0]]
    for recipe in refining:
        stages.append(further(voices, stages[-1], recipe, tell)[0])
    steps = " + ".join(str(recipe.steps) for recipe in (first, *refining))
    _write(given.weights, [averaged(stages[1:])], {"seed": str(first.seed), "steps": steps})


def refine(given: argparse.Namespace) -> None:
    """Train every network of a file further and write them all."""
    from lipsync_colab.training.learning import FURTHER
    from lipsync_colab.training.learning import refine as further

    before, told = read_weights(given.file), read_tensors(given.file)[1]
    recipes = _recipes(given, [FURTHER] * len(before))
    voices = _voices(given)
    networks = [further(voices, network, recipe, tell)[0] for network, recipe in zip(before, recipes, strict=True)]
    _write(given.weights, networks, {**told, "refined": f"seed {given.seed}, {recipes[0].steps} steps each"})


def _recipes(given: argparse.Namespace, usual: Sequence[Recipe]) -> list[Recipe]:
    """The recipes with the seeds and the steps that are asked for."""
    shorter = {"steps": given.steps, "cycle": 0} if given.steps else {}
    return [dataclasses.replace(recipe, seed=given.seed + number, **shorter) for number, recipe in enumerate(usual)]


def _voices(given: argparse.Namespace) -> list[VoiceData]:
    from lipsync_colab.training.corpus import load_corpus

    voices = load_corpus(given.data / "corpus", given.seed, tell, given.share)
    tell(f"{len(voices)} voices, {sum(voice.seconds for voice in voices) / 60:.0f} minutes")
    return voices


def join(given: argparse.Namespace) -> None:
    """Write one file with the networks of several."""
    networks = [network for path in given.files for network in read_weights(path)]
    told = [read_tensors(path)[1] for path in given.files]
    joined = {key: ", ".join(one[key] for one in told) for key in ("seed", "steps")}
    _write(given.weights, networks, joined)


def _write(path: Path, networks: Weights, metadata: Mapping[str, str]) -> None:
    tensors = {
        f"{number}.{name}": tensor for number, network in enumerate(networks) for name, tensor in network.items()
    }
    write_tensors(path, in_eight_bits(tensors), metadata)
    tell(f"wrote {path.name}, {path.stat().st_size:,} bytes")


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
