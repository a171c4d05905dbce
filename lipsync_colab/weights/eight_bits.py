"""Weights in eight bits: a whole number for each, and one step size for each output channel."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

LARGEST = 127
STEP = ".step"
"""Ends the name of a weight's step sizes."""


def in_eight_bits(tensors: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
    """Return tensors as they are stored: those of two dimensions at least as int8 with float32 steps, others float16.

    Args:
        tensors: floating point, by name; the first dimension counts the output channels.
    """
    result: dict[str, np.ndarray] = {}
    for name, tensor in tensors.items():
        if tensor.ndim < 2:
            result[name] = tensor.astype(np.float16)
            continue
        rows = tensor.astype(np.float32).reshape(len(tensor), -1)
        steps = np.maximum(np.abs(rows).max(axis=1), np.finfo(np.float32).tiny * LARGEST) / LARGEST
        result[name] = np.round(rows / steps[:, None]).astype(np.int8).reshape(tensor.shape)
        result[name + STEP] = steps
    return result


def of_eight_bits(stored: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
    """Return the float32 tensors that :func:`in_eight_bits` stored, to half a step; float16 ones are only widened."""
    result = {name: tensor.astype(np.float32) for name, tensor in stored.items() if not name.endswith(STEP)}
    for name, tensor in result.items():
        if name + STEP in stored:
            result[name] = tensor * stored[name + STEP].reshape(-1, *(1,) * (tensor.ndim - 1))
    return result
