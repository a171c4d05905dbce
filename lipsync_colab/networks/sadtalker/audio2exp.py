"""Voice to expression: one mel window to 64 expression coefficients."""

from __future__ import annotations

import torch
from torch import nn

from lipsync_colab.networks.blocks import audio_encoder

EXPRESSION = 64


class AudioToExpression(nn.Module):
    """A mel encoder, and one linear layer that also sees the still's expression and the lid closure."""

    def __init__(self) -> None:
        super().__init__()
        self.audio_encoder = audio_encoder(residual_blocks=1)
        self.mapping1 = nn.Linear(512 + EXPRESSION + 1, EXPRESSION)

    def blink_effect(self) -> torch.Tensor:
        """Return how closing the lids all the way changes the expression, (64,); the layer is linear in it."""
        return self.mapping1.weight[:, -1].float()

    def reference_effect(self) -> torch.Tensor:
        """Return how a change of the reference changes the expression, (64, 64), rows for the result."""
        return self.mapping1.weight[:, 512 : 512 + EXPRESSION].float()

    def forward(self, mel: torch.Tensor, reference: torch.Tensor, blink: torch.Tensor) -> torch.Tensor:
        """Return expression coefficients (1, T, 64).

        Args:
            mel: (T, 1, 80, 16) in [-4, 4].
            reference: (1, T, 64), the still's expression.
            blink: (1, T, 1), lid closure in [0, 1].
        """
        voice = self.audio_encoder(mel).flatten(1)
        return self.mapping1(torch.cat((voice, reference[0], blink[0]), dim=1))[None]
