"""Sparse keypoint motion to a dense deformation of the feature volume, and what it uncovers."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import nn

from lipsync_colab.networks.folding import merge_norm
from lipsync_colab.networks.hourglass import Hourglass
from lipsync_colab.networks.sadtalker.keypoints import DEPTH, KEYPOINTS
from lipsync_colab.networks.spatial import coordinate_grid, gaussian_maps, sample

COMPRESSED = 4
SMALLEST_WEIGHT = 1e-3
"""Motions with less weight are left out; the rest is not scaled up for it."""


class DenseMotion(nn.Module):
    """Weighs the motions of 15 keypoints and of the background at every cell of the volume."""

    def __init__(self) -> None:
        super().__init__()
        motions = KEYPOINTS + 1
        self.hourglass = Hourglass(32, motions * (COMPRESSED + 1), 5, 1024, step=(1, 2, 2), closing=True)
        channels = self.hourglass.out_filters
        self.mask = nn.Conv3d(channels, motions, 7, padding=3)
        self.compress = nn.Conv3d(32, COMPRESSED, 1)
        self.norm: nn.Module = nn.BatchNorm3d(COMPRESSED)
        self.occlusion = nn.Conv2d(channels * DEPTH, 1, 7, padding=3)

    def fold_(self) -> None:
        """Merge the norm of the compression."""
        merge_norm(self.compress, self.norm)
        self.norm = nn.Identity()

    def compressed(self, volume: torch.Tensor) -> torch.Tensor:
        """Return the four channels that are deformed on trial, (1, 32, d, h, w) to (1, 4, d, h, w)."""
        return F.relu(self.norm(self.compress(volume)))

    def forward(
        self, compressed: torch.Tensor, source: torch.Tensor, driving: torch.Tensor
    ) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
        """Return the weights, the deformation and the occlusion.

        Args:
            compressed: (B or 1, 4, d, h, w) from :meth:`compressed`.
            source: (B, 15, 3) keypoints of the still.
            driving: (B, 15, 3) keypoints of the frame.

        Returns:
            weights (B, 16, d, h, w), deformation (B, d, h, w, 3), occlusion (B, 1, h, w) in (0, 1).
        """
        count, size = driving.shape[0], compressed.shape[2:]
        motions = self._sparse_motions(source, driving, size)
        trial = sample(_repeated(compressed, count, KEYPOINTS + 1), motions.flatten(0, 1)).unflatten(0, (count, -1))
        heat = gaussian_maps(driving, size) - gaussian_maps(source, size)
        heat = F.pad(heat, (0, 0, 0, 0, 0, 0, 1, 0))[:, :, None].to(trial.dtype)
        features = self.hourglass(torch.cat((heat, trial), dim=2).flatten(1, 2))
        weights = torch.softmax(self.mask(features).float(), dim=1)
        kept = torch.where(weights < SMALLEST_WEIGHT, 0.0, weights)
        deformation = torch.einsum("bkdhw,bkdhwn->bdhwn", kept, motions)
        occlusion = torch.sigmoid(self.occlusion(features.flatten(1, 2)))
        return weights, deformation, occlusion

    @staticmethod
    def _sparse_motions(source: torch.Tensor, driving: torch.Tensor, size: torch.Size) -> torch.Tensor:
        grid = coordinate_grid(size, driving.device)
        shift = (source - driving).float()[:, :, None, None, None]
        return torch.cat((grid.expand(driving.shape[0], 1, *grid.shape), grid + shift), dim=1)


def _repeated(features: torch.Tensor, count: int, times: int) -> torch.Tensor:
    """Return (count · times, …): every picture of the batch ``times`` times in a row."""
    shape = features.shape[1:]
    return features[:, None].expand(count, times, *shape).reshape(count * times, *shape)
