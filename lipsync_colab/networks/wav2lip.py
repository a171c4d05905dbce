"""The Wav2Lip generator (Prajwal et al., "A Lip Sync Expert Is All You Need", ACM MM 2020), 36.3 M parameters."""

from __future__ import annotations

import torch
from torch import nn

from lipsync_colab.networks.blocks import Layer, audio_encoder, stack

FACE_SIZE = 96
MEL_SHAPE = (80, 16)


def _down(outputs: int, residuals: int) -> tuple[Layer, ...]:
    return Layer(outputs, stride=2), Layer(outputs, residual=True, repeat=residuals)


def _up(outputs: int) -> tuple[Layer, ...]:
    return Layer(outputs, stride=2, upsample=True), Layer(outputs, residual=True, repeat=2)


FACE_ENCODER = (
    (Layer(16, kernel=7, padding=3),),
    _down(32, 2),
    _down(64, 3),
    _down(128, 2),
    _down(256, 2),
    _down(512, 1),
    (Layer(512, padding=0), Layer(512, kernel=1, padding=0)),
)
"""96 to 96, 48, 24, 12, 6, 3 and 1 pixels."""

FACE_DECODER = (
    (Layer(512, kernel=1, padding=0),),
    (Layer(512, padding=0, upsample=True), Layer(512, residual=True)),
    _up(512),
    _up(384),
    _up(256),
    _up(128),
    _up(64),
)
"""1 to 1, 3, 6, 12, 24, 48 and 96 pixels; the encoder's features of that size are joined after each stage."""


class Wav2Lip(nn.Module):
    """Draws the lower half of a face so that it says what a mel window holds."""

    def __init__(self) -> None:
        super().__init__()
        self.face_encoder_blocks = nn.ModuleList()
        channels, skips = 6, []
        for layers in FACE_ENCODER:
            self.face_encoder_blocks.append(stack(channels, layers))
            channels = layers[-1].outputs
            skips.append(channels)
        self.audio_encoder = audio_encoder(residual_blocks=1)
        self.face_decoder_blocks = nn.ModuleList()
        for layers in FACE_DECODER:
            self.face_decoder_blocks.append(stack(channels, layers))
            channels = layers[-1].outputs + skips.pop()
        self.output_block = nn.Sequential(*stack(channels, [Layer(32)]), nn.Conv2d(32, 3, 1), nn.Sigmoid())

    def encode_face(self, faces: torch.Tensor) -> list[torch.Tensor]:
        """Return the features of every size, largest first.

        Args:
            faces: (B, 6, 96, 96) in [0, 1]: the crop with its lower half zero, then the reference crop; BGR.
        """
        features = []
        for block in self.face_encoder_blocks:
            faces = block(faces)
            features.append(faces)
        return features

    def encode_mel(self, mel: torch.Tensor) -> torch.Tensor:
        """Return the audio embedding (B, 512, 1, 1) of mel windows (B, 1, 80, 16)."""
        return self.audio_encoder(mel)

    def decode(self, embedding: torch.Tensor, features: list[torch.Tensor]) -> torch.Tensor:
        """Return faces (B, 3, 96, 96) in (0, 1).

        Args:
            embedding: (B, 512, 1, 1) from :meth:`encode_mel`.
            features: from :meth:`encode_face`; a batch of one serves every embedding.
        """
        batch = embedding.shape[0]
        for block, skip in zip(self.face_decoder_blocks, reversed(features), strict=True):
            embedding = torch.cat((block(embedding), skip.expand(batch, -1, -1, -1)), dim=1)
        return self.output_block(embedding)

    def forward(self, mel: torch.Tensor, faces: torch.Tensor) -> torch.Tensor:
        """Return faces (B, 3, 96, 96) in (0, 1), BGR.

        Args:
            mel: (B, 1, 80, 16) in [-4, 4]; or (B, T, 1, 80, 16).
            faces: (B, 6, 96, 96) as in :meth:`encode_face`; or (B, 6, T, 96, 96), and the result has a time
                axis in the same place.
        """
        if faces.dim() == 4:
            return self.decode(self.encode_mel(mel), self.encode_face(faces))
        count, steps = faces.shape[0], faces.shape[2]
        flat = self(mel.transpose(0, 1).flatten(0, 1), faces.permute(2, 0, 1, 3, 4).flatten(0, 1))
        return flat.unflatten(0, (steps, count)).permute(1, 2, 0, 3, 4)
