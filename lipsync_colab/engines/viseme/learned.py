"""The viseme networks in numpy: sound alone → outputs, fifty times a second."""

from __future__ import annotations

import functools
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import cast

import numpy as np

from lipsync_colab.audio.heard import HeardSpeech
from lipsync_colab.engines.viseme.outputs import EVENTS, OUTPUTS
from lipsync_colab.types import Array, Speech
from lipsync_colab.weights.eight_bits import of_eight_bits
from lipsync_colab.weights.tensor_file import read_tensors

WEIGHTS = Path(__file__).with_name("learned.safetensors")
DILATIONS = (1, 2, 4, 8, 16, 4, 2, 1)
"""Of the blocks' convolutions along time: the architecture of :class:`lipsync_colab.networks.viseme.VisemeNetwork`."""
KERNEL = 3
FIRST_KERNEL, STRIDE = 6, 2
REACH = KERNEL // 2 * sum(DILATIONS)
"""Steps to either side that an output depends on, beyond the first convolution's own rows."""
BLOCK = 1500
"""Steps that are worked out at a time: half a minute."""
SQUASHED = (*EVENTS, "activity")
"""Outputs that are chances."""
WARPS = (0.92, 1.0, 1.08)
"""The voice is heard as it is and as if its throat were longer and shorter; the outputs, chances before they are
squashed, are averaged. On the recordings of people that are tuned on it spares one wrong closure in twenty."""

Weights = Sequence[Mapping[str, Array]]
"""Of several networks that hear the same; their outputs are averaged too, as their errors differ."""


def heard_outputs(speech: Speech, weights: Weights | None = None, block: int = BLOCK) -> Array:
    """Return what the networks hear, float32 (n, len(OUTPUTS)), chances in [0, 1].

    Args:
        speech: 16 kHz, of any length; memory does not grow with it but for the result.
        weights: other ones than the shipped ones.
        block: steps at a time; the result does not depend on it.
    """
    weights = weights or shipped_weights()
    heard = HeardSpeech(speech.samples)
    count = -(-len(heard) // STRIDE)
    result = np.empty((count, len(OUTPUTS)), np.float32)
    for start in range(0, count, block):
        stop = min(start + block, count)
        low, high = max(0, start - REACH), min(count, stop + REACH)
        takes = [_outputs(heard, weights, low, high, count, warp)[start - low : stop - low] for warp in WARPS]
        result[start:stop] = np.mean(takes, axis=0)
    chances = [OUTPUTS.index(name) for name in SQUASHED]
    result[:, chances] = 1 / (1 + np.exp(-result[:, chances]))
    return result


@functools.cache
def shipped_weights() -> Weights:
    """Return the networks' weights that come with the package, float32.

    Raises:
        WeightsError: the file is damaged.
    """
    return read_weights(WEIGHTS)


def read_weights(path: Path) -> Weights:
    """Return the networks' weights of a file, float32; a tensor's name begins with its network's number.

    Raises:
        WeightsError: the file is damaged.
    """
    members: dict[str, dict[str, Array]] = {}
    for name, tensor in of_eight_bits(read_tensors(path)[0]).items():
        number, _, rest = name.partition(".")
        members.setdefault(number, {})[rest] = tensor
    return [members[number] for number in sorted(members)]


def _outputs(heard: HeardSpeech, networks: Weights, low: int, high: int, count: int, warp: float) -> Array:
    """Mean outputs of steps ``low`` to ``high - 1``, right where their surroundings are inside or beyond the ends."""
    margin = (FIRST_KERNEL - STRIDE) // 2
    first, last = STRIDE * low - margin, STRIDE * high + margin
    inside = heard.rows(max(0, first), min(len(heard), last), warp)
    rows = np.pad(inside, ((max(0, -first), max(0, last - len(heard))), (0, 0)))
    windows = np.lib.stride_tricks.sliding_window_view(rows, FIRST_KERNEL, axis=0)[::STRIDE]
    windows = windows.reshape(len(windows), -1)
    return cast(Array, np.mean([_of_windows(windows, weights) for weights in networks], axis=0))


def _of_windows(windows: Array, weights: Mapping[str, Array]) -> Array:
    """One network's outputs before any squashing, for the windows of its first convolution, (steps, outputs)."""
    kernel = weights["first.weight"]
    state = windows @ kernel.reshape(len(kernel), -1).T + weights["first.bias"]
    for index, dilation in enumerate(DILATIONS):
        state += np.maximum(_along(state, weights, f"blocks.{index}", dilation), 0)
    return cast(Array, state @ weights["mouth.weight"][..., 0].T + weights["mouth.bias"])


def _along(state: Array, weights: Mapping[str, Array], name: str, dilation: int) -> Array:
    """A convolution along time, with silence beyond both ends."""
    reach = KERNEL // 2 * dilation
    padded = np.pad(state, ((reach, reach), (0, 0)))
    kernel = weights[f"{name}.weight"]
    taps = (padded[tap * dilation : tap * dilation + len(state)] @ kernel[..., tap].T for tap in range(KERNEL))
    return cast(Array, sum(taps, start=weights[f"{name}.bias"]))
