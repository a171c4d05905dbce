"""Still and keypoints to a frame: warp the still's features, repair what was hidden (45.6 M parameters)."""

from __future__ import annotations

from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import nn

from lipsync_colab.networks.audio2head.keypoints import KEYPOINTS, Keypoints
from lipsync_colab.networks.hourglass import ConvolutionBlock, Hourglass, ResidualBlock
from lipsync_colab.networks.spatial import AntiAliasDownsample, coordinate_grid, gaussian_maps, sample

BOTTLENECK_BLOCKS = 6


class StillFeatures(NamedTuple):
    """What every frame needs of the still.

    Attributes:
        features: (1, 256, 64, 64).
        small: (1, 3, 64, 64), the still at a quarter of its size.
    """

    features: torch.Tensor
    small: torch.Tensor


class DenseMotion(nn.Module):
    """Weighs the affine motions of 10 keypoints and of the background at every cell."""

    def __init__(self) -> None:
        super().__init__()
        motions = KEYPOINTS + 1
        self.hourglass = Hourglass(64, motions * 4, 5, 1024, step=(2, 2))
        self.mask = nn.Conv2d(self.hourglass.out_filters, motions, 7, padding=3)
        self.occlusion = nn.Conv2d(self.hourglass.out_filters, 1, 7, padding=3)
        self.down = AntiAliasDownsample(3)

    def forward(self, small: torch.Tensor, source: Keypoints, driving: Keypoints) -> tuple[torch.Tensor, torch.Tensor]:
        """Return the deformation (B, h, w, 2) and the occlusion (B, 1, h, w) in (0, 1).

        Args:
            small: (1 or B, 3, h, w) the still at a quarter of its size.
            source: keypoints of the still, of one or of every frame.
            driving: keypoints of the frames.
        """
        count, size = driving["value"].shape[0], small.shape[2:]
        motions = self._sparse_motions(source, driving, size)
        repeated = small[:, None].expand(count, KEYPOINTS + 1, *small.shape[1:]).flatten(0, 1)
        trial = sample(repeated, motions.flatten(0, 1)).unflatten(0, (count, -1))
        heat = gaussian_maps(driving["value"], size) - gaussian_maps(source["value"], size)
        heat = F.pad(heat, (0, 0, 0, 0, 1, 0))[:, :, None].to(trial.dtype)
        features = self.hourglass(torch.cat((heat, trial), dim=2).flatten(1, 2))
        weights = torch.softmax(self.mask(features).float(), dim=1)
        deformation = torch.einsum("bkhw,bkhwn->bhwn", weights, motions)
        return deformation, torch.sigmoid(self.occlusion(features))

    @staticmethod
    def _sparse_motions(source: Keypoints, driving: Keypoints, size: torch.Size) -> torch.Tensor:
        grid = coordinate_grid(size, driving["value"].device)
        change = source["jacobian"].float() @ torch.linalg.inv(driving["jacobian"].float())
        offset = grid - driving["value"][:, :, None, None]
        moved = torch.einsum("bkij,bkhwj->bkhwi", change, offset) + source["value"][:, :, None, None]
        return torch.cat((grid.expand(moved.shape[0], 1, *grid.shape), moved), dim=1)


class OcclusionGenerator(nn.Module):
    """Draws the head of a still with its keypoints moved."""

    def __init__(self) -> None:
        super().__init__()
        self.dense_motion_network = DenseMotion()
        self.first = ConvolutionBlock(3, 64, kernel=7)
        self.down_blocks = nn.ModuleList(ConvolutionBlock(size, 2 * size, pool=(2, 2)) for size in (64, 128))
        self.up_blocks = nn.ModuleList(ConvolutionBlock(size, size // 2, up=(2, 2)) for size in (256, 128))
        self.bottleneck = nn.Sequential()
        for index in range(BOTTLENECK_BLOCKS):
            self.bottleneck.add_module(f"r{index}", ResidualBlock(256))
        self.final = nn.Conv2d(64, 3, 7, padding=3)

    def encode(self, image: torch.Tensor) -> StillFeatures:
        """Return the features of stills (B, 3, 256, 256) in [0, 1]; one call per portrait is enough."""
        features = self.first(image)
        for block in self.down_blocks:
            features = block(features)
        return StillFeatures(features, self.dense_motion_network.down(image))

    def render(self, still: StillFeatures, source: Keypoints, driving: Keypoints) -> torch.Tensor:
        """Return frames (B, 3, 256, 256) in (0, 1).

        Args:
            still: from :meth:`encode`; a batch of one serves every frame.
            source: float32 keypoints of the still.
            driving: float32 keypoints of the frames.
        """
        deformation, occlusion = self.dense_motion_network(still.small, source, driving)
        features = still.features.expand(deformation.shape[0], -1, -1, -1)
        features = self.bottleneck(sample(features, deformation) * occlusion)
        for block in self.up_blocks:
            features = block(features)
        return torch.sigmoid(self.final(features))

    def forward(self, image: torch.Tensor, source: Keypoints, driving: Keypoints) -> torch.Tensor:
        """Return frames (B, 3, 256, 256) of stills: :meth:`encode`, then :meth:`render`."""
        return self.render(self.encode(image), source, driving)
