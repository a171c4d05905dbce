"""RRDBNet of ESRGAN and Real-ESRGAN: a trunk of dense residual blocks, then two nearest-neighbour doublings.

Keys are those of the releases ``RealESRGAN_x4plus.pth`` and ``RealESRGAN_x2plus.pth`` (Wang et al. 2021, BSD-3).
The forward pass falls into :meth:`RRDBNet.features` (low resolution, nearly all the work, a wide receptive field)
and :meth:`RRDBNet.enlarge` (high resolution, nearly all the memory, a narrow one), so that a caller who must cut the
picture can cut only the second, where the cut costs nothing and changes nothing.
"""

from __future__ import annotations

from collections.abc import Callable

import torch
import torch.nn.functional as F
from torch import Tensor, nn

SLOPE = 0.2
"""Negative slope of every leaky ReLU."""
RESIDUAL = 0.2
"""Weight of a block's output when it is added to its input (ESRGAN, section 3.1)."""


class DenseBlock(nn.Module):
    """Five convolutions, each of which sees the block's input and all outputs before it."""

    def __init__(self, channels: int, growth: int) -> None:
        super().__init__()
        for index in range(1, 5):
            setattr(self, f"conv{index}", nn.Conv2d(channels + (index - 1) * growth, growth, 3, padding=1))
        self.conv5 = nn.Conv2d(channels + 4 * growth, channels, 3, padding=1)

    def forward(self, image: Tensor) -> Tensor:
        """Return a tensor of the same shape."""
        seen = image
        for index in range(1, 5):
            convolution: nn.Module = getattr(self, f"conv{index}")
            seen = torch.cat([seen, F.leaky_relu_(convolution(seen), SLOPE)], 1)
        return torch.add(image, self.conv5(seen), alpha=RESIDUAL)


class ResidualBlock(nn.Module):
    """Three dense blocks inside one residual (RRDB)."""

    def __init__(self, channels: int, growth: int) -> None:
        super().__init__()
        self.rdb1 = DenseBlock(channels, growth)
        self.rdb2 = DenseBlock(channels, growth)
        self.rdb3 = DenseBlock(channels, growth)

    def forward(self, image: Tensor) -> Tensor:
        """Return a tensor of the same shape."""
        return torch.add(image, self.rdb3(self.rdb2(self.rdb1(image))), alpha=RESIDUAL)


class RRDBNet(nn.Module):
    """Enlarges a picture ``scale`` times.

    Args:
        scale: 4, or 2, for which the picture is first folded 2 × 2 into channels: a quarter of the work.
        blocks: residual blocks in the trunk; 23 in both releases.
        channels: of the trunk.
        growth: channels that each dense convolution adds.

    Attributes:
        scale: as given.
        fold: side of the square of pixels that becomes one position of the trunk.
    """

    def __init__(self, scale: int = 4, blocks: int = 23, channels: int = 64, growth: int = 32) -> None:
        super().__init__()
        self.scale = scale
        self.fold = {4: 1, 2: 2}[scale]
        self.conv_first = nn.Conv2d(3 * self.fold**2, channels, 3, padding=1)
        self.body = nn.ModuleList(ResidualBlock(channels, growth) for _ in range(blocks))
        self.conv_body = nn.Conv2d(channels, channels, 3, padding=1)
        self.conv_up1 = nn.Conv2d(channels, channels, 3, padding=1)
        self.conv_up2 = nn.Conv2d(channels, channels, 3, padding=1)
        self.conv_hr = nn.Conv2d(channels, channels, 3, padding=1)
        self.conv_last = nn.Conv2d(channels, 3, 3, padding=1)

    def folded(self, image: Tensor) -> Tensor:
        """Return the picture as the trunk takes it.

        Args:
            image: (B, 3, H, W) in [0, 1].

        Returns:
            (B, 3 fold², h, w) with h and w rounded up; what is missing is mirrored.
        """
        height, width = image.shape[-2:]
        padded = F.pad(image, (0, -width % self.fold, 0, -height % self.fold), mode="reflect")
        return F.pixel_unshuffle(padded, self.fold) if self.fold > 1 else padded

    def features(self, folded: Tensor, advance: Callable[[float], None] | None = None) -> Tensor:
        """Return the trunk's features.

        Args:
            folded: what :meth:`folded` gave.
            advance: called after each block with the share of the trunk that is done, in (0, 1].

        Returns:
            (B, channels, h, w).
        """
        first = self.conv_first(folded)
        deep = first
        for index, block in enumerate(self.body):
            deep = block(deep)
            if advance is not None:
                advance((index + 1) / len(self.body))
        return first + self.conv_body(deep)

    def enlarge(self, features: Tensor) -> Tensor:
        """Return the picture of the trunk's features, four times as large as they are.

        Args:
            features: (B, channels, h, w).

        Returns:
            (B, 3, 4 h, 4 w).
        """
        image = F.leaky_relu_(self.conv_up1(F.interpolate(features, scale_factor=2, mode="nearest")), SLOPE)
        image = F.leaky_relu_(self.conv_up2(F.interpolate(image, scale_factor=2, mode="nearest")), SLOPE)
        return self.conv_last(F.leaky_relu_(self.conv_hr(image), SLOPE))

    def forward(self, image: Tensor) -> Tensor:
        """Enlarge a picture.

        Args:
            image: (B, 3, H, W) in [0, 1].

        Returns:
            (B, 3, scale H, scale W), about [0, 1].
        """
        height, width = image.shape[-2:]
        return self.enlarge(self.features(self.folded(image)))[..., : height * self.scale, : width * self.scale]


def rrdbnet_x4() -> RRDBNet:
    """Return the network of ``RealESRGAN_x4plus``: 16.7 million parameters."""
    return RRDBNet(scale=4)


def rrdbnet_x2() -> RRDBNet:
    """Return the network of ``RealESRGAN_x2plus``."""
    return RRDBNet(scale=2)
