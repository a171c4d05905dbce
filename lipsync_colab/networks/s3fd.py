"""The S3FD face detector (Zhang et al., "S3FD: Single Shot Scale-invariant Face Detector", ICCV 2017)."""

from __future__ import annotations

import torch
from torch import nn
from torch.nn import functional

VGG = ((1, (64, 64)), (2, (128, 128)), (3, (256, 256, 256)), (4, (512, 512, 512)), (5, (512, 512, 512)))
"""Stage number and the channels of its 3x3 convolutions (VGG-16)."""

HEADS = (
    ("conv3_3_norm", 256, 4),
    ("conv4_3_norm", 512, 2),
    ("conv5_3_norm", 512, 2),
    ("fc7", 1024, 2),
    ("conv6_2", 512, 2),
    ("conv7_2", 256, 2),
)
"""Where a head sits, its channels, and its classes: on the finest level three backgrounds and a face."""

NORM_SCALES = {"conv3_3_norm": 10.0, "conv4_3_norm": 8.0, "conv5_3_norm": 5.0}


class ChannelNorm(nn.Module):
    """Scales each pixel's channel vector to a learnt length."""

    def __init__(self, channels: int, scale: float) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.full((channels,), scale))

    def forward(self, features: torch.Tensor) -> torch.Tensor:
        """Return (B, C, H, W) with each pixel's vector of length 1, times the weight."""
        length = features.square().sum(dim=1, keepdim=True).sqrt() + 1e-10
        return features / length * self.weight.view(1, -1, 1, 1)


class S3FD(nn.Module):
    """Finds faces at six scales; strides 4, 8, 16, 32, 64 and 128 pixels."""

    def __init__(self) -> None:
        super().__init__()
        channels = 3
        for stage, widths in VGG:
            for number, width in enumerate(widths, 1):
                self.add_module(f"conv{stage}_{number}", nn.Conv2d(channels, width, 3, padding=1))
                channels = width
        # The release keeps the dilation-free fc6: padding 3 widens the map by four pixels.
        self.fc6 = nn.Conv2d(512, 1024, 3, padding=3)
        self.fc7 = nn.Conv2d(1024, 1024, 1)
        self.conv6_1 = nn.Conv2d(1024, 256, 1)
        self.conv6_2 = nn.Conv2d(256, 512, 3, stride=2, padding=1)
        self.conv7_1 = nn.Conv2d(512, 128, 1)
        self.conv7_2 = nn.Conv2d(128, 256, 3, stride=2, padding=1)
        for name, width, _ in HEADS:
            if name in NORM_SCALES:
                self.add_module(name, ChannelNorm(width, NORM_SCALES[name]))
        for name, width, classes in HEADS:
            self.add_module(f"{name}_mbox_conf", nn.Conv2d(width, classes, 3, padding=1))
            self.add_module(f"{name}_mbox_loc", nn.Conv2d(width, 4, 3, padding=1))

    def _features(self, image: torch.Tensor) -> list[torch.Tensor]:
        """Return what each head looks at."""
        levels = []
        for stage, widths in VGG:
            for number in range(1, len(widths) + 1):
                image = torch.relu(self.get_submodule(f"conv{stage}_{number}")(image))
            if stage >= 3:
                levels.append(self.get_submodule(f"conv{stage}_3_norm")(image))
            image = functional.max_pool2d(image, 2)
        image = torch.relu(self.fc7(torch.relu(self.fc6(image))))
        levels.append(image)
        image = torch.relu(self.conv6_2(torch.relu(self.conv6_1(image))))
        levels.append(image)
        levels.append(torch.relu(self.conv7_2(torch.relu(self.conv7_1(image)))))
        return levels

    def forward(self, image: torch.Tensor) -> list[torch.Tensor]:
        """Return ``[class1, box1, … class6, box6]``: (B, 2, h, w) background and face, (B, 4, h, w) offsets.

        Args:
            image: (B, 3, H, W), BGR in [0, 255] minus ``[104, 117, 123]``.
        """
        results = []
        for (name, _, classes), level in zip(HEADS, self._features(image), strict=True):
            scores = self.get_submodule(f"{name}_mbox_conf")(level)
            if classes == 4:
                background = scores[:, :3].amax(dim=1, keepdim=True)
                scores = torch.cat((background, scores[:, 3:]), dim=1)
            results += [scores, self.get_submodule(f"{name}_mbox_loc")(level)]
        return results
