"""SRVGGNetCompact of Real-ESRGAN: a plain stack of convolutions at low resolution and one pixel shuffle.

Keys are those of ``realesr-general-x4v3.pth`` and ``realesr-animevideov3.pth`` (BSD-3). A pixel of the output depends
on exactly :attr:`SRVGGNet.context` pixels around its source, so a picture may be cut at that overlap without a trace.
"""

from __future__ import annotations

import torch.nn.functional as F
from torch import Tensor, nn


class SRVGGNet(nn.Module):
    """Enlarges a picture ``scale`` times by what it adds to the nearest-neighbour enlargement.

    Args:
        convolutions: between the first and the last: 32 (general) or 16 (animevideo).
        channels: of each.
        scale: 4 in both releases.

    Attributes:
        scale: as given.
        context: receptive field to each side in source pixels, one for each convolution.
    """

    def __init__(self, convolutions: int = 32, channels: int = 64, scale: int = 4) -> None:
        super().__init__()
        self.scale = scale
        self.context = convolutions + 2
        layers: list[nn.Module] = [nn.Conv2d(3, channels, 3, padding=1), nn.PReLU(channels)]
        for _ in range(convolutions):
            layers += [nn.Conv2d(channels, channels, 3, padding=1), nn.PReLU(channels)]
        layers.append(nn.Conv2d(channels, 3 * scale**2, 3, padding=1))
        self.body = nn.ModuleList(layers)

    def forward(self, image: Tensor) -> Tensor:
        """Enlarge a picture.

        Args:
            image: (B, 3, H, W) in [0, 1].

        Returns:
            (B, 3, scale H, scale W), about [0, 1].
        """
        features = image
        for layer in self.body:
            features = layer(features)
        return F.pixel_shuffle(features, self.scale) + F.interpolate(image, scale_factor=self.scale, mode="nearest")


def srvgg_general() -> SRVGGNet:
    """Return the network of ``realesr-general-x4v3`` and of its denoising twin: 1.21 million parameters."""
    return SRVGGNet(convolutions=32)


def srvgg_animevideo() -> SRVGGNet:
    """Return the network of ``realesr-animevideov3``: 0.62 million parameters."""
    return SRVGGNet(convolutions=16)
