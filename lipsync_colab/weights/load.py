"""From a weight file to a network: one place that knows the layouts of checkpoints, and never runs what is in them."""

from __future__ import annotations

import pickle
import zipfile
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from lipsync_colab.errors import MachineError, WeightsError
from lipsync_colab.weights.ncnn import state_of
from lipsync_colab.weights.store import Store

if TYPE_CHECKING:
    from torch import Tensor, nn

    Module = TypeVar("Module", bound=nn.Module)

WRAPPERS = ("net_G_ema", "params_ema", "params", "state_dict")
"""Keys under which releases keep the one network that matters, averaged weights first."""
PARALLEL = "module."
"""What ``DataParallel`` puts before each key."""
SHOWN = 6
"""How many wrong keys an error names."""


def load_state_dict(
    source: str | Path, prefix: str = "", store: Store | None = None, accept: Iterable[str] = ()
) -> dict[str, Tensor]:
    """Return the tensors of one network on the CPU, by the network's own keys.

    Wrappers (``state_dict``, ``params_ema``, ``params``, ``net_G_ema``) and ``module.`` prefixes are taken off. Of a
    safetensors file only what lies under the prefix is read.

    Args:
        source: a name of the manifest, fetched when it is not on this machine, or the path of a file.
        prefix: of the network in a file that holds several, with or without the dot (``"generator"``).
        store: where names are looked up; the process's own by default.
        accept: names of weights or engines whose terms the caller accepts.

    Raises:
        WeightsError: the file cannot be had, holds more than tensors, or has no such network.
        MachineError: PyTorch is not installed.
    """
    path, kind = _located(source, store, accept)
    prefix = prefix.removesuffix(".")
    if kind == "safetensors":
        return _safetensors(path, prefix)
    if kind == "ncnn":
        return _ncnn(_partner(source, path, store), path)
    return _unwrapped(_unpickled(path), prefix, path.name)


def load_into(
    module: Module, source: str | Path, prefix: str = "", store: Store | None = None, accept: Iterable[str] = ()
) -> Module:
    """Load one network's tensors strictly, and return the network.

    Args:
        module: the network, on any device.
        source: a name of the manifest, or the path of a file.
        prefix: of the network in a file that holds several.
        store: where names are looked up; the process's own by default.
        accept: names of weights or engines whose terms the caller accepts.

    Raises:
        WeightsError: a key is missing, unexpected or of another shape; the message names it.
    """
    state = load_state_dict(source, prefix, store, accept)
    assign(module, state, str(source))
    return module


def assign(module: nn.Module, state: Mapping[str, Tensor], name: str) -> None:
    """Load a state dict strictly.

    Args:
        module: the network.
        state: tensors by the network's keys.
        name: of the file, for the message.

    Raises:
        WeightsError: a key is missing, unexpected or of another shape; the message names it.
    """
    own = module.state_dict()
    wrong = [
        _listed("missing", [key for key in own if key not in state]),
        _listed("unexpected", [key for key in state if key not in own]),
        _listed(
            "of another shape",
            [
                f"{key} {tuple(state[key].shape)} for {tuple(tensor.shape)}"
                for key, tensor in own.items()
                if key in state and state[key].shape != tensor.shape
            ],
        ),
    ]
    if any(wrong):
        told = "; ".join(part for part in wrong if part)
        raise WeightsError(f"{name} does not hold a {type(module).__name__}: {told}")
    # A network of shapes alone takes the file's own tensors: there is nothing to copy into.
    shapes = any(tensor.is_meta for tensor in own.values())
    module.load_state_dict(dict(state), strict=True, assign=shapes)


def _listed(what: str, keys: list[str]) -> str:
    if not keys:
        return ""
    more = f" and {len(keys) - SHOWN} more" if len(keys) > SHOWN else ""
    return f"{what}: {', '.join(keys[:SHOWN])}{more}"


def _located(source: str | Path, store: Store | None, accept: Iterable[str]) -> tuple[Path, str]:
    if isinstance(source, str):
        store = store or Store()
        store.accept(accept)
        row = store.manifest[source]
        return store.path_of(row.name), row.format
    if not source.is_file():
        raise WeightsError(f"there is no file {source}; give the path of a checkpoint")
    if source.suffix == ".safetensors":
        return source, "safetensors"
    return source, "ncnn" if source.suffix == ".bin" and source.with_suffix(".param").exists() else "pickle"


def _partner(source: str | Path, path: Path, store: Store | None) -> Path:
    """Return the ``.param`` file that belongs to a ``.bin`` file."""
    if isinstance(source, str):
        store = store or Store()
        return store.path_of(store.manifest[source].name.removesuffix(".bin") + ".param")
    return path.with_suffix(".param")


def _torch() -> Any:
    try:
        import torch
    except ModuleNotFoundError as error:
        raise MachineError("loading networks needs PyTorch: pip install 'lipsync-colab[neural]'") from error
    return torch


def _safetensors(path: Path, prefix: str) -> dict[str, Tensor]:
    _torch()
    from safetensors import SafetensorError, safe_open

    start = f"{prefix}." if prefix else ""
    try:
        with safe_open(path, framework="pt", device="cpu") as file:
            keys = list(file.keys())
            state = {key.removeprefix(start): file.get_tensor(key) for key in keys if key.startswith(start)}
    except (SafetensorError, OSError) as error:
        raise WeightsError(f"{path.name} is no readable safetensors file ({error}); fetch it again") from error
    if not state:
        raise WeightsError(_no_network(path.name, prefix, keys))
    return _without_parallel(state)


def _ncnn(param: Path, binary: Path) -> dict[str, Tensor]:
    torch = _torch()
    return {key: torch.from_numpy(array) for key, array in state_of(param, binary).items()}


def _unpickled(path: Path) -> Any:
    torch = _torch()
    try:
        # Mapped: a tensor is read when it is used, so that a file of many gigabytes needs no memory of its own size.
        return torch.load(path, map_location="cpu", weights_only=True, mmap=zipfile.is_zipfile(path))
    except pickle.UnpicklingError as error:
        raise WeightsError(
            f"{path.name} holds something other than tensors and was not loaded, because that could run code; "
            "use the released file"
        ) from error
    except (RuntimeError, EOFError, ValueError, KeyError, AttributeError, OSError) as error:
        reason = " ".join(str(error).split())[:120]
        raise WeightsError(f"{path.name} is no readable checkpoint ({reason}); fetch it again") from error


def _unwrapped(values: Any, prefix: str, name: str) -> dict[str, Tensor]:
    if prefix and isinstance(values, Mapping) and isinstance(values.get(prefix), Mapping):
        values, prefix = values[prefix], ""
    while isinstance(values, Mapping):
        inner = next((values[key] for key in WRAPPERS if isinstance(values.get(key), Mapping)), None)
        if inner is None:
            break
        values = inner
    state = _tensors(values, prefix, name)
    if prefix:
        start = f"{prefix}."
        chosen = {key.removeprefix(start): tensor for key, tensor in state.items() if key.startswith(start)}
        if not chosen:
            raise WeightsError(_no_network(name, prefix, list(state)))
        state = chosen
    return _without_parallel(state)


def _tensors(values: Any, prefix: str, name: str) -> dict[str, Tensor]:
    torch = _torch()
    if not isinstance(values, Mapping) or not values:
        raise WeightsError(f"{name} holds no table of tensors but a {type(values).__name__}; fetch it again")
    others = [str(key) for key, value in values.items() if not isinstance(value, torch.Tensor)]
    if others:
        raise WeightsError(_no_network(name, prefix, others))
    return _without_parallel(dict(values))


def _without_parallel(state: dict[str, Tensor]) -> dict[str, Tensor]:
    if all(key.startswith(PARALLEL) for key in state):
        return {key.removeprefix(PARALLEL): tensor for key, tensor in state.items()}
    return state


def _no_network(name: str, prefix: str, keys: list[str]) -> str:
    there = sorted({key.split(".")[0] for key in keys})
    what = f"no network under {prefix!r}" if prefix else "several things and no network of its own"
    return f"{name} holds {what}; there are {', '.join(there[:SHOWN])}"


def load_parts(path: Path, parts: Iterable[str]) -> dict[str, Tensor]:
    """Return the tensors of a pickle that keeps one table for each part of a network, as ``part.key``.

    Args:
        path: of the checkpoint.
        parts: names of the tables that are read.

    Raises:
        WeightsError: it holds more than tensors, or lacks a part.
        MachineError: PyTorch is not installed.
    """
    values = _unpickled(path)
    return {f"{part}.{key}": value for part in parts for key, value in _unwrapped(values, part, path.name).items()}


def load_tensor(path: Path) -> Tensor:
    """Return the one tensor that a pickle holds.

    Raises:
        WeightsError: it holds anything else.
        MachineError: PyTorch is not installed.
    """
    value = _unpickled(path)
    if not isinstance(value, _torch().Tensor):
        raise WeightsError(f"{path.name} holds no tensor but a {type(value).__name__}; fetch it again")
    return value  # type: ignore[no-any-return]
