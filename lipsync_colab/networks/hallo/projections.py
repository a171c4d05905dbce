"""Face, sound and place of the face, as the denoiser takes them."""

from __future__ import annotations

from itertools import pairwise

import torch
import torch.nn.functional as F
from torch import nn

from lipsync_colab.networks.hallo.config import HalloConfig


class FaceTokens(nn.Module):
    """A face recogniser's embedding as tokens."""

    def __init__(self, config: HalloConfig) -> None:
        super().__init__()
        self.shape = (config.face_tokens, config.token)
        self.proj = nn.Linear(config.identity, config.face_tokens * config.token)
        self.norm = nn.LayerNorm(config.token)

    def forward(self, embedding: torch.Tensor) -> torch.Tensor:
        """Return (B, 4, 768) of (B, 512)."""
        return self.norm(self.proj(embedding).unflatten(-1, self.shape))


class AudioTokens(nn.Module):
    """A window of the speech encoder's hidden states as tokens."""

    def __init__(self, config: HalloConfig) -> None:
        super().__init__()
        self.shape = (config.audio_tokens, config.sound)
        inputs = config.audio_window * config.audio_layers * config.audio_features
        self.proj1 = nn.Linear(inputs, config.audio_hidden)
        self.proj2 = nn.Linear(config.audio_hidden, config.audio_hidden)
        self.proj3 = nn.Linear(config.audio_hidden, config.audio_tokens * config.sound)
        self.norm = nn.LayerNorm(config.sound)

    def forward(self, features: torch.Tensor) -> torch.Tensor:
        """Return (B, F, 32, 768) of (B, F, 5, 12, 768)."""
        hidden = F.relu(self.proj1(features.flatten(2)))
        hidden = F.relu(self.proj2(hidden))
        return self.norm(self.proj3(hidden).unflatten(-1, self.shape))


class FaceLocator(nn.Module):
    """A picture of where the face is as features at the latents' size."""

    def __init__(self, config: HalloConfig) -> None:
        super().__init__()
        widths = config.locator
        self.conv_in = nn.Conv2d(3, widths[0], 3, padding=1)
        self.blocks = nn.ModuleList()
        for narrow, wide in pairwise(widths):
            self.blocks.append(nn.Conv2d(narrow, narrow, 3, padding=1))
            self.blocks.append(nn.Conv2d(narrow, wide, 3, stride=2, padding=1))
        self.conv_out = nn.Conv2d(widths[-1], config.channels[0], 3, padding=1)

    def forward(self, picture: torch.Tensor) -> torch.Tensor:
        """Return (N, 320, H / 8, W / 8) of (N, 3, H, W)."""
        features = F.silu(self.conv_in(picture))
        for block in self.blocks:
            features = F.silu(block(features))
        return self.conv_out(features)
