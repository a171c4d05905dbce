"""Voice, drawn head pose and still to the keypoints of 64 frames at once."""

from __future__ import annotations

import itertools
from typing import Any

import torch
import torch.nn.functional as F
from torch import nn

from lipsync_colab.networks.audio2head.keypoints import KEYPOINTS, Keypoints, read_keypoints
from lipsync_colab.networks.folding import merge_norm
from lipsync_colab.networks.hourglass import ResidualBlock, average_pool, widths
from lipsync_colab.networks.spatial import AntiAliasDownsample

FRAMES = 64
"""Frames in one window."""
CHANNELS = 6
"""Two of sound, three of the still, one of the drawn pose."""
BASE, LIMIT, BLOCKS = 32, 512, 5
STEP = (2, 2, 2)


class _Shrink(nn.Module):
    """Residual block, norm, convolution, norm, pool over time and space."""

    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__()
        self.res = ResidualBlock(inputs, 3)
        self.norm_res = nn.BatchNorm3d(inputs)
        self.conv = nn.Conv3d(inputs, outputs, 3, padding=1)
        self.norm: nn.Module = nn.BatchNorm3d(outputs)

    def fold_(self) -> None:
        merge_norm(self.conv, self.norm)
        self.norm = nn.Identity()

    def forward(self, features: torch.Tensor) -> torch.Tensor:
        features = F.relu(self.norm_res(self.res(features)), inplace=True)
        return average_pool(F.relu(self.norm(self.conv(features)), inplace=True), STEP)


class _Grow(nn.Module):
    """Nearest enlargement over time and space, convolution, norm, residual block, norm."""

    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__()
        self.conv = nn.Conv3d(inputs, outputs, 3, padding=1)
        self.norm: nn.Module = nn.BatchNorm3d(outputs)
        self.res = ResidualBlock(outputs, 3)
        self.norm2 = nn.BatchNorm3d(outputs)

    def fold_(self) -> None:
        merge_norm(self.conv, self.norm)
        self.norm = nn.Identity()

    def forward(self, features: torch.Tensor) -> torch.Tensor:
        features = F.interpolate(features, scale_factor=2)
        features = F.relu(self.norm(self.conv(features)), inplace=True)
        return F.relu(self.norm2(self.res(features)), inplace=True)


class TimeHourglass(nn.Module):
    """Five halvings of time and space and back, with residual blocks on the skips."""

    def __init__(self) -> None:
        super().__init__()
        sizes = widths(BASE, LIMIT, BLOCKS)
        inputs = [CHANNELS, *sizes[1:]]
        self.encoder: Any = nn.Module()
        self.decoder: Any = nn.Module()
        self.encoder.down_blocks = nn.ModuleList(_Shrink(before, after) for before, after in itertools.pairwise(inputs))
        self.decoder.up_blocks = nn.ModuleList()
        self.decoder.res_blocks = nn.ModuleList()
        for index in reversed(range(BLOCKS)):
            joined = sizes[index + 1] * (1 if index == BLOCKS - 1 else 2)
            self.decoder.up_blocks.append(_Grow(joined, sizes[index]))
            skip = inputs[index]
            self.decoder.res_blocks.append(nn.Sequential(ResidualBlock(skip, 3), nn.BatchNorm3d(skip), nn.ReLU()))
        self.out_filters = BASE + CHANNELS

    def forward(self, features: torch.Tensor) -> torch.Tensor:
        """Return (B, 38, 64, 64, 64) of (B, 6, 64, 64, 64)."""
        levels = [features]
        for block in self.encoder.down_blocks:
            levels.append(block(levels[-1]))
        features = levels.pop()
        for grow, skip in zip(self.decoder.up_blocks, self.decoder.res_blocks, strict=True):
            features = torch.cat((grow(features), skip(levels.pop())), dim=1)
        return features


class AudioToKeypoints(nn.Module):
    """Draws the keypoints of a window of 64 frames."""

    def __init__(self) -> None:
        super().__init__()
        self.down_id = AntiAliasDownsample(3)
        self.down_pose = AntiAliasDownsample(FRAMES)
        self.embedding = nn.Sequential(
            nn.ConvTranspose2d(1, 8, (29, 14), padding=(0, 11)),
            nn.BatchNorm2d(8),
            nn.ReLU(),
            nn.Conv2d(8, 2, 13, padding=6),
        )
        self.predictor = TimeHourglass()
        self.kp = nn.Conv3d(self.predictor.out_filters, KEYPOINTS, 7, padding=(3, 0, 0))
        self.jacobian = nn.Conv2d(self.predictor.out_filters, 4 * KEYPOINTS, 7)

    def forward(self, audio: torch.Tensor, pose: torch.Tensor, image: torch.Tensor) -> Keypoints:
        """Return ``value`` (1, 64, 10, 2) and ``jacobian`` (1, 64, 10, 2, 2).

        Args:
            audio: (1, 64, 4, 41) features.
            pose: (1, 64, 256, 256), the pose's wire box, lines at 255 on 0.
            image: (1, 3, 256, 256) RGB in [0, 1].
        """
        sound = F.interpolate(self.embedding(audio[0][:, None]), scale_factor=2).transpose(0, 1)[None]
        still = self.down_id(image)[:, :, None].expand(-1, -1, FRAMES, -1, -1)
        features = self.predictor(torch.cat((sound, still, self.down_pose(pose)[:, None]), dim=1))
        scores = self.kp(features)[0].transpose(0, 1)
        found = read_keypoints(scores, self.jacobian(features[0].transpose(0, 1)))
        return {name: value[None] for name, value in found.items()}
