"""Attention over time: every pixel of a clip looks at itself in all frames (AnimateDiff's motion module)."""

from __future__ import annotations

import math

import torch
from diffusers.models.attention import FeedForward
from torch import nn

from lipsync_colab.networks.hallo.attention import Attention

PIXELS_AT_ONCE = 1024
"""Pixels (each with all its frames) that are computed together: bounds the memory, pixels do not meet there."""


def positions(count: int, width: int) -> torch.Tensor:
    """Return (1, count, width): sines and cosines in turn (Vaswani et al., 2017)."""
    place = torch.arange(count)[:, None]
    rate = torch.exp(torch.arange(0, width, 2) * (-math.log(10000.0) / width))
    return torch.stack([torch.sin(place * rate), torch.cos(place * rate)], dim=-1).flatten(1)[None]


class Positions(nn.Module):
    """Tells tokens their place in time. The release stores the encoding among its weights."""

    pe: torch.Tensor

    def __init__(self, count: int, width: int) -> None:
        super().__init__()
        self.register_buffer("pe", positions(count, width))

    def forward(self, tokens: torch.Tensor) -> torch.Tensor:
        """Return tokens (N, F, C) with their places added."""
        return tokens + self.pe[:, : tokens.shape[1]]


class TimeAttention(Attention):
    """Attention among frames that know their places."""

    def __init__(self, width: int, heads: int, count: int) -> None:
        super().__init__(width, heads)
        self.pos_encoder = Positions(count, width)

    def forward(self, tokens: torch.Tensor, source: torch.Tensor | None = None) -> torch.Tensor:
        """Return what tokens (N, F, C) find in themselves."""
        return super().forward(self.pos_encoder(tokens), source)


class TimeBlock(nn.Module):
    """Two attentions over time and a feed-forward."""

    def __init__(self, width: int, heads: int, count: int) -> None:
        super().__init__()
        self.attention_blocks = nn.ModuleList([TimeAttention(width, heads, count) for _ in range(2)])
        self.norms = nn.ModuleList([nn.LayerNorm(width) for _ in range(2)])
        self.ff = FeedForward(width)
        self.ff_norm = nn.LayerNorm(width)

    def forward(self, tokens: torch.Tensor) -> torch.Tensor:
        """Return (N, F, C) of (N, F, C): N pixels."""
        for attention, norm in zip(self.attention_blocks, self.norms, strict=True):
            tokens = attention(norm(tokens)) + tokens
        return self.ff(self.ff_norm(tokens)) + tokens


class TimeTransformer(nn.Module):
    """A clip and the frames before it through one block; the clip comes out."""

    def __init__(self, channels: int, heads: int, groups: int, count: int) -> None:
        super().__init__()
        self.norm = nn.GroupNorm(groups, channels, eps=1e-6)
        self.proj_in = nn.Linear(channels, channels)
        self.transformer_blocks = nn.ModuleList([TimeBlock(channels, heads, count)])
        self.proj_out = nn.Linear(channels, channels)

    def forward(self, features: torch.Tensor, before: torch.Tensor) -> torch.Tensor:
        """Return (B, F, C, h, w) of the same; ``before`` is (B, n, C, h, w)."""
        batch, frames, channels, height, width = features.shape
        normal = self.norm(torch.cat([before.to(features.dtype), features], dim=1).flatten(0, 1))
        pixels = normal.view(batch, -1, channels, height * width).permute(0, 3, 1, 2).flatten(0, 1)
        moved = torch.cat([self._some(some, frames) for some in pixels.split(PIXELS_AT_ONCE)])
        return features + moved.view(batch, height, width, frames, channels).permute(0, 3, 4, 1, 2)

    def _some(self, pixels: torch.Tensor, frames: int) -> torch.Tensor:
        return self.proj_out(self.transformer_blocks[0](self.proj_in(pixels))[:, -frames:])


class MotionModule(nn.Module):
    """The time transformer under the release's key."""

    def __init__(self, channels: int, heads: int, groups: int, count: int) -> None:
        super().__init__()
        self.temporal_transformer = TimeTransformer(channels, heads, groups, count)

    def forward(self, features: torch.Tensor, before: torch.Tensor) -> torch.Tensor:
        """Return (B F, C, h, w) of the same; ``before`` is (B, n, C, h, w)."""
        clip = features.unflatten(0, (len(before), -1))
        return self.temporal_transformer(clip, before).flatten(0, 1)
