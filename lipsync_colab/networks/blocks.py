"""The convolution blocks of Wav2Lip and its SyncNet (key names as in the release)."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import torch
from torch import nn

from lipsync_colab.networks.folding import merge_norm

Pair = int | tuple[int, int]


@dataclass(frozen=True)
class Layer:
    """One convolution block of a network's table.

    Attributes:
        outputs: channels out; the channels in follow from the layer before.
        kernel: kernel size.
        stride: stride, ``(rows, columns)`` where they differ.
        padding: padding.
        residual: the input is added before the activation.
        upsample: a transposed convolution; with stride 2 it doubles the size exactly.
        repeat: how many such layers follow each other.
    """

    outputs: int
    kernel: int = 3
    stride: Pair = 1
    padding: int = 1
    residual: bool = False
    upsample: bool = False
    repeat: int = 1


class ConvolutionBlock(nn.Module):
    """Convolution, batch norm, optional shortcut, ReLU: (B, C, H, W) to (B, C', H', W')."""

    def __init__(self, inputs: int, layer: Layer) -> None:
        super().__init__()
        self.residual = layer.residual
        convolution: nn.Module
        if layer.upsample:
            extra = 1 if layer.stride == 2 else 0
            convolution = nn.ConvTranspose2d(inputs, layer.outputs, layer.kernel, layer.stride, layer.padding, extra)
        else:
            convolution = nn.Conv2d(inputs, layer.outputs, layer.kernel, layer.stride, layer.padding)
        self.conv_block = nn.Sequential(convolution, nn.BatchNorm2d(layer.outputs))

    def forward(self, features: torch.Tensor) -> torch.Tensor:
        """Return the block's features."""
        result = self.conv_block(features)
        if self.residual:
            result = result + features
        return torch.relu(result)

    def fold_(self) -> None:
        """Move the batch norm into the convolution, in place."""
        if len(self.conv_block) == 2:
            merge_norm(self.conv_block[0], self.conv_block[1])
            self.conv_block = nn.Sequential(self.conv_block[0])


def stack(inputs: int, layers: Iterable[Layer]) -> nn.Sequential:
    """Return the blocks of a table in order.

    Args:
        inputs: channels of the first block's input.
        layers: the table; ``repeat`` is expanded.
    """
    blocks = []
    for layer in layers:
        for _ in range(layer.repeat):
            blocks.append(ConvolutionBlock(inputs, layer))
            inputs = layer.outputs
    return nn.Sequential(*blocks)


AUDIO_LAYERS = (
    Layer(32),
    Layer(32, residual=True, repeat=2),
    Layer(64, stride=(3, 1)),
    Layer(64, residual=True, repeat=2),
    Layer(128, stride=3),
    Layer(128, residual=True, repeat=2),
    Layer(256, stride=(3, 2)),
)
"""What both audio encoders begin with: mel (80, 16) to (256, 3, 3)."""

AUDIO_HEAD = (Layer(512, padding=0), Layer(512, kernel=1, padding=0))
"""(256, 3, 3) to one embedding (512, 1, 1)."""


def audio_encoder(residual_blocks: int) -> nn.Sequential:
    """Return a mel encoder, (B, 1, 80, 16) to (B, 512, 1, 1).

    Args:
        residual_blocks: residual blocks at 256 channels: 1 in the generator, 2 in SyncNet.
    """
    return stack(1, (*AUDIO_LAYERS, Layer(256, residual=True, repeat=residual_blocks), *AUDIO_HEAD))
