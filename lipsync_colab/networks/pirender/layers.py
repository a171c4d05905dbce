"""PIRenderer's norms and blocks: adaptive instance norm from the motion descriptor, layer norm over the picture."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import nn

from lipsync_colab.networks.folding import EnlargedConvolution

DESCRIPTOR = 256
HIDDEN = 128
SLOPE = 0.1


def leaky(features: torch.Tensor) -> torch.Tensor:
    """Return the network's only activation, in place."""
    return F.leaky_relu(features, SLOPE, inplace=True)


class LayerNorm2d(nn.Module):
    """Layer norm over channels, height and width, with one scale and offset per channel."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.ones(channels, 1, 1))
        self.bias = nn.Parameter(torch.zeros(channels, 1, 1))

    def forward(self, features: torch.Tensor) -> torch.Tensor:
        """Return the normalised features."""
        return torch.addcmul(self.bias, F.layer_norm(features, features.shape[1:]), self.weight)


class AdaptiveNorm(nn.Module):
    """Instance norm whose scale and offset follow from the descriptor."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.mlp_shared = nn.Sequential(nn.Linear(DESCRIPTOR, HIDDEN), nn.ReLU())
        self.mlp_gamma = nn.Linear(HIDDEN, channels)
        self.mlp_beta = nn.Linear(HIDDEN, channels)

    def forward(self, features: torch.Tensor, descriptor: torch.Tensor) -> torch.Tensor:
        """Return the modulated features; descriptor (B, 256, 1)."""
        hidden = self.mlp_shared(descriptor.flatten(1))
        gain = 1 + self.mlp_gamma(hidden)[:, :, None, None]
        return torch.addcmul(self.mlp_beta(hidden)[:, :, None, None], F.instance_norm(features), gain)


class ShrinkingBlock(nn.Module):
    """Halves the size: norm, activation, 4×4 convolution; norm, activation, 3×3 convolution."""

    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__()
        self.conv_0 = nn.Conv2d(inputs, outputs, 4, 2, 1)
        self.conv_1 = nn.Conv2d(outputs, outputs, 3, padding=1)
        self.norm_0 = AdaptiveNorm(inputs)
        self.norm_1 = AdaptiveNorm(outputs)

    def forward(self, features: torch.Tensor, descriptor: torch.Tensor) -> torch.Tensor:
        """Return the smaller features."""
        features = self.conv_0(leaky(self.norm_0(features, descriptor)))
        return self.conv_1(leaky(self.norm_1(features, descriptor)))


class GrowingBlock(nn.Module):
    """Doubles the size by transposed convolutions, with a shortcut of the same kind."""

    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__()
        self.conv_0 = nn.Conv2d(inputs, outputs, 3, padding=1)
        self.conv_1 = nn.ConvTranspose2d(outputs, outputs, 3, 2, 1, 1)
        self.conv_s = nn.ConvTranspose2d(inputs, outputs, 3, 2, 1, 1)
        self.norm_0 = AdaptiveNorm(inputs)
        self.norm_1 = AdaptiveNorm(outputs)
        self.norm_s = AdaptiveNorm(inputs)

    def forward(self, features: torch.Tensor, descriptor: torch.Tensor) -> torch.Tensor:
        """Return the larger features."""
        shortcut = self.conv_s(leaky(self.norm_s(features, descriptor)))
        inner = self.conv_0(leaky(self.norm_0(features, descriptor)))
        return shortcut + self.conv_1(leaky(self.norm_1(inner, descriptor)))


class PlainBlock(nn.Module):
    """Convolution, layer norm, activation; optionally on the doubled map, or halved afterwards."""

    def __init__(self, inputs: int, outputs: int, kernel: int = 3, up: bool = False, pool: bool = False) -> None:
        super().__init__()
        self.model = nn.Sequential(nn.Conv2d(inputs, outputs, kernel, padding=kernel // 2), LayerNorm2d(outputs))
        self.up, self.pool = up, pool

    def fold_(self) -> None:
        """Read the small map instead of the doubled one."""
        if self.up:
            self.model[0], self.up = EnlargedConvolution(self.model[0], 2), False

    def forward(self, features: torch.Tensor) -> torch.Tensor:
        """Return the block's features."""
        if self.up:
            features = F.interpolate(features, scale_factor=2)
        features = leaky(self.model(features))
        return F.avg_pool2d(features, 2) if self.pool else features


class EditingBlock(nn.Module):
    """Adds what one convolution and an adaptive norm make of the input.

    The released block has a second pair, ``conv1`` and ``norm1``. Its result is overwritten before it is used, so
    it is loaded with the rest and never computed.
    """

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(channels, channels, 3, padding=1)
        self.conv2 = nn.Conv2d(channels, channels, 3, padding=1)
        self.norm1 = AdaptiveNorm(channels)
        self.norm2 = AdaptiveNorm(channels)

    def fold_(self) -> None:
        """Drop the unused pair."""
        del self.conv1, self.norm1

    def forward(self, features: torch.Tensor, descriptor: torch.Tensor) -> torch.Tensor:
        """Return features of the same shape."""
        return self.norm2(self.conv2(features), descriptor) + features
