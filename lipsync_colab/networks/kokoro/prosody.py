"""What is said and how: the text encoder, and the predictor of durations, pitch and energy."""

from __future__ import annotations

import torch
from torch import nn

from lipsync_colab.networks.kokoro.layers import (
    ChannelNorm,
    NormedConvolution,
    StyledBlock,
    StyledLayerNorm,
)


def recurrent(inputs: int, outputs: int) -> nn.LSTM:
    """Return one bidirectional layer over (B, T, inputs) with ``outputs`` features in all."""
    return nn.LSTM(inputs, outputs // 2, 1, batch_first=True, bidirectional=True)


class TextEncoder(nn.Module):
    """Symbols to the features that the decoder speaks."""

    def __init__(self, symbols: int, channels: int, kernel: int = 5, depth: int = 3) -> None:
        super().__init__()
        self.embedding = nn.Embedding(symbols, channels)
        self.cnn = nn.ModuleList(
            nn.Sequential(
                NormedConvolution(channels, channels, kernel, padding=kernel // 2),
                ChannelNorm(channels),
                nn.LeakyReLU(0.2),
            )
            for _ in range(depth)
        )
        self.lstm = recurrent(channels, channels)

    def forward(self, symbols: torch.Tensor) -> torch.Tensor:
        """Return (B, channels, T) of int64 (B, T)."""
        features = self.embedding(symbols).transpose(1, 2)
        for block in self.cnn:
            features = block(features)
        return self.lstm(features.transpose(1, 2))[0].transpose(1, 2)


class DurationEncoder(nn.Module):
    """Recurrent layers, each followed by a styled norm, with the style beside every symbol."""

    def __init__(self, channels: int, style: int, depth: int = 3) -> None:
        super().__init__()
        parts: list[nn.Module] = []
        for _ in range(depth):
            parts += [recurrent(channels + style, channels), StyledLayerNorm(channels, style)]
        self.lstms = nn.ModuleList(parts)

    def forward(self, features: torch.Tensor, style: torch.Tensor) -> torch.Tensor:
        """Return (B, T, channels + style) of (B, T, channels) and (B, style)."""
        beside = style[:, None].expand(-1, features.shape[1], -1)
        joined = torch.cat([features, beside], dim=-1)
        for part in self.lstms:
            if isinstance(part, nn.LSTM):
                features = part(joined)[0]
            else:
                joined = torch.cat([part(features, style), beside], dim=-1)
        return joined


class ProsodyPredictor(nn.Module):
    """Durations of symbols; then, over the frames they span, pitch and energy at twice the frame rate."""

    def __init__(self, channels: int, style: int, longest: int = 50) -> None:
        super().__init__()
        self.text_encoder = DurationEncoder(channels, style)
        self.lstm = recurrent(channels + style, channels)
        self.duration_proj = nn.ModuleDict({"linear_layer": nn.Linear(channels, longest)})
        self.shared = recurrent(channels + style, channels)
        self.F0 = self._blocks(channels, style)
        self.N = self._blocks(channels, style)
        self.F0_proj = nn.Conv1d(channels // 2, 1, 1)
        self.N_proj = nn.Conv1d(channels // 2, 1, 1)

    @staticmethod
    def _blocks(channels: int, style: int) -> nn.ModuleList:
        half = channels // 2
        return nn.ModuleList(
            [
                StyledBlock(channels, channels, style),
                StyledBlock(channels, half, style, double=True),
                StyledBlock(half, half, style),
            ]
        )

    def durations(self, encoded: torch.Tensor, speed: float) -> torch.Tensor:
        """Return int64 (B, T): frames of 25 ms, at least one each, of (B, T, channels + style)."""
        scores = self.duration_proj["linear_layer"](self.lstm(encoded)[0])
        return torch.round(torch.sigmoid(scores).sum(-1) / speed).clamp(min=1).long()

    def curves(self, frames: torch.Tensor, style: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """Return pitch in Hz and energy, both (B, 2F), of (B, F, channels + style)."""
        shared = self.shared(frames)[0].transpose(1, 2)
        found = []
        for blocks, projection in ((self.F0, self.F0_proj), (self.N, self.N_proj)):
            features = shared
            for block in blocks:
                features = block(features, style)
            found.append(projection(features)[:, 0])
        return found[0], found[1]


def spread(features: torch.Tensor, durations: torch.Tensor) -> torch.Tensor:
    """Return (1, F, C): each symbol's features (1, T, C) repeated for as many frames as it lasts."""
    return torch.repeat_interleave(features, durations[0], dim=1)
