"""The U-Net that looks at the still and at the frames before a clip: its normalised features are the memory."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import torch
from diffusers import UNet2DConditionModel
from torch import nn

from lipsync_colab.networks.hallo.config import HalloConfig

if TYPE_CHECKING:
    from torch.utils.hooks import RemovableHandle


def still_unet(config: HalloConfig) -> nn.Module:
    """Return Stable Diffusion 1.5's U-Net without its last norm and convolution, which the release left out."""
    network: Any = UNet2DConditionModel(
        in_channels=config.latent,
        block_out_channels=config.channels,
        layers_per_block=config.layers,
        norm_num_groups=config.groups,
        cross_attention_dim=config.token,
        attention_head_dim=config.heads,  # diffusers reads it as the number of heads
    )
    network.conv_norm_out, network.conv_out = None, nn.Identity()
    return network


def look(network: nn.Module, latents: torch.Tensor, tokens: torch.Tensor) -> dict[str, torch.Tensor]:
    """Return what each attention's first norm gave, by the attention's name (``mid_block.attentions.0``).

    Args:
        network: of :func:`still_unet`.
        latents: (M, 4, h, w).
        tokens: (M, 4, 768), the face's.

    Returns:
        (M, pixels, C) of each level's size.
    """
    seen: dict[str, torch.Tensor] = {}
    ending = ".transformer_blocks.0.norm1"

    def watch(name: str, norm: nn.Module) -> RemovableHandle:
        return norm.register_forward_hook(lambda _, __, result: seen.__setitem__(name, result))

    hooks = [
        watch(name.removesuffix(ending), module) for name, module in network.named_modules() if name.endswith(ending)
    ]
    try:
        network(latents, 0, tokens, return_dict=False)
    finally:
        for hook in hooks:
            hook.remove()
    return seen
