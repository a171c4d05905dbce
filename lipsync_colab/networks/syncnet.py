"""The colour SyncNet that trained Wav2Lip (its "lip-sync expert"), 16.4 M parameters."""

from __future__ import annotations

import torch
from torch import nn
from torch.nn import functional

from lipsync_colab.networks.blocks import Layer, audio_encoder, stack

FRAMES = 5
"""Frames of one window."""

FACE_LAYERS = (
    Layer(32, kernel=7, padding=3),
    Layer(64, kernel=5, stride=(1, 2)),
    Layer(64, residual=True, repeat=2),
    Layer(128, stride=2),
    Layer(128, residual=True, repeat=3),
    Layer(256, stride=2),
    Layer(256, residual=True, repeat=2),
    Layer(512, stride=2),
    Layer(512, residual=True, repeat=2),
    Layer(512, stride=2),
    Layer(512, padding=0),
    Layer(512, kernel=1, padding=0),
)
"""(15, 48, 96) to (512, 1, 1)."""


class SyncNet(nn.Module):
    """Says how well five lower faces and a mel window belong together."""

    def __init__(self) -> None:
        super().__init__()
        self.face_encoder = stack(3 * FRAMES, FACE_LAYERS)
        self.audio_encoder = audio_encoder(residual_blocks=2)

    def forward(self, mel: torch.Tensor, faces: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """Return the L2-normalised embeddings ``(audio, face)``, each (B, 512).

        Args:
            mel: (B, 1, 80, 16) in [-4, 4].
            faces: (B, 15, 48, 96) in [0, 1]: lower halves of five frames, BGR, stacked on the channels.
        """
        audio = self.audio_encoder(mel).flatten(1)
        face = self.face_encoder(faces).flatten(1)
        return functional.normalize(audio, dim=1), functional.normalize(face, dim=1)
