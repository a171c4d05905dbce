"""The decoder: residual blocks whose norms are modulated by the warped features (SPADE, CVPR 2019)."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import nn

from lipsync_colab.networks.folding import EnlargedConvolution

HIDDEN = 128
LABELS = 256
SLOPE = 0.2
MIDDLE_BLOCKS = 6


class SpectralConvolution(nn.Module):
    """A convolution whose weight is divided by its largest singular value, as stored by the release."""

    weight_u: torch.Tensor
    weight_v: torch.Tensor

    def __init__(self, inputs: int, outputs: int, kernel: int, bias: bool = True) -> None:
        super().__init__()
        self.padding = kernel // 2
        self.weight_orig = nn.Parameter(torch.zeros(outputs, inputs, kernel, kernel))
        self.bias = nn.Parameter(torch.zeros(outputs)) if bias else None
        self.register_buffer("weight_u", torch.zeros(outputs))
        self.register_buffer("weight_v", torch.zeros(inputs * kernel * kernel))

    def weight(self) -> torch.Tensor:
        """Return the normalised weight."""
        return self.weight_orig / torch.dot(self.weight_u, torch.mv(self.weight_orig.flatten(1), self.weight_v))

    def plain(self) -> nn.Conv2d:
        """Return the same convolution with the division carried out."""
        outputs, inputs, kernel, _ = self.weight_orig.shape
        convolution = nn.Conv2d(inputs, outputs, kernel, padding=self.padding, bias=self.bias is not None)
        convolution.weight = nn.Parameter(self.weight().detach(), requires_grad=False)
        convolution.bias = self.bias
        return convolution

    def forward(self, features: torch.Tensor) -> torch.Tensor:
        """Return the convolution, of the same height and width."""
        return F.conv2d(features, self.weight(), self.bias, padding=self.padding)


class Modulation(nn.Module):
    """Scale and offset of a normalised map, read from the warped features (the labels)."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.mlp_shared = nn.Sequential(nn.Conv2d(LABELS, HIDDEN, 3, padding=1))
        self.mlp_gamma = nn.Conv2d(HIDDEN, channels, 3, padding=1)
        self.mlp_beta = nn.Conv2d(HIDDEN, channels, 3, padding=1)
        self.enlarged: EnlargedConvolution | None = None

    def read_small_(self, factor: int) -> None:
        """Read the labels on their own grid, ``factor`` times coarser than the map."""
        self.enlarged = EnlargedConvolution(self.mlp_shared[0], factor)
        self.mlp_shared = nn.Sequential()

    def forward(self, normalised: torch.Tensor, labels: torch.Tensor) -> torch.Tensor:
        """Return the modulated map (B, channels, H, W); labels (B, 256, h, w) may be coarser."""
        if self.enlarged is not None:
            hidden = self.enlarged(labels)
        else:
            hidden = self.mlp_shared(F.interpolate(labels, size=normalised.shape[2:]))
        hidden = F.relu(hidden, inplace=True)
        return torch.addcmul(normalised + self.mlp_beta(hidden), normalised, self.mlp_gamma(hidden))


class ModulatedBlock(nn.Module):
    """Two modulated convolutions beside a shortcut, which is one too where the channels change."""

    def __init__(self, inputs: int, outputs: int, factor: int = 1) -> None:
        super().__init__()
        middle = min(inputs, outputs)
        self.factor = factor
        self.conv_0: nn.Module = SpectralConvolution(inputs, middle, 3)
        self.conv_1: nn.Module = SpectralConvolution(middle, outputs, 3)
        self.norm_0 = Modulation(inputs)
        self.norm_1 = Modulation(middle)
        self.learned = inputs != outputs
        if self.learned:
            self.conv_s: nn.Module = SpectralConvolution(inputs, outputs, 1, bias=False)
            self.norm_s = Modulation(inputs)

    def fold_(self) -> None:
        """Carry out the spectral divisions; read the labels on their own grid."""
        for name in ("0", "1", "s")[: 3 if self.learned else 2]:
            convolution = getattr(self, f"conv_{name}")
            setattr(self, f"conv_{name}", convolution.plain())
            if self.factor > 1:
                getattr(self, f"norm_{name}").read_small_(self.factor)

    def forward(self, features: torch.Tensor, labels: torch.Tensor) -> torch.Tensor:
        """Return the block's features."""
        normalised = F.instance_norm(features)
        shortcut = self.conv_s(self.norm_s(normalised, labels)) if self.learned else features
        inner = self.conv_0(F.leaky_relu(self.norm_0(normalised, labels), SLOPE, inplace=True))
        inner = self.norm_1(F.instance_norm(inner), labels)
        return shortcut + self.conv_1(F.leaky_relu(inner, SLOPE, inplace=True))


class SpadeDecoder(nn.Module):
    """Warped features to a picture four times as large: (B, 256, h, w) to (B, 3, 4 h, 4 w) in (0, 1)."""

    def __init__(self) -> None:
        super().__init__()
        self.fc = nn.Conv2d(LABELS, 512, 3, padding=1)
        for index in range(MIDDLE_BLOCKS):
            setattr(self, f"G_middle_{index}", ModulatedBlock(512, 512))
        self.up_0 = ModulatedBlock(512, 256, factor=2)
        self.up_1 = ModulatedBlock(256, 64, factor=4)
        self.conv_img = nn.Conv2d(64, 3, 3, padding=1)

    def forward(self, labels: torch.Tensor) -> torch.Tensor:
        """Return the picture."""
        features = self.fc(labels)
        for index in range(MIDDLE_BLOCKS):
            features = getattr(self, f"G_middle_{index}")(features, labels)
        features = self.up_0(F.interpolate(features, scale_factor=2), labels)
        features = self.up_1(F.interpolate(features, scale_factor=2), labels)
        return torch.sigmoid(self.conv_img(F.leaky_relu(features, SLOPE)))
