"""ResNet-34 and ResNet-50 trunks (He et al., CVPR 2016) with the usual key names."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import nn

from lipsync_colab.networks.folding import merge_norm

STAGE_WIDTHS = (64, 128, 256, 512)
RESNET34 = (3, 4, 6, 3)
RESNET50 = (3, 4, 6, 3)


class Unit(nn.Module):
    """One residual unit; folds its norms."""

    expansion = 1

    def __init__(self, inputs: int, outputs: int, stride: int) -> None:
        super().__init__()
        self.downsample: nn.Sequential | None = None
        if stride != 1 or inputs != outputs:
            shortcut = nn.Conv2d(inputs, outputs, 1, stride, bias=False)
            self.downsample = nn.Sequential(shortcut, nn.BatchNorm2d(outputs))

    def layers(self) -> int:
        """How many convolutions the unit has."""
        return 2

    def fold_(self) -> None:
        """Merge every norm into its convolution."""
        for index in range(1, self.layers() + 1):
            merge_norm(getattr(self, f"conv{index}"), getattr(self, f"bn{index}"))
            setattr(self, f"bn{index}", nn.Identity())
        if self.downsample is not None:
            merge_norm(self.downsample[0], self.downsample[1])
            self.downsample[1] = nn.Identity()

    def forward(self, features: torch.Tensor) -> torch.Tensor:
        """Return the unit's features."""
        shortcut = features if self.downsample is None else self.downsample(features)
        for index in range(1, self.layers() + 1):
            features = getattr(self, f"bn{index}")(getattr(self, f"conv{index}")(features))
            if index < self.layers():
                features = F.relu(features, inplace=True)
        return F.relu(features + shortcut, inplace=True)


class BasicUnit(Unit):
    """Two 3×3 convolutions (ResNet-34)."""

    def __init__(self, inputs: int, width: int, stride: int) -> None:
        super().__init__(inputs, width, stride)
        self.conv1 = nn.Conv2d(inputs, width, 3, stride, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(width)
        self.conv2 = nn.Conv2d(width, width, 3, 1, 1, bias=False)
        self.bn2 = nn.BatchNorm2d(width)


class BottleneckUnit(Unit):
    """1×1, 3×3 and 1×1 convolutions (ResNet-50)."""

    expansion = 4

    def __init__(self, inputs: int, width: int, stride: int) -> None:
        super().__init__(inputs, width * 4, stride)
        self.conv1 = nn.Conv2d(inputs, width, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(width)
        self.conv2 = nn.Conv2d(width, width, 3, stride, 1, bias=False)
        self.bn2 = nn.BatchNorm2d(width)
        self.conv3 = nn.Conv2d(width, width * 4, 1, bias=False)
        self.bn3 = nn.BatchNorm2d(width * 4)

    def layers(self) -> int:
        """How many convolutions the unit has."""
        return 3


class ResNet(nn.Module):
    """Pictures (B, channels, H, W) to pooled features (B, 512 · expansion, 1, 1), or (B, classes) with a head."""

    def __init__(
        self,
        unit: type[BasicUnit] | type[BottleneckUnit],
        depths: tuple[int, ...],
        channels: int = 3,
        classes: int | None = None,
    ) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(channels, 64, 7, 2, 3, bias=False)
        self.bn1: nn.Module = nn.BatchNorm2d(64)
        inputs = 64
        for stage, (width, depth) in enumerate(zip(STAGE_WIDTHS, depths, strict=True)):
            units: list[nn.Module] = []
            for index in range(depth):
                units.append(unit(inputs, width, 2 if stage > 0 and index == 0 else 1))
                inputs = width * unit.expansion
            setattr(self, f"layer{stage + 1}", nn.Sequential(*units))
        self.fc = None if classes is None else nn.Linear(inputs, classes)

    def fold_(self) -> None:
        """Merge the first norm."""
        merge_norm(self.conv1, self.bn1)
        self.bn1 = nn.Identity()

    def forward(self, image: torch.Tensor) -> torch.Tensor:
        """Return the features."""
        features = F.max_pool2d(F.relu(self.bn1(self.conv1(image)), inplace=True), 3, 2, 1)
        for stage in range(1, 5):
            features = getattr(self, f"layer{stage}")(features)
        features = F.adaptive_avg_pool2d(features, 1)
        return features if self.fc is None else self.fc(features.flatten(1))
