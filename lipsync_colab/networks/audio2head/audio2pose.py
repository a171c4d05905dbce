"""Voice to head pose, one frame after the other."""

from __future__ import annotations

import torch
from torch import nn

from lipsync_colab.networks.resnet import RESNET34, BasicUnit, ResNet

EMBEDDING = 256
POSE = 6
LAYERS = 2
AUDIO_BATCH = 256
"""Frames of audio features in one call of their encoder: bounds its memory for long speech."""


class _Embedding(nn.Module):
    """A ResNet-34 with a linear head, under the release's key ``resnet``."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.resnet = ResNet(BasicUnit, RESNET34, channels, EMBEDDING)

    def forward(self, image: torch.Tensor) -> torch.Tensor:
        return self.resnet(image)


class RecurrentPose(nn.Module):
    """An LSTM that hears each frame's audio and its own last output; the still gives the first."""

    def __init__(self) -> None:
        super().__init__()
        self.em_audio = _Embedding(1)
        self.em_img = _Embedding(3)
        self.lstm = nn.LSTM(2 * EMBEDDING, EMBEDDING, num_layers=LAYERS, batch_first=True)
        self.output = nn.Linear(EMBEDDING, POSE)

    def forward(self, image: torch.Tensor, audio: torch.Tensor) -> torch.Tensor:
        """Return poses (1, T + 1, 6), about [-1, 1]; the first is the still's own.

        Args:
            image: (1, 3, 256, 256) RGB in [0, 1].
            audio: (1, T, 4, 41) features.
        """
        heard = torch.cat([self.em_audio(part) for part in audio[0][:, None].split(AUDIO_BATCH)])
        current = self.em_img(image)
        state = (current.new_zeros(LAYERS, 1, EMBEDDING), current.new_zeros(LAYERS, 1, EMBEDDING))
        outputs = [current]
        for frame in heard:
            step, state = self.lstm(torch.cat((frame[None, None], outputs[-1][:, None]), dim=2), state)
            outputs.append(step[:, 0])
        return self.output(torch.stack(outputs, dim=1))
