"""Grids, keypoints and band-limited shrinking: what every keypoint-driven network shares."""

from __future__ import annotations

from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import nn

KEYPOINT_VARIANCE = 0.01
"""Of the gaussians drawn around keypoints (First Order Motion Model, NeurIPS 2019)."""
SOFTMAX_TEMPERATURE = 0.1
"""Of the heat maps (same source)."""


def coordinate_grid(size: Sequence[int], device: torch.device) -> torch.Tensor:
    """Return the coordinates of every cell, first and last at -1 and 1.

    Args:
        size: ``(h, w)`` or ``(d, h, w)``.
        device: where the grid is needed.

    Returns:
        float32 (\\*size, n) in the order x, y (, z).
    """
    axes = [2 * (torch.arange(length, dtype=torch.float32, device=device) / (length - 1)) - 1 for length in size]
    return torch.stack(torch.meshgrid(*axes, indexing="ij")[::-1], dim=-1)


def gaussian_maps(keypoints: torch.Tensor, size: Sequence[int]) -> torch.Tensor:
    """Return a gaussian around each keypoint, (B, K, n) to (B, K, \\*size) in (0, 1]."""
    spread = (...,) + (None,) * len(size) + (slice(None),)
    distance = coordinate_grid(size, keypoints.device) - keypoints[spread]
    return torch.exp(-0.5 * distance.square().sum(-1) / KEYPOINT_VARIANCE)


def heat_maps(logits: torch.Tensor) -> torch.Tensor:
    """Return (B, K, \\*size) scores as probabilities over the cells of each map."""
    return torch.softmax(logits.flatten(2).float() / SOFTMAX_TEMPERATURE, dim=2).view_as(logits)


def expected_position(heat: torch.Tensor) -> torch.Tensor:
    """Return the mean position under each heat map, (B, K, \\*size) to (B, K, n) in [-1, 1]."""
    grid = coordinate_grid(heat.shape[2:], heat.device).flatten(0, -2)
    return heat.flatten(2) @ grid


def sample(features: torch.Tensor, grid: torch.Tensor) -> torch.Tensor:
    """Read features at grid positions, in float32 whatever the features' type.

    The networks were trained with grids that run from -1 to 1 end to end, read as if -1 and 1 were the outer
    edges of the border cells. Half precision cannot hold the coordinates of a 128-cell axis well enough.

    Args:
        features: (B, C, h, w) or (B, C, d, h, w).
        grid: (B, h', w', 2) or (B, d', h', w', 3), x first.
    """
    read = F.grid_sample(features.float(), grid.float(), mode="bilinear", padding_mode="zeros", align_corners=False)
    return read.to(features.dtype)


class AntiAliasDownsample(nn.Module):
    """Shrinks pictures by a whole factor behind a gaussian: (B, C, H, W) to (B, C, H/factor, W/factor)."""

    weight: torch.Tensor

    def __init__(self, channels: int, factor: int = 4) -> None:
        super().__init__()
        self.factor = factor
        sigma = (factor - 1) / 2
        radius = round(sigma * 4)
        offsets = torch.arange(-radius, radius + 1, dtype=torch.float32)
        line = torch.exp(-offsets.square() / (2 * sigma**2))
        kernel = line[:, None] * line[None, :]
        self.radius = radius
        self.register_buffer("weight", (kernel / kernel.sum()).expand(channels, 1, -1, -1).clone())

    def forward(self, image: torch.Tensor) -> torch.Tensor:
        """Return the smaller picture; only the samples that are kept are computed."""
        weight = self.weight.to(image.dtype)
        return F.conv2d(image, weight, stride=self.factor, padding=self.radius, groups=image.shape[1])
