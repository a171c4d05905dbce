"""Released checkpoints of upscalers and restorers: from a file to a module that holds it, strictly."""

from __future__ import annotations

import pickle
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from lipsync_colab.errors import WeightsError
from lipsync_colab.weights.ncnn import state_of
from lipsync_colab.weights.store import Store

WRAPPERS = ("params_ema", "params", "state_dict")
"""Keys under which releases keep their tensors, the averaged ones first."""

State = Mapping[str, Tensor]


def read_state(path: Path) -> dict[str, Tensor]:
    """Return the tensors of a ``.pth`` or ``.safetensors`` file, unwrapped, on the CPU.

    Raises:
        WeightsError: the file holds something else, or more than tensors.
    """
    try:
        if path.suffix == ".safetensors":
            from safetensors.torch import load_file

            values: Any = load_file(path)
        else:
            values = torch.load(path, map_location="cpu", weights_only=True)
    except (pickle.UnpicklingError, RuntimeError, EOFError, ValueError) as error:
        raise WeightsError(f"{path.name} is no readable checkpoint ({type(error).__name__}); fetch it again") from error
    state = unwrapped(values)
    if not state or not all(isinstance(value, Tensor) for value in state.values()):
        raise WeightsError(f"{path.name} holds no table of tensors; fetch it again")
    return state


CARRIED = {
    "RealESRGAN_x4plus.pth": "RealESRGAN_x4plus",
    "realesr-animevideov3.pth": "realesr-animevideov3",
}
"""Released file to the name of the ncnn pair (``.param`` and ``.bin``) with the same network in half precision, which
Python packages carry: it can be had where only a package index can be reached."""


def read_weights(name: str) -> dict[str, Tensor]:
    """Return the tensors of a file of the weights table, fetched when it is not on this machine.

    A network that a package carries is taken from there before the released file is downloaded.

    Raises:
        WeightsError: it cannot be had, or its licence was not accepted.
    """
    store = Store()
    if name not in CARRIED or store.inventory.find(store.manifest[name]) is not None:
        return read_state(store.path_of(name))
    try:
        return read_carried(CARRIED[name], store)
    except WeightsError as carried:
        try:
            return read_state(store.path_of(name))
        except WeightsError as released:
            raise WeightsError(f"{released} | {carried}") from released


def read_carried(stem: str, store: Store) -> dict[str, Tensor]:
    """Return the tensors of an ncnn pair under the released keys."""
    state = state_of(store.path_of(f"{stem}.param"), store.path_of(f"{stem}.bin"))
    return {key: torch.from_numpy(np.ascontiguousarray(value)) for key, value in state.items()}


def unwrapped(values: Any) -> dict[str, Any]:
    """Return the innermost table of a released checkpoint."""
    while isinstance(values, Mapping):
        inner = next((values[key] for key in WRAPPERS if isinstance(values.get(key), Mapping)), None)
        if inner is None:
            return dict(values)
        values = inner
    return {}


def interpolated(first: State, second: State, share: float) -> dict[str, Tensor]:
    """Return ``share`` of the first network and the rest of the second (deep network interpolation, Wang et al. 2019).

    Raises:
        WeightsError: the networks differ in shape.
    """
    if {key: value.shape for key, value in first.items()} != {key: value.shape for key, value in second.items()}:
        raise WeightsError("the two networks to interpolate have different shapes; fetch both files again")
    return {key: torch.lerp(second[key].float(), value.float(), share) for key, value in first.items()}


def loaded(network: nn.Module, state: State, name: str) -> nn.Module:
    """Load a state dict strictly and return the network in eval mode.

    Args:
        network: as :func:`lipsync_colab.networks.build` gives it.
        state: the tensors.
        name: of the file, for the message.

    Raises:
        WeightsError: keys or shapes are not the network's.
    """
    try:
        network.load_state_dict(dict(state), strict=True)
    except RuntimeError as error:
        reason = str(error).splitlines()[1].strip() if "\n" in str(error) else str(error)
        raise WeightsError(f"{name} does not hold this network: {reason[:200]}") from error
    return network.eval()
