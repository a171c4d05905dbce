"""Attention over a frame's pixels: to the still and the face, and to the sound in three regions."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from diffusers.models.attention import FeedForward
from torch import nn

from lipsync_colab.networks.hallo.attention import Attention
from lipsync_colab.networks.hallo.conditions import Conditions, Place


class PixelTransformer(nn.Module):
    """Pixels of frames as tokens through one block, beside the features themselves.

    Args:
        channels: of the features.
        block: made for tokens of ``width``.
        width: of the tokens.
        groups: of the norm.
    """

    def __init__(self, channels: int, block: nn.Module, width: int, groups: int) -> None:
        super().__init__()
        self.norm = nn.GroupNorm(groups, channels, eps=1e-6)
        self.proj_in = nn.Conv2d(channels, width, 1)
        self.transformer_blocks = nn.ModuleList([block])
        self.proj_out = nn.Conv2d(width, channels, 1)

    def forward(self, features: torch.Tensor, conditions: Conditions, where: Place | int) -> torch.Tensor:
        """Return (B F, C, h, w); ``where`` is the block's: what it remembers, or its level."""
        parts = [
            features[rows] + self._found(features[rows], conditions, half, rows, where)
            for half, rows in conditions.slices()
        ]
        return torch.cat(parts)

    def _found(
        self, features: torch.Tensor, conditions: Conditions, half: int, rows: slice, where: Place | int
    ) -> torch.Tensor:
        tokens = self.proj_in(self.norm(features)).flatten(2).transpose(1, 2)
        tokens = self.transformer_blocks[0](tokens, conditions, half, rows, where)
        return self.proj_out(tokens.transpose(1, 2).unflatten(2, features.shape[2:]))


class StillBlock(nn.Module):
    """Pixels look at themselves and at the still, then at the face's tokens."""

    def __init__(self, width: int, heads: int, face: int) -> None:
        super().__init__()
        self.attn1 = Attention(width, heads)
        self.norm1 = nn.LayerNorm(width)
        self.attn2 = Attention(width, heads, face)
        self.norm2 = nn.LayerNorm(width)
        self.ff = FeedForward(width)
        self.norm3 = nn.LayerNorm(width)

    def forward(
        self, tokens: torch.Tensor, conditions: Conditions, half: int, rows: slice, place: Place
    ) -> torch.Tensor:
        """Return the tokens (N, L, C) of some rows of one half of the batch."""
        own = self.norm1(tokens)
        keys, values = self.attn1.to_k(own), self.attn1.to_v(own)
        if conditions.guided(half):
            # The release lays the halves' stills out row by row in turn, whatever half a row is of: every other
            # frame reads the still as the unconditional tokens saw it. Kept: so its videos were made.
            still = torch.arange(rows.start, rows.stop, device=tokens.device) % len(place.keys)
            keys = torch.cat([keys, place.keys[still]], dim=1)
            values = torch.cat([values, place.values[still]], dim=1)
        tokens = self.attn1.among(own, keys, values) + tokens
        tokens = self.attn2(self.norm2(tokens), conditions.face[half : half + 1]) + tokens
        return self.ff(self.norm3(tokens)) + tokens


class SoundBlock(nn.Module):
    """Pixels look at themselves, then at their frame's sound, once in each of three regions."""

    def __init__(self, width: int, heads: int, sound: int) -> None:
        super().__init__()
        self.zero_conv_full = nn.Conv2d(width, width, 1)
        self.zero_conv_face = nn.Conv2d(width, width, 1)
        self.zero_conv_lip = nn.Conv2d(width, width, 1)
        self.attn1 = Attention(width, heads)
        self.norm1 = nn.LayerNorm(width)
        self.attn2_0 = Attention(width, heads, sound)
        self.attn2_1 = Attention(width, heads, sound)
        self.attn2_2 = Attention(width, heads, sound)
        self.norm2 = nn.LayerNorm(width)
        self.ff = FeedForward(width)
        self.norm3 = nn.LayerNorm(width)

    def forward(self, tokens: torch.Tensor, conditions: Conditions, half: int, rows: slice, level: int) -> torch.Tensor:
        """Return the tokens (N, L, C) of some rows; ``level`` (0 the finest) chooses the masks."""
        tokens = self.attn1(self.norm1(tokens)) + tokens
        own, sound = self.norm2(tokens), conditions.sound[rows]
        regions = (
            (self.attn2_0, self.zero_conv_full),
            (self.attn2_1, self.zero_conv_face),
            (self.attn2_2, self.zero_conv_lip),
        )
        for (attention, leave), masks, amount in zip(regions, conditions.masks, conditions.amounts, strict=True):
            answer = attention(own, sound) * masks[level].to(own.dtype)[:, None]
            tokens = tokens + amount * F.linear(answer, leave.weight.flatten(1), leave.bias)
        return self.ff(self.norm3(tokens)) + tokens


def still_transformer(channels: int, heads: int, groups: int, face: int) -> PixelTransformer:
    """Return attention to the still and the face's tokens (``face`` wide)."""
    return PixelTransformer(channels, StillBlock(channels, heads, face), channels, groups)


def sound_transformer(channels: int, width: int, heads: int, groups: int, sound: int) -> PixelTransformer:
    """Return attention to the sound's tokens (``sound`` wide), inside as wide as ``width``."""
    return PixelTransformer(channels, SoundBlock(width, heads, sound), width, groups)
