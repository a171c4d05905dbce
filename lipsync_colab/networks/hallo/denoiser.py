"""The U-Net that denoises a clip's latents."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from diffusers.models.embeddings import TimestepEmbedding, Timesteps
from torch import nn

from lipsync_colab.networks.hallo.conditions import Conditions
from lipsync_colab.networks.hallo.config import HalloConfig
from lipsync_colab.networks.hallo.levels import EPSILON, Down, Middle, Up


class Denoiser(nn.Module):
    """Stable Diffusion 1.5's U-Net over frames, with attention to a still, a sound and time on its levels."""

    def __init__(self, config: HalloConfig) -> None:
        super().__init__()
        first, levels = config.channels[0], range(len(config.channels))
        self.conv_in = nn.Conv2d(config.latent, first, 3, padding=1)
        self.time_proj = Timesteps(first, flip_sin_to_cos=True, downscale_freq_shift=0)
        self.time_embedding = TimestepEmbedding(first, 4 * first)
        self.down_blocks = nn.ModuleList([Down(config, depth) for depth in levels])
        self.mid_block = Middle(config)
        self.up_blocks = nn.ModuleList([Up(config, index) for index in levels])
        self.conv_norm_out = nn.GroupNorm(config.groups, first, eps=EPSILON)
        self.conv_out = nn.Conv2d(first, config.latent, 3, padding=1)

    def time(self, step: torch.Tensor) -> torch.Tensor:
        """Return the embedding (1, 1280) of a step (1,)."""
        return self.time_embedding(self.time_proj(step).to(self.conv_in.weight.dtype))

    def forward(self, noisy: torch.Tensor, region: torch.Tensor, conditions: Conditions) -> torch.Tensor:
        """Return (B F, 4, h, w) of the same; ``region`` (B F, 320, h, w) is added to the first features."""
        features = self.conv_in(noisy) + region
        skips = [features]
        for level in self.down_blocks:
            skips.extend(level(skips[-1], conditions))
        features = self.mid_block(skips[-1], conditions)
        for level in self.up_blocks:
            features = level(features, skips, conditions)
        return self.conv_out(F.silu(self.conv_norm_out(features)))
