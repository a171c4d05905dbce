"""Band energies → what the mouth does; the network that :mod:`lipsync_colab.engines.viseme.learned` runs in numpy."""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor, nn

CHANNELS = 144
KERNEL = 3
DILATIONS = (1, 2, 4, 8, 16, 4, 2, 1)
FIRST_KERNEL, STRIDE = 6, 2
FIRST_GAIN = 0.4
"""Of every block before training, so that eight of them together begin near the size of what came in."""


class Block(nn.Module):
    """A convolution along time whose result is added to what came in."""

    def __init__(self, dilation: int, channels: int, normalised: bool) -> None:
        super().__init__()
        self.convolution = nn.Conv1d(channels, channels, KERNEL, padding=KERNEL // 2 * dilation, dilation=dilation)
        self.norm = nn.BatchNorm1d(channels) if normalised else nn.Identity()
        if isinstance(self.norm, nn.BatchNorm1d):
            nn.init.constant_(self.norm.weight, FIRST_GAIN)

    def forward(self, state: Tensor) -> Tensor:
        """Return hidden states like the input's, (batch, channels, time)."""
        result: Tensor = state + torch.relu(self.norm(self.convolution(state)))
        return result


class VisemeNetwork(nn.Module):
    """A stack of dilated convolutions that looks three quarters of a second to either side.

    Args:
        bands: of the input.
        outputs: of the mouth.
        phones: of a second head, which is used in training alone; 0 leaves it out.
        channels: of the hidden states.
        normalised: with batch normalisation; without it when it begins from weights that have it folded in.
    """

    def __init__(
        self, bands: int, outputs: int, phones: int = 0, channels: int = CHANNELS, normalised: bool = True
    ) -> None:
        super().__init__()
        self.first = nn.Conv1d(bands, channels, FIRST_KERNEL, stride=STRIDE, padding=(FIRST_KERNEL - STRIDE) // 2)
        self.blocks = nn.ModuleList(Block(dilation, channels, normalised) for dilation in DILATIONS)
        self.mouth = nn.Conv1d(channels, outputs, 1)
        nn.init.zeros_(self.mouth.weight)
        self.phones = nn.Conv1d(channels, phones, 1) if phones else None

    def hidden(self, energies: Tensor) -> Tensor:
        """Return hidden states, (batch, channels, rows / 2), for energies (batch, rows, bands)."""
        state: Tensor = self.first(energies.transpose(1, 2))
        for block in self.blocks:
            state = block(state)
        return state

    def forward(self, energies: Tensor) -> Tensor:
        """Return the mouth's outputs before any squashing, (batch, rows / 2, outputs)."""
        result: Tensor = self.mouth(self.hidden(energies)).transpose(1, 2)
        return result

    def folded(self) -> dict[str, Tensor]:
        """Return the weights of the mouth's path by name, each normalisation folded into its convolution."""
        kept: dict[str, tuple[Tensor, Tensor | None]] = {
            "first": (self.first.weight, self.first.bias),
            "mouth": (self.mouth.weight, self.mouth.bias),
        }
        for index, block in enumerate(self.blocks):
            assert isinstance(block, Block)
            norm, convolution = block.norm, block.convolution
            assert convolution.bias is not None
            if not isinstance(norm, nn.BatchNorm1d):
                kept[f"blocks.{index}"] = (convolution.weight, convolution.bias)
                continue
            assert norm.running_var is not None and norm.running_mean is not None
            gain = norm.weight / torch.sqrt(norm.running_var + norm.eps)
            bias = (convolution.bias - norm.running_mean) * gain + norm.bias
            kept[f"blocks.{index}"] = (convolution.weight * gain[:, None, None], bias)
        pairs = ((name, weight, bias) for name, (weight, bias) in kept.items())
        return {
            f"{name}.{part}": tensor.detach()
            for name, weight, bias in pairs
            for part, tensor in (("weight", weight), ("bias", bias))
            if tensor is not None
        }

    @classmethod
    def of_folded(cls, weights: Mapping[str, Tensor], phones: int = 0) -> VisemeNetwork:
        """Return a network without normalisation that computes what the weights of :meth:`folded` do.

        Args:
            weights: by name.
            phones: of a new second head, random so far; 0 leaves it out.
        """
        first, mouth = weights["first.weight"], weights["mouth.weight"]
        network = cls(first.shape[1], len(mouth), phones, channels=len(first), normalised=False)
        state = network.state_dict()
        names = {name: name.replace(".convolution", "") for name in state}
        known = {name: weights[short] for name, short in names.items() if not name.startswith("phones.")}
        network.load_state_dict(state | known)
        return network
