"""The viseme network in numpy: what the recogniser's encoder makes of a sound → outputs, fifty times a second."""

from __future__ import annotations

import functools
from collections.abc import Mapping
from pathlib import Path
from typing import cast

import numpy as np

from lipsync_colab.engines.viseme.outputs import EVENTS, OUTPUTS
from lipsync_colab.phonemes.encoded import EncodedSpeech
from lipsync_colab.types import Array, Speech
from lipsync_colab.weights.eight_bits import of_eight_bits
from lipsync_colab.weights.tensor_file import read_tensors

WEIGHTS = Path(__file__).with_name("learned.safetensors")
DILATIONS = (1, 2, 4, 8, 16, 4, 2, 1)
"""Of the blocks' convolutions along time: the architecture of :class:`lipsync_colab.networks.viseme.VisemeNetwork`."""
KERNEL = 3
REACH = KERNEL // 2 * sum(DILATIONS)
"""Steps of the encoder to either side that an output depends on."""
BLOCK = 1500
"""Steps that are worked out at a time: half a minute."""
SQUASHED = (*EVENTS, "activity")
"""Outputs that are chances."""

Weights = Mapping[str, Array]


def heard_outputs(speech: Speech, weights: Weights | None = None, block: int = BLOCK) -> Array:
    """Return what the network hears, float32 (n, len(OUTPUTS)), chances in [0, 1].

    Args:
        speech: 16 kHz, of any length; memory does not grow with it but for the result.
        weights: other ones than the shipped ones.
        block: steps at a time; the result does not depend on it.

    Raises:
        MachineError: the recogniser, whose encoder it hears by, is not installed.
    """
    weights = weights or shipped_weights()
    encoded = EncodedSpeech(speech)
    count = len(encoded)
    result = np.empty((count, len(OUTPUTS)), np.float32)
    for start in range(0, count, block):
        stop = min(start + block, count)
        low, high = max(0, start - REACH), min(count, stop + REACH)
        result[start:stop] = _outputs(encoded.steps(low, high), weights)[start - low : stop - low]
    chances = [OUTPUTS.index(name) for name in SQUASHED]
    result[:, chances] = 1 / (1 + np.exp(-result[:, chances]))
    return result


@functools.cache
def shipped_weights() -> Weights:
    """Return the network's weights that come with the package, float32 by name.

    Raises:
        WeightsError: the file is damaged.
    """
    return read_weights(WEIGHTS)


def read_weights(path: Path) -> Weights:
    """Return the network's weights of a file, float32 by name.

    Raises:
        WeightsError: the file is damaged.
    """
    return of_eight_bits(read_tensors(path)[0])


def _outputs(encodings: Array, weights: Weights) -> Array:
    """Outputs before any squashing, (steps, outputs), for encodings (steps, size)."""
    state = encodings @ weights["first.weight"][..., 0].T + weights["first.bias"]
    for index, dilation in enumerate(DILATIONS):
        state += np.maximum(_along(state, weights, f"blocks.{index}", dilation), 0)
    return cast(Array, state @ weights["mouth.weight"][..., 0].T + weights["mouth.bias"])


def _along(state: Array, weights: Weights, name: str, dilation: int) -> Array:
    """A convolution along time, with nothing beyond both ends."""
    reach = KERNEL // 2 * dilation
    padded = np.pad(state, ((reach, reach), (0, 0)))
    kernel = weights[f"{name}.weight"]
    taps = (padded[tap * dilation : tap * dilation + len(state)] @ kernel[..., tap].T for tap in range(KERNEL))
    return cast(Array, sum(taps, start=weights[f"{name}.bias"]))
