"""Picture to 3D morphable model coefficients (Deep3DFaceRecon): a ResNet-50 with seven heads."""

from __future__ import annotations

import torch
from torch import nn

from lipsync_colab.networks.resnet import RESNET50, BottleneckUnit, ResNet

HEADS = (80, 64, 80, 3, 27, 2, 1)
"""Identity, expression, texture, angles (radians), lighting, translation x and y, translation z."""
EXPRESSION_SLICE = slice(80, 144)
ANGLE_SLICE = slice(224, 227)
TRANSLATION_SLICE = slice(254, 257)


class FaceReconstruction(nn.Module):
    """A face crop to its 257 coefficients."""

    def __init__(self) -> None:
        super().__init__()
        self.backbone = ResNet(BottleneckUnit, RESNET50)
        self.final_layers = nn.ModuleList(nn.Conv2d(2048, width, 1) for width in HEADS)

    def forward(self, image: torch.Tensor) -> torch.Tensor:
        """Return coefficients (B, 257) of crops (B, 3, 224, 224), RGB in [0, 1]."""
        features = self.backbone(image)
        return torch.cat([layer(features) for layer in self.final_layers], dim=1).flatten(1)
