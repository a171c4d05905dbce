"""Picture to canonical 3D keypoints (One-Shot Free-View Neural Talking-Head Synthesis, CVPR 2021)."""

from __future__ import annotations

import torch
from torch import nn

from lipsync_colab.networks.hourglass import ConvolutionBlock, widths
from lipsync_colab.networks.spatial import AntiAliasDownsample, expected_position, heat_maps

KEYPOINTS = 15
DEPTH = 16
BLOCKS = 5


class VolumeHourglass(nn.Module):
    """Shrinks a picture in two dimensions and grows a volume in three."""

    def __init__(self, base: int = 32, limit: int = 1024) -> None:
        super().__init__()
        sizes = widths(base, limit, BLOCKS)
        self.down_blocks = nn.Sequential()
        for index, outputs in enumerate(sizes[1:]):
            inputs = 3 if index == 0 else sizes[index]
            self.down_blocks.add_module(f"down{index}", ConvolutionBlock(inputs, outputs, pool=(2, 2)))
        self.conv = nn.Conv2d(sizes[-1], sizes[-1] * DEPTH, 1)
        self.up_blocks = nn.Sequential()
        for index, (inputs, outputs) in enumerate(zip(sizes[::-1], sizes[-2::-1], strict=False)):
            self.up_blocks.add_module(f"up{index}", ConvolutionBlock(inputs, outputs, dimensions=3, up=(1, 2, 2)))

    def forward(self, image: torch.Tensor) -> torch.Tensor:
        """Return features (B, 32, 16, h, w) of pictures (B, 3, h, w)."""
        flat = self.conv(self.down_blocks(image))
        return self.up_blocks(flat.unflatten(1, (-1, DEPTH)))


class CanonicalKeypoints(nn.Module):
    """Finds 15 keypoints of the head as it would be seen from the front, without expression."""

    def __init__(self) -> None:
        super().__init__()
        self.predictor = VolumeHourglass()
        self.kp = nn.Conv3d(32, KEYPOINTS, 3, padding=1)
        self.down = AntiAliasDownsample(3)

    def forward(self, image: torch.Tensor) -> torch.Tensor:
        """Return keypoints (B, 15, 3) in [-1, 1], x, y, z, of pictures (B, 3, H, W) in [0, 1]."""
        return expected_position(heat_maps(self.kp(self.predictor(self.down(image)))))
