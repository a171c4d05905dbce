"""Still and keypoints to a frame: encode the still once, deform its volume, decode (101 M parameters)."""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import nn

from lipsync_colab.networks.hourglass import ConvolutionBlock, ResidualBlock
from lipsync_colab.networks.sadtalker.dense_motion import DenseMotion
from lipsync_colab.networks.sadtalker.keypoints import DEPTH
from lipsync_colab.networks.sadtalker.spade import LABELS, SpadeDecoder
from lipsync_colab.networks.spatial import sample

VOLUME_CHANNELS = 32
RESIDUAL_BLOCKS = 6
LEAK = 0.01


class StillFeatures(NamedTuple):
    """What every frame needs of the still.

    Attributes:
        volume: (1, 32, 16, h, w), h and w a quarter of the picture's.
        compressed: (1, 4, 16, h, w).
    """

    volume: torch.Tensor
    compressed: torch.Tensor


class SpadeGenerator(nn.Module):
    """Draws the head of a still with its keypoints moved."""

    def __init__(self) -> None:
        super().__init__()
        self.dense_motion_network = DenseMotion()
        self.first = ConvolutionBlock(3, 64)
        self.down_blocks = nn.ModuleList(ConvolutionBlock(inputs, 2 * inputs, pool=(2, 2)) for inputs in (64, 128))
        self.second = nn.Conv2d(256, VOLUME_CHANNELS * DEPTH, 1)
        self.resblocks_3d = nn.Sequential()
        for index in range(RESIDUAL_BLOCKS):
            self.resblocks_3d.add_module(f"3dr{index}", ResidualBlock(VOLUME_CHANNELS, 3))
        self.third = ConvolutionBlock(VOLUME_CHANNELS * DEPTH, LABELS, slope=LEAK)
        self.fourth = nn.Conv2d(LABELS, LABELS, 1)
        self.decoder = SpadeDecoder()

    def encode(self, image: torch.Tensor) -> StillFeatures:
        """Return the features of stills (B, 3, H, W) in [0, 1]; one call per portrait is enough."""
        features = self.first(image)
        for block in self.down_blocks:
            features = block(features)
        volume = self.resblocks_3d(self.second(features).unflatten(1, (VOLUME_CHANNELS, DEPTH)))
        return StillFeatures(volume, self.dense_motion_network.compressed(volume))

    def warp(self, still: StillFeatures, source: torch.Tensor, driving: torch.Tensor) -> torch.Tensor:
        """Return the still's features where the keypoints have moved, (B, 256, h, w)."""
        _, deformation, occlusion = self.dense_motion_network(still.compressed, source, driving)
        volume = still.volume.expand(deformation.shape[0], -1, -1, -1, -1)
        return self.fourth(self.third(sample(volume, deformation).flatten(1, 2))) * occlusion

    def render(self, still: StillFeatures, source: torch.Tensor, driving: torch.Tensor) -> torch.Tensor:
        """Return frames (B, 3, H, W) in (0, 1).

        Args:
            still: from :meth:`encode`; a batch of one serves every frame.
            source: (B, 15, 3) float32 keypoints of the still.
            driving: (B, 15, 3) float32 keypoints of the frames.
        """
        return self.decoder(self.warp(still, source, driving))

    def forward(self, image: torch.Tensor, source: torch.Tensor, driving: torch.Tensor) -> torch.Tensor:
        """Return frames (B, 3, H, W) of stills (B, 3, H, W): :meth:`encode`, then :meth:`render`."""
        return self.render(self.encode(image), source, driving)
