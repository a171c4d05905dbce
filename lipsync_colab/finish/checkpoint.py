"""Released checkpoints of upscalers and restorers: from a file to a module that holds it, strictly."""

from __future__ import annotations

import pickle
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from lipsync_colab.errors import WeightsError

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


def read_weights(name: str) -> dict[str, Tensor]:
    """Return the tensors of a file of the weights table, fetched when it is not on this machine.

    Raises:
        WeightsError: it cannot be had, or its licence was not accepted.
    """
    from lipsync_colab.weights.store import path_of

    return read_state(path_of(name))


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
