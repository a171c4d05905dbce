"""Weights that follow from a state dict's keys alone: rule version 1, fixed because the golden data depend on it.

A tensor's values depend only on its key, shape and dtype, so any implementation with the released keys gets the
released network's golden outputs. seed = first 8 bytes of sha256(key), little-endian; PCG64(seed).random_raw gives
n, uniform with mean 0 and variance 1 (float64, C order); then by the last part of the key:

1. integer or bool dtype: 0
2. ``running_var``: 1 + 0.1 |n|
3. ``running_mean``: 0.1 n
4. ``weight_g`` (weight norm): sqrt(gain) (1 + 0.1 n)
5. ``weight_u``, or one-dimensional ``weight_v``, ``_u``, ``_v`` (spectral norm): n / ||n||, refined by ten power
   iterations on the filled weight so that u W v is its top singular value
6. more than one dimension: n sqrt(gain / fan_in)
7. ``weight``, ``gamma``, ``scale``: 1 + 0.1 n
8. everything else: 0.1 n
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np

GAIN = 1.4
Entry = tuple[str, Sequence[int], str]
"""Key, shape, dtype name."""
SPECTRAL = ("weight_u", "weight_v", "_u", "_v")


def unit(key: str, shape: Sequence[int]) -> np.ndarray:
    """float64 noise with mean 0 and variance 1: a function of key and shape."""
    size = math.prod(int(length) for length in shape)
    seed = int.from_bytes(hashlib.sha256(key.encode()).digest()[:8], "little")
    raw = np.atleast_1d(np.random.PCG64(seed).random_raw(size)).astype(np.uint64)
    uniform = (raw >> np.uint64(11)).astype(np.float64) * 2.0**-53
    return (1.7320508075688772 * (2.0 * uniform - 1.0)).reshape(tuple(shape))


def fill(key: str, shape: Sequence[int], dtype: str = "float32", gain: float = GAIN) -> np.ndarray:
    """Return one tensor of a state dict."""
    if np.dtype(dtype).kind in "iub":
        return np.zeros(tuple(shape), dtype)
    name, noise = key.rsplit(".", 1)[-1], unit(key, shape)
    if name.endswith("running_var"):
        values = 1.0 + 0.1 * np.abs(noise)
    elif name.endswith("running_mean"):
        values = 0.1 * noise
    elif name.endswith("weight_g"):
        values = np.sqrt(gain) * (1.0 + 0.1 * noise)
    elif name == "weight_u" or (len(shape) == 1 and name in SPECTRAL):
        values = noise / np.sqrt((noise * noise).sum())
    elif len(shape) > 1:
        values = noise * np.sqrt(gain / max(1, math.prod(shape[1:])))
    elif name.endswith(("weight", "gamma", "scale")):
        values = 1.0 + 0.1 * noise
    else:
        values = 0.1 * noise
    return np.asarray(values, np.float64).astype(dtype)


def _spectral_names(key: str) -> tuple[str, str] | None:
    if key.endswith("weight_orig"):
        return key[:-4] + "u", key[:-4] + "v"
    if key.endswith("parametrizations.weight.original"):
        return key[:-8] + "0._u", key[:-8] + "0._v"
    return None


def _refine(state: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    """Set spectral-norm vectors by ten float64 power iterations."""
    for key in list(state):
        names = _spectral_names(key)
        if names is None or names[0] not in state:
            continue
        weight, left = state[key].astype(np.float64), state[names[0]].astype(np.float64)
        axis = 0 if weight.shape[0] == left.shape[0] else 1
        matrix = np.moveaxis(weight, axis, 0).reshape(weight.shape[axis], -1)
        for _ in range(10):
            right = matrix.T @ left
            right /= max(np.sqrt((right * right).sum()), 1e-12)
            left = matrix @ right
            left /= max(np.sqrt((left * left).sum()), 1e-12)
        state[names[0]] = left.astype(np.float32)
        if names[1] in state:
            state[names[1]] = right.astype(np.float32)
    return state


def fill_state(entries: Iterable[Entry], gain: float = GAIN) -> dict[str, np.ndarray]:
    """Return a state dict of numpy arrays."""
    return _refine({key: fill(key, shape, dtype, gain) for key, shape, dtype in entries})


def fill_module(module: Any, gain: float = GAIN) -> Any:
    """Fill a torch module in place and return it in eval mode."""
    import torch

    entries = [(key, list(value.shape), str(value.dtype)[6:]) for key, value in module.state_dict().items()]
    state = {key: torch.from_numpy(value) for key, value in fill_state(entries, gain).items()}
    module.load_state_dict(state, strict=True)
    return module.eval()


def digest(entries: Iterable[Entry], gain: float = GAIN) -> str:
    """sha256 over the filled tensors in order; spectral-norm vectors are left out (they depend on the BLAS)."""
    total = hashlib.sha256()
    for key, shape, dtype in entries:
        if key.rsplit(".", 1)[-1] not in SPECTRAL:
            total.update(key.encode())
            total.update(np.ascontiguousarray(fill(key, shape, dtype, gain)).tobytes())
    return total.hexdigest()
