"""The small parts that Kokoro's networks share: weight-normalised convolutions and norms that a style moves."""

from __future__ import annotations

import math

import torch
import torch.nn.functional as F
from torch import nn


class NormedConvolution(nn.Module):
    """A 1-D convolution whose weight is a direction and a length (Salimans & Kingma 2016, arXiv 1602.07868).

    The released keys are ``weight_g`` (lengths), ``weight_v`` (directions) and ``bias``; :meth:`fold_` multiplies
    them once, after loading.
    """

    weight: torch.Tensor | None

    def __init__(
        self,
        inputs: int,
        outputs: int,
        kernel: int,
        *,
        stride: int = 1,
        padding: int = 0,
        dilation: int = 1,
        bias: bool = True,
    ) -> None:
        super().__init__()
        self.stride, self.padding, self.dilation = stride, padding, dilation
        self.bias = nn.Parameter(torch.zeros(outputs)) if bias else None
        self._declare(outputs, (outputs, inputs, kernel))

    def _declare(self, lengths: int, shape: tuple[int, int, int]) -> None:
        self.weight_g: nn.Parameter | None = nn.Parameter(torch.ones(lengths, 1, 1))
        self.weight_v: nn.Parameter | None = nn.Parameter(torch.randn(shape) / math.sqrt(shape[1] * shape[2]))
        self.register_buffer("weight", None, persistent=False)

    def kernel(self) -> torch.Tensor:
        """Return the weight that is convolved with."""
        if self.weight is not None:
            return self.weight
        if self.weight_v is None or self.weight_g is None:
            raise RuntimeError("a folded convolution has lost its weight")
        return self.weight_v * (self.weight_g / self.weight_v.norm(dim=(1, 2), keepdim=True))

    def fold_(self) -> None:
        """Keep the product alone; the released keys are gone afterwards."""
        self.weight = self.kernel().detach()
        self.weight_g = self.weight_v = None

    def forward(self, features: torch.Tensor) -> torch.Tensor:
        """Return (B, outputs, T') of (B, inputs, T)."""
        return F.conv1d(features, self.kernel(), self.bias, self.stride, self.padding, self.dilation)


class NormedTransposed(NormedConvolution):
    """A weight-normalised transposed convolution: it enlarges time by its stride."""

    def __init__(
        self, inputs: int, outputs: int, kernel: int, *, stride: int, padding: int, extra: int = 0, groups: int = 1
    ) -> None:
        nn.Module.__init__(self)
        self.stride, self.padding, self.extra, self.groups = stride, padding, extra, groups
        self.bias = nn.Parameter(torch.zeros(outputs))
        self._declare(inputs, (inputs, outputs // groups, kernel))

    def forward(self, features: torch.Tensor) -> torch.Tensor:
        """Return (B, outputs, T · stride) of (B, inputs, T)."""
        return F.conv_transpose1d(
            features, self.kernel(), self.bias, self.stride, self.padding, self.extra, self.groups
        )


class ChannelNorm(nn.Module):
    """Layer norm over the channels of (B, C, T)."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.gamma = nn.Parameter(torch.ones(channels))
        self.beta = nn.Parameter(torch.zeros(channels))

    def forward(self, features: torch.Tensor) -> torch.Tensor:
        """Return the normalised features."""
        turned = features.transpose(1, 2)
        return F.layer_norm(turned, (turned.shape[-1],), self.gamma, self.beta).transpose(1, 2)


class StyledNorm(nn.Module):
    """Instance norm over time whose gain and shift a style gives (AdaIN; Huang & Belongie 2017)."""

    def __init__(self, channels: int, style: int) -> None:
        super().__init__()
        self.fc = nn.Linear(style, 2 * channels)

    def forward(self, features: torch.Tensor, style: torch.Tensor) -> torch.Tensor:
        """Return (B, C, T) of (B, C, T) and (B, style)."""
        gain, shift = self.fc(style)[:, :, None].chunk(2, dim=1)
        return (1 + gain) * F.instance_norm(features) + shift


class StyledLayerNorm(nn.Module):
    """Layer norm over the last axis whose gain and shift a style gives."""

    def __init__(self, channels: int, style: int) -> None:
        super().__init__()
        self.fc = nn.Linear(style, 2 * channels)

    def forward(self, features: torch.Tensor, style: torch.Tensor) -> torch.Tensor:
        """Return (B, T, C) of (B, T, C) and (B, style)."""
        gain, shift = self.fc(style)[:, None].chunk(2, dim=-1)
        return (1 + gain) * F.layer_norm(features, (features.shape[-1],)) + shift


class StyledBlock(nn.Module):
    """A residual block of two convolutions, each behind a styled norm; with ``double`` it doubles time."""

    def __init__(self, inputs: int, outputs: int, style: int, double: bool = False) -> None:
        super().__init__()
        self.doubles = double
        self.conv1 = NormedConvolution(inputs, outputs, 3, padding=1)
        self.conv2 = NormedConvolution(outputs, outputs, 3, padding=1)
        self.norm1 = StyledNorm(inputs, style)
        self.norm2 = StyledNorm(outputs, style)
        self.conv1x1 = NormedConvolution(inputs, outputs, 1, bias=False) if inputs != outputs else nn.Identity()
        self.pool: nn.Module = (
            NormedTransposed(inputs, inputs, 3, stride=2, padding=1, extra=1, groups=inputs)
            if double
            else nn.Identity()
        )

    def forward(self, features: torch.Tensor, style: torch.Tensor) -> torch.Tensor:
        """Return (B, outputs, T or 2T)."""
        changed = self.conv1(self.pool(F.leaky_relu(self.norm1(features, style), 0.2)))
        changed = self.conv2(F.leaky_relu(self.norm2(changed, style), 0.2))
        plain = F.interpolate(features, scale_factor=2.0) if self.doubles else features
        return (changed + self.conv1x1(plain)) / math.sqrt(2)
