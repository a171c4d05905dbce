"""Encodings of a sound → what the mouth does; the network that :mod:`lipsync_colab.engines.viseme.learned` runs in
numpy."""

from __future__ import annotations

import torch
from torch import Tensor, nn

CHANNELS = 144
KERNEL = 3
DILATIONS = (1, 2, 4, 8, 16, 4, 2, 1)
FIRST_GAIN = 0.4
"""Of every block before training, so that eight of them together begin near the size of what came in."""


class Block(nn.Module):
    """A convolution along time whose result is added to what came in."""

    def __init__(self, dilation: int, channels: int) -> None:
        super().__init__()
        self.convolution = nn.Conv1d(channels, channels, KERNEL, padding=KERNEL // 2 * dilation, dilation=dilation)
        self.norm = nn.BatchNorm1d(channels)
        nn.init.constant_(self.norm.weight, FIRST_GAIN)

    def forward(self, state: Tensor) -> Tensor:
        """Return hidden states like the input's, (batch, channels, time)."""
        result: Tensor = state + torch.relu(self.norm(self.convolution(state)))
        return result

    def folded(self) -> tuple[Tensor, Tensor]:
        """Return the weight and the bias of one convolution that does what this one and its normalisation do."""
        norm, convolution = self.norm, self.convolution
        assert norm.running_var is not None and norm.running_mean is not None and convolution.bias is not None
        gain = norm.weight / torch.sqrt(norm.running_var + norm.eps)
        return convolution.weight * gain[:, None, None], (convolution.bias - norm.running_mean) * gain + norm.bias


class VisemeNetwork(nn.Module):
    """A stack of dilated convolutions that looks three quarters of a second to either side.

    Args:
        inputs: numbers of each step.
        outputs: of the mouth.
        phones: of a second head, which is used in training alone; 0 leaves it out.
        channels: of the hidden states.
    """

    def __init__(self, inputs: int, outputs: int, phones: int = 0, channels: int = CHANNELS) -> None:
        super().__init__()
        self.first = nn.Conv1d(inputs, channels, 1)
        self.blocks = nn.ModuleList(Block(dilation, channels) for dilation in DILATIONS)
        self.mouth = nn.Conv1d(channels, outputs, 1)
        nn.init.zeros_(self.mouth.weight)
        self.phones = nn.Conv1d(channels, phones, 1) if phones else None

    def hidden(self, encodings: Tensor) -> Tensor:
        """Return hidden states, (batch, channels, steps), for encodings (batch, steps, inputs)."""
        state: Tensor = self.first(encodings.transpose(1, 2))
        for block in self.blocks:
            state = block(state)
        return state

    def forward(self, encodings: Tensor) -> Tensor:
        """Return the mouth's outputs before any squashing, (batch, steps, outputs)."""
        result: Tensor = self.mouth(self.hidden(encodings)).transpose(1, 2)
        return result

    def folded(self) -> dict[str, Tensor]:
        """Return the weights of the mouth's path by name, each normalisation folded into its convolution."""
        pairs = {"first": (self.first.weight, self.first.bias), "mouth": (self.mouth.weight, self.mouth.bias)}
        for index, block in enumerate(self.blocks):
            assert isinstance(block, Block)
            pairs[f"blocks.{index}"] = block.folded()
        return {
            f"{name}.{part}": tensor.detach()
            for name, pair in pairs.items()
            for part, tensor in zip(("weight", "bias"), pair, strict=True)
            if tensor is not None
        }
