"""Training the viseme network: seeded, on one core, in a quarter of an hour once the windows are there."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor, nn

from lipsync_colab.engines.viseme.outputs import OUTPUTS
from lipsync_colab.engines.viseme.visemes import SHAPES
from lipsync_colab.networks.viseme import CHANNELS, VisemeNetwork
from lipsync_colab.phonemes.encoded import MARGIN, SIZE, WINDOW_STEPS
from lipsync_colab.training.corpus import PHONES
from lipsync_colab.training.windows import Windows
from lipsync_colab.types import Array

SHAPE_WEIGHTS = dict.fromkeys((*SHAPES, "tongue"), 2.0) | {"jaw": 10.0}
CHANCE_WEIGHTS = {"press": 3.0, "tuck": 0.5, "activity": 0.5}
PHONES_WEIGHT = 0.5
WEIGHT_DECAY = 0.02
WARMING = 0.1
"""Share of the steps in which the rate rises."""
LOST = 0.1
"""Share of the encoder's numbers that are hidden in each window, so that none is relied upon."""
CUT_SHORT = 0.3
"""Share of the batches whose windows end where their margins begin, as recordings end."""


@dataclass(frozen=True)
class Recipe:
    """How long and how fast.

    Attributes:
        windows: that are made; each is seen about ten times.
        steps: of the optimiser.
        size: windows in a batch.
        rate: highest learning rate (one cycle; Smith and Topin, 2018).
        channels: of the network.
        seed: of the voices' texts, of what is heard, of the first weights and of the order.
    """

    windows: int = 5000
    steps: int = 4000
    size: int = 12
    rate: float = 2.5e-3
    channels: int = CHANNELS
    seed: int = 7


@dataclass(frozen=True, eq=False)
class Batch:
    """What one step of training sees.

    Attributes:
        heard: float32 (batch, steps, 384).
        wanted: float32 (batch, 400, len(OUTPUTS)).
        phones: int64 (batch, 400).
        first: of the steps, the one from which mouths are wanted.
    """

    heard: Tensor
    wanted: Tensor
    phones: Tensor
    first: int


def learn(
    windows: Windows, recipe: Recipe, tell: Callable[[str], None] = lambda line: None
) -> tuple[dict[str, Array], list[float]]:
    """Train a network.

    Args:
        windows: to learn from.
        recipe: how long and how fast.
        tell: hears about progress.

    Returns:
        The weights by name, float32, without the head for phones; and the loss of every step.
    """
    torch.manual_seed(recipe.seed)
    torch.set_num_threads(1)  # two would only wait for each other on a busy machine
    network = VisemeNetwork(SIZE, len(OUTPUTS), len(PHONES), recipe.channels)
    optimiser = torch.optim.AdamW(network.parameters(), lr=recipe.rate, weight_decay=WEIGHT_DECAY)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimiser, recipe.rate, total_steps=recipe.steps, pct_start=WARMING)
    losses: list[float] = []
    begun = time.monotonic()
    for batch in batches(windows, recipe):
        with torch.autocast("cpu", torch.bfloat16, enabled=knows_bfloat16()):
            loss = loss_of(network, batch)
        optimiser.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(network.parameters(), 1.0)
        optimiser.step()
        schedule.step()
        losses.append(float(loss.detach()))
        if len(losses) % 100 == 0:
            tell(f"step {len(losses)}: loss {np.mean(losses[-100:]):.4f}, {time.monotonic() - begun:.0f} s")
    return {name: tensor.numpy() for name, tensor in network.folded().items()}, losses


def knows_bfloat16() -> bool:
    """Tell whether the processor computes in bfloat16, which takes half the time of float32 and learns as well.

    Where it does not, the same takes ten times as long (measured on AVX2).
    """
    return bool(torch.ops.mkldnn._is_mkldnn_bf16_supported())


def batches(windows: Windows, recipe: Recipe) -> Iterator[Batch]:
    """Yield the recipe's batches; the next is made while one is learnt from. Each has a seed of its own."""
    rounds = -(-recipe.steps * recipe.size // len(windows))
    order = np.random.default_rng(recipe.seed)
    numbers = np.concatenate([order.permutation(len(windows)) for _ in range(rounds)])

    def made(step: int) -> Batch:
        chosen = numbers[recipe.size * step : recipe.size * (step + 1)]
        return batch_of(windows, chosen, np.random.default_rng([recipe.seed, step]))

    with ThreadPoolExecutor(1) as worker:
        following = worker.submit(made, 0)
        for step in range(recipe.steps):
            batch = following.result()
            following = worker.submit(made, min(step + 1, recipe.steps - 1))
            yield batch


def batch_of(windows: Windows, numbers: np.ndarray, random: np.random.Generator) -> Batch:
    """Return some windows as a batch, a part of what is heard lost."""
    first, last = (MARGIN if random.random() < CUT_SHORT else 0 for _ in range(2))
    kept = random.random((len(numbers), 1, SIZE)) >= LOST
    numbers = np.asarray(numbers)
    heard = np.stack([windows.encodings[number, first : WINDOW_STEPS - last] for number in numbers])
    inside = slice(MARGIN, WINDOW_STEPS - MARGIN)
    return Batch(
        torch.from_numpy(heard.astype(np.float32) * kept.astype(np.float32) / np.float32(1 - LOST)),
        torch.from_numpy(np.stack([windows.targets[number, inside] for number in numbers]).astype(np.float32)),
        torch.from_numpy(np.stack([windows.phones[number, inside] for number in numbers]).astype(np.int64)),
        MARGIN - first,
    )


def loss_of(network: VisemeNetwork, batch: Batch) -> Tensor:
    """Return what is to become small: squared errors of shapes, cross-entropies of chances and of phones."""
    hidden = network.hidden(batch.heard)[..., batch.first : batch.first + batch.wanted.shape[1]]
    found = network.mouth(hidden).transpose(1, 2).float()
    total = torch.zeros(())
    for name, weight in SHAPE_WEIGHTS.items():
        column = OUTPUTS.index(name)
        total = total + weight * nn.functional.mse_loss(found[..., column], batch.wanted[..., column])
    for name, weight in CHANCE_WEIGHTS.items():
        column = OUTPUTS.index(name)
        chance = nn.functional.binary_cross_entropy_with_logits(found[..., column], batch.wanted[..., column])
        total = total + weight * chance
    if network.phones is not None:
        phones = network.phones(hidden).float()
        total = total + PHONES_WEIGHT * nn.functional.cross_entropy(phones, batch.phones)
    return total
