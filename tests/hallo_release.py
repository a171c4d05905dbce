"""Hallo's files in their released layouts, made up and small."""

from __future__ import annotations

import dataclasses
import functools
import hashlib
import io
import json
from typing import Any

import torch
from fill import fill_module
from tiny_hallo import TINY
from tiny_onnx import recogniser

from lipsync_colab.networks.hallo.net import HalloNet

NET = "hallo/net.pth"
SIZE = 64
"""Side of the drawn head in pixels: eight latents, and one at the network's coarsest."""
HEARING = {
    "hidden_size": 16,
    "num_hidden_layers": 3,
    "num_attention_heads": 2,
    "intermediate_size": 24,
    "conv_dim": [8] * 7,
    "num_conv_pos_embeddings": 16,
    "num_conv_pos_embedding_groups": 4,
    "vocab_size": 8,
}
CODER = {
    "block_out_channels": [8, 8, 16, 16],
    "layers_per_block": 1,
    "latent_channels": 4,
    "norm_num_groups": 4,
    "sample_size": 32,
    "down_block_types": ["DownEncoderBlock2D"] * 4,
    "up_block_types": ["UpDecoderBlock2D"] * 4,
}
PAST_NAMES = {"to_q": "query", "to_k": "key", "to_v": "value", "to_out.0": "proj_attn"}


CONFIG = dataclasses.replace(TINY, identity=512, audio_layers=3, audio_features=16, positions=24)
"""A small network that hears what the small encoder says, and knows a clip's frames and two before them."""


def network() -> Any:
    """What ``networks.build`` gives in the place of the released network."""
    return HalloNet(CONFIG).eval()


def hearing() -> Any:
    from transformers import Wav2Vec2Config, Wav2Vec2Model

    return fill_module(Wav2Vec2Model(Wav2Vec2Config(**HEARING)))


def coder() -> Any:
    from diffusers import AutoencoderKL

    return fill_module(AutoencoderKL(**CODER))


@functools.cache
def released() -> dict[str, bytes]:
    """The files by the rows of the weights table."""
    from safetensors.torch import save

    pickled = io.BytesIO()
    torch.save({key: value.half() for key, value in fill_module(network()).state_dict().items()}, pickled)
    return {
        NET: pickled.getvalue(),
        "antelopev2/glintr100.onnx": recogniser(),
        "sd-vae-ft-mse/config.json": json.dumps({"_class_name": "AutoencoderKL", **CODER}).encode(),
        "sd-vae-ft-mse/diffusion_pytorch_model.safetensors": save(_as_written_then(coder().state_dict())),
        "wav2vec2-base-960h/config.json": json.dumps({"model_type": "wav2vec2", **HEARING}).encode(),
        "wav2vec2-base-960h/model.safetensors": save(_with_letters(hearing().state_dict())),
    }


def _as_written_then(state: dict[str, Any]) -> dict[str, Any]:
    """The autoencoder's keys of 2022: its attention had other names."""
    renamed = {}
    for key, value in state.items():
        for now, past in PAST_NAMES.items():
            key = key.replace(f"attentions.0.{now}.", f"attentions.0.{past}.")  # noqa: PLW2901
        renamed[key] = value
    assert len(renamed) == len(state) and any(".proj_attn." in key for key in renamed)
    return renamed


def _with_letters(state: dict[str, Any]) -> dict[str, Any]:
    """The recogniser's keys: a head for letters, older names of weight normalisation, nothing for masked sound."""
    named = {}
    for key, value in state.items():
        past = key.replace("parametrizations.weight.original0", "weight_g")
        past = past.replace("parametrizations.weight.original1", "weight_v")
        named[f"wav2vec2.{past}"] = value.contiguous()
    del named["wav2vec2.masked_spec_embed"]
    assert "wav2vec2.encoder.pos_conv_embed.conv.weight_g" in named
    return named | {"lm_head.weight": torch.zeros(8, 16), "lm_head.bias": torch.zeros(8)}


def sha256(name: str) -> str:
    return hashlib.sha256(released()[name]).hexdigest()
