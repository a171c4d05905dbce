"""Training the viseme network: seeded, on two cores, in well under an hour."""

from __future__ import annotations

import dataclasses
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor, nn

from lipsync_colab.audio.bands import BANDS
from lipsync_colab.engines.viseme.outputs import OUTPUTS
from lipsync_colab.engines.viseme.visemes import SHAPES
from lipsync_colab.networks.viseme import CHANNELS, VisemeNetwork
from lipsync_colab.training.batches import Batch, batch_of
from lipsync_colab.training.corpus import PHONES, VoiceData
from lipsync_colab.types import Array

SHAPE_WEIGHTS = dict.fromkeys((*SHAPES, "tongue"), 2.0) | {"jaw": 10.0}
CHANCE_WEIGHTS = {"tuck": 0.5, "activity": 0.5}
PHONES_WEIGHT = 0.5
SETTLING_RATE, SETTLING_SEED = 5e-3, 1000


@dataclass(frozen=True)
class Recipe:
    """How long and how fast.

    Attributes:
        steps: of the optimiser.
        cycle: steps of the whole cycle of rates, where a refining takes over before its end; 0 for so many as above.
        size: crops in a batch.
        rate: highest learning rate (one cycle; Smith and Topin, 2018).
        channels: of the network.
        seed: of the first weights and of every crop.
        press: weight of the chance that lips close.
        favour: how much more often natural voices are heard.
        settling: steps before all others in which a refining teaches the new head for phones alone.
        threads: of the arithmetic; one more makes the batches. Two would only wait for each other on a busy machine.
    """

    steps: int = 3000
    cycle: int = 0
    size: int = 24
    rate: float = 3e-3
    channels: int = CHANNELS
    seed: int = 7
    settling: int = 80
    threads: int = 1
    press: float = 3.0
    favour: float = 2.0


LEARNING = Recipe(cycle=5500)
"""The first part."""
REFINING = (Recipe(steps=800, rate=8e-4), Recipe(steps=700, rate=6e-4))
"""The second part, batch normalisation folded in: each goes on from the one before; their weights are averaged."""

FURTHER = Recipe(steps=700, rate=8e-4)
"""What the networks of a file learn when they go on, each by itself."""


def learn(
    voices: Sequence[VoiceData], recipe: Recipe, tell: Callable[[str], None] = lambda line: None
) -> tuple[dict[str, Array], list[float]]:
    """Train a network.

    Args:
        voices: to learn from.
        recipe: how long and how fast.
        tell: hears about progress.

    Returns:
        The weights by name, float16, without the head for phones; and the loss of every step.
    """
    torch.manual_seed(recipe.seed)
    network = VisemeNetwork(BANDS, len(OUTPUTS), len(PHONES), recipe.channels)
    losses = _train(network, voices, recipe, tell)
    return _halved(network), losses


def refine(
    voices: Sequence[VoiceData],
    weights: Mapping[str, np.ndarray],
    recipe: Recipe,
    tell: Callable[[str], None] = lambda line: None,
) -> tuple[dict[str, Array], list[float]]:
    """Train a network further; like :func:`learn`, but it begins with the weights that are given."""
    torch.manual_seed(recipe.seed)
    tensors = {name: torch.from_numpy(tensor.astype(np.float32)) for name, tensor in weights.items()}
    network = VisemeNetwork.of_folded(tensors, len(PHONES))
    _settle(network, voices, recipe, tell)
    losses = _train(network, voices, recipe, tell)
    return _halved(network), losses


def averaged(stages: Sequence[Mapping[str, np.ndarray]]) -> dict[str, Array]:
    """Return the mean of a network's weights at several stages (Izmailov et al., 2018) by name, float16."""
    return {
        name: np.mean([stage[name].astype(np.float32) for stage in stages], axis=0).astype(np.float16)
        for name in stages[0]
    }


def _train(
    network: VisemeNetwork, voices: Sequence[VoiceData], recipe: Recipe, tell: Callable[[str], None]
) -> list[float]:
    torch.set_num_threads(recipe.threads)
    optimiser = torch.optim.AdamW(network.parameters(), lr=recipe.rate, weight_decay=0.01)
    cycle = recipe.cycle or recipe.steps
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimiser, recipe.rate, total_steps=cycle, pct_start=0.15)
    losses: list[float] = []
    begun = time.monotonic()
    for batch in batches(voices, recipe):
        with torch.autocast("cpu", torch.bfloat16, enabled=knows_bfloat16()):
            loss = loss_of(network, batch, recipe.press)
        optimiser.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(network.parameters(), 1.0)
        optimiser.step()
        schedule.step()
        losses.append(float(loss.detach()))
        if len(losses) % 100 == 0:
            tell(f"step {len(losses)}: loss {np.mean(losses[-100:]):.4f}, {time.monotonic() - begun:.0f} s")
    return losses


def _settle(network: VisemeNetwork, voices: Sequence[VoiceData], recipe: Recipe, tell: Callable[[str], None]) -> None:
    """Teach the head for phones alone: it is new, and its first errors would disturb all that is known already."""
    torch.set_num_threads(recipe.threads)
    assert network.phones is not None
    optimiser = torch.optim.AdamW(network.phones.parameters(), lr=SETTLING_RATE)
    losses: list[float] = []
    for batch in batches(voices, dataclasses.replace(recipe, steps=recipe.settling, seed=recipe.seed + SETTLING_SEED)):
        with torch.no_grad():
            hidden = network.hidden(torch.from_numpy(batch.heard))
        loss = nn.functional.cross_entropy(network.phones(hidden), torch.from_numpy(batch.phones))
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        losses.append(float(loss.detach()))
    if losses:
        tell(f"phones: loss {losses[0]:.2f} to {np.mean(losses[-10:]):.2f}")


def knows_bfloat16() -> bool:
    """Tell whether the processor computes in bfloat16, which takes half the time of float32 and learns as well.

    Where it does not, the same takes ten times as long (measured on AVX2).
    """
    return bool(torch.ops.mkldnn._is_mkldnn_bf16_supported())


def _halved(network: VisemeNetwork) -> dict[str, Array]:
    return {name: tensor.numpy().astype(np.float16) for name, tensor in network.folded().items()}


def batches(voices: Sequence[VoiceData], recipe: Recipe) -> Iterator[Batch]:
    """Yield the recipe's batches; the next is made while one is learnt from. Each has a seed of its own."""

    def made(step: int) -> Batch:
        return batch_of(voices, recipe.size, np.random.default_rng([recipe.seed, step]), recipe.favour)

    with ThreadPoolExecutor(1) as worker:
        following = worker.submit(made, 0)
        for step in range(recipe.steps):
            batch = following.result()
            following = worker.submit(made, min(step + 1, recipe.steps - 1))
            yield batch


def loss_of(network: VisemeNetwork, batch: Batch, press: float = 3.0) -> Tensor:
    """Return what is to become small: squared errors of shapes, cross-entropies of chances and of phones."""
    hidden = network.hidden(torch.from_numpy(batch.heard))
    found, wanted = network.mouth(hidden).transpose(1, 2), torch.from_numpy(batch.wanted)
    total = torch.zeros(())
    for name, weight in SHAPE_WEIGHTS.items():
        column = OUTPUTS.index(name)
        total = total + weight * nn.functional.mse_loss(found[..., column], wanted[..., column])
    for name, weight in {"press": press, **CHANCE_WEIGHTS}.items():
        column = OUTPUTS.index(name)
        chance = nn.functional.binary_cross_entropy_with_logits(found[..., column], wanted[..., column])
        total = total + weight * chance
    if network.phones is not None:
        phones = network.phones(hidden)
        spoken = nn.functional.cross_entropy(phones, torch.from_numpy(batch.phones))
        total = total + PHONES_WEIGHT * spoken
    return total
