"""The convolution blocks and hourglasses of the keypoint-driven networks, in two and three dimensions.

Names follow the released state dicts of the First Order Motion Model family. Every block folds itself
(:mod:`lipsync_colab.networks.folding`).
"""

from __future__ import annotations

import itertools

import torch
import torch.nn.functional as F
from torch import nn

from lipsync_colab.networks.folding import EnlargedConvolution, merge_norm

Step = tuple[int, ...]

CONVOLUTIONS: dict[int, type[nn.Conv2d] | type[nn.Conv3d]] = {2: nn.Conv2d, 3: nn.Conv3d}
NORMS: dict[int, type[nn.BatchNorm2d] | type[nn.BatchNorm3d]] = {2: nn.BatchNorm2d, 3: nn.BatchNorm3d}


def average_pool(features: torch.Tensor, step: Step) -> torch.Tensor:
    """Return means over blocks of ``step`` cells, which has two or three entries."""
    return F.avg_pool2d(features, step) if len(step) == 2 else F.avg_pool3d(features, step)


class ConvolutionBlock(nn.Module):
    """Optional nearest enlargement, convolution, batch norm, (leaky) ReLU, optional average pool."""

    def __init__(
        self,
        inputs: int,
        outputs: int,
        *,
        dimensions: int = 2,
        kernel: int = 3,
        up: Step | None = None,
        pool: Step | None = None,
        slope: float = 0.0,
    ) -> None:
        super().__init__()
        self.conv: nn.Module = CONVOLUTIONS[dimensions](inputs, outputs, kernel, padding=kernel // 2)
        self.norm: nn.Module = NORMS[dimensions](outputs)
        self.up, self.pool, self.slope = up, pool, slope

    def fold_(self) -> None:
        """Merge the norm; in two dimensions read the small map instead of the enlarged one."""
        merge_norm(self.conv, self.norm)
        self.norm = nn.Identity()
        if self.up == (2, 2):
            self.conv, self.up = EnlargedConvolution(self.conv, 2), None

    def forward(self, features: torch.Tensor) -> torch.Tensor:
        """Return the block's features."""
        if self.up is not None:
            features = F.interpolate(features, scale_factor=tuple(float(size) for size in self.up))
        features = F.leaky_relu(self.norm(self.conv(features)), self.slope, inplace=True)
        return features if self.pool is None else average_pool(features, self.pool)


class ResidualBlock(nn.Module):
    """Two rounds of norm, ReLU and 3×3 convolution, added to the input."""

    def __init__(self, channels: int, dimensions: int = 2) -> None:
        super().__init__()
        convolution, norm = CONVOLUTIONS[dimensions], NORMS[dimensions]
        self.conv1 = convolution(channels, channels, 3, padding=1)
        self.conv2 = convolution(channels, channels, 3, padding=1)
        self.norm1 = norm(channels)
        self.norm2: nn.Module = norm(channels)

    def fold_(self) -> None:
        """Merge the second norm into the first convolution; the first norm stands before a ReLU and stays."""
        merge_norm(self.conv1, self.norm2)
        self.norm2 = nn.Identity()

    def forward(self, features: torch.Tensor) -> torch.Tensor:
        """Return features of the same shape."""
        inner = self.conv1(F.relu(self.norm1(features), inplace=True))
        return self.conv2(F.relu(self.norm2(inner), inplace=True)) + features


def widths(base: int, limit: int, blocks: int) -> list[int]:
    """Return the channels before, between and after ``blocks`` halvings: base, 2·base, 4·base … up to limit."""
    return [min(limit, base * 2**index) for index in range(blocks + 1)]


class Encoder(nn.Module):
    """Halves its input ``blocks`` times and returns every size, largest first."""

    def __init__(self, base: int, inputs: int, blocks: int, limit: int, pool: Step) -> None:
        super().__init__()
        sizes = widths(base, limit, blocks)
        channels = [inputs, *sizes[1:]]
        self.down_blocks = nn.ModuleList(
            ConvolutionBlock(before, after, dimensions=len(pool), pool=pool)
            for before, after in itertools.pairwise(channels)
        )

    def forward(self, features: torch.Tensor) -> list[torch.Tensor]:
        """Return the input and the features after each block."""
        levels = [features]
        for block in self.down_blocks:
            levels.append(block(levels[-1]))
        return levels


class Decoder(nn.Module):
    """Doubles the smallest features again, joining the encoder's of each size."""

    def __init__(self, base: int, inputs: int, blocks: int, limit: int, *, up: Step, closing: bool) -> None:
        super().__init__()
        sizes = widths(base, limit, blocks)
        self.up_blocks = nn.ModuleList(
            ConvolutionBlock(
                sizes[index + 1] * (1 if index == blocks - 1 else 2), sizes[index], dimensions=len(up), up=up
            )
            for index in reversed(range(blocks))
        )
        self.out_filters = base + inputs
        self.closing = closing
        if closing:
            self.conv = CONVOLUTIONS[len(up)](self.out_filters, self.out_filters, 3, padding=1)
            self.norm: nn.Module = NORMS[len(up)](self.out_filters)

    def fold_(self) -> None:
        """Merge the closing norm."""
        if self.closing:
            merge_norm(self.conv, self.norm)
            self.norm = nn.Identity()

    def forward(self, levels: list[torch.Tensor]) -> torch.Tensor:
        """Return features of the largest size, ``out_filters`` channels."""
        features = levels.pop()
        for block in self.up_blocks:
            features = torch.cat((block(features), levels.pop()), dim=1)
        return F.relu(self.norm(self.conv(features)), inplace=True) if self.closing else features


class Hourglass(nn.Module):
    """An encoder and a decoder; with ``closing`` one more convolution at the end."""

    def __init__(self, base: int, inputs: int, blocks: int, limit: int, *, step: Step, closing: bool = False) -> None:
        super().__init__()
        self.encoder = Encoder(base, inputs, blocks, limit, step)
        self.decoder = Decoder(base, inputs, blocks, limit, up=step, closing=closing)
        self.out_filters = self.decoder.out_filters

    def forward(self, features: torch.Tensor) -> torch.Tensor:
        """Return (B, out_filters, \\*size) of (B, inputs, \\*size)."""
        return self.decoder(self.encoder(features))
