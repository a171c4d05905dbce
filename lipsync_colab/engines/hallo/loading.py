"""The engine's released files as networks that are ready."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from lipsync_colab import networks
from lipsync_colab.engines.registry import HALLO_ROWS
from lipsync_colab.errors import WeightsError
from lipsync_colab.weights.load import assign, load_into, load_state_dict
from lipsync_colab.weights.store import path_of

NET, FACE, *CODER_AND_HEARING = HALLO_ROWS
CODER, HEARING = CODER_AND_HEARING[:2], CODER_AND_HEARING[2:]
"""Rows of the weights table: configuration and weights of each."""
ATTENTION_NAMES = {"query": "to_q", "key": "to_k", "value": "to_v", "proj_attn": "to_out.0"}
"""What the autoencoder's attention was called when its file was written, and what diffusers calls it now."""


def open_network(device: str, dtype: str) -> Any:
    """Return the denoiser with its released weights.

    The file is mapped rather than read and each tensor is converted on its way, so that a runtime with 12.7 GB takes
    it: the network has shapes alone until then.

    Args:
        device: ``"cpu"`` or ``"cuda"``.
        dtype: ``"float32"`` or ``"float16"``.

    Raises:
        WeightsError: missing, wrong, or the licence has not been accepted.
    """
    with torch.device("meta"):
        network = networks.build("hallo")
    load_into(network, NET)
    return _placed(network, device, dtype)


def open_coder(device: str, dtype: str) -> Any:
    """Return the autoencoder, an ``AutoencoderKL`` of diffusers.

    Raises:
        WeightsError: missing, wrong, or the licence has not been accepted.
    """
    from diffusers import AutoencoderKL

    config, weights = CODER
    network = _configured(AutoencoderKL.from_config, lambda path: AutoencoderKL.load_config(path.parent), config)
    state = load_state_dict(weights)
    assign(network, {_present_name(key): value for key, value in state.items()}, weights)
    return _placed(network, device, dtype)


def open_hearing(device: str) -> Any:
    """Return wav2vec 2.0 without its letters, a ``Wav2Vec2Model`` of transformers, float32.

    Raises:
        WeightsError: missing, wrong, or the licence has not been accepted.
    """
    from transformers import Wav2Vec2Config, Wav2Vec2Model

    config, weights = HEARING
    network = _configured(Wav2Vec2Model, Wav2Vec2Config.from_json_file, config)
    own = network.state_dict()
    state = {_renormed(key, own): value for key, value in load_state_dict(weights, "wav2vec2").items()}
    # Only training reads what stands for masked sound; released files may lack it.
    state.setdefault("masked_spec_embed", own["masked_spec_embed"])
    assign(network, state, weights)
    return _placed(network, device, "float32")


def open_face() -> Path:
    """Return the file of the face recogniser.

    Raises:
        WeightsError: missing, wrong, or the licence has not been accepted.
    """
    return path_of(FACE)


def _configured(build: Any, read: Any, row: str) -> Any:
    try:
        return build(read(path_of(row)))
    except (OSError, ValueError, TypeError, KeyError) as error:
        reason = " ".join(str(error).split())[:120]
        raise WeightsError(f"{row} describes no such network ({reason}); fetch it again") from error


def _placed(network: Any, device: str, dtype: str) -> Any:
    network.eval().requires_grad_(False)
    # diffusers' own ``to`` warns of a dtype, whatever the network.
    return nn.Module.to(network, device=torch.device(device), dtype=getattr(torch, dtype))


def _present_name(key: str) -> str:
    """Return an autoencoder's key as diffusers writes it today."""
    start, dot, last = key.rpartition(".")
    front, inner, name = start.rpartition(".")
    return f"{front}.{ATTENTION_NAMES[name]}{dot}{last}" if inner and name in ATTENTION_NAMES else key


def _renormed(key: str, own: dict[str, Tensor]) -> str:
    """Return a key of weight normalisation as this torch writes it: two spellings are in use."""
    for old, new in (("weight_g", "original0"), ("weight_v", "original1")):
        renamed = key.replace(f".{old}", f".parametrizations.weight.{new}")
        if key not in own and renamed in own:
            return renamed
    return key
