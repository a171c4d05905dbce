"""The SyncNet that LSE-C and LSE-D are measured with (Chung and Zisserman, "Out of Time", 2016), 13.6 M parameters."""

from __future__ import annotations

import torch
from torch import nn

EMBEDDING = 1024
CROP = 224
FRAMES = 5


def _sound() -> nn.Sequential:
    """Cepstra (1, 13, 20) to (512, 1, 1)."""
    return nn.Sequential(
        *(nn.Conv2d(1, 64, 3, padding=1), nn.BatchNorm2d(64), nn.ReLU(), nn.MaxPool2d(1, 1)),
        *(nn.Conv2d(64, 192, 3, padding=1), nn.BatchNorm2d(192), nn.ReLU(), nn.MaxPool2d(3, (1, 2))),
        *(nn.Conv2d(192, 384, 3, padding=1), nn.BatchNorm2d(384), nn.ReLU()),
        *(nn.Conv2d(384, 256, 3, padding=1), nn.BatchNorm2d(256), nn.ReLU()),
        *(nn.Conv2d(256, 256, 3, padding=1), nn.BatchNorm2d(256), nn.ReLU(), nn.MaxPool2d(3, 2)),
        *(nn.Conv2d(256, 512, (5, 4)), nn.BatchNorm2d(512), nn.ReLU()),
    )


def _picture() -> nn.Sequential:
    """Faces (3, 5, 224, 224) to (512, 1, 1, 1)."""
    return nn.Sequential(
        *(nn.Conv3d(3, 96, (5, 7, 7), (1, 2, 2)), nn.BatchNorm3d(96), nn.ReLU()),
        nn.MaxPool3d((1, 3, 3), (1, 2, 2)),
        *(nn.Conv3d(96, 256, (1, 5, 5), (1, 2, 2), (0, 1, 1)), nn.BatchNorm3d(256), nn.ReLU()),
        nn.MaxPool3d((1, 3, 3), (1, 2, 2), (0, 1, 1)),
        *(nn.Conv3d(256, 256, (1, 3, 3), padding=(0, 1, 1)), nn.BatchNorm3d(256), nn.ReLU()),
        *(nn.Conv3d(256, 256, (1, 3, 3), padding=(0, 1, 1)), nn.BatchNorm3d(256), nn.ReLU()),
        *(nn.Conv3d(256, 256, (1, 3, 3), padding=(0, 1, 1)), nn.BatchNorm3d(256), nn.ReLU()),
        nn.MaxPool3d((1, 3, 3), (1, 2, 2)),
        *(nn.Conv3d(256, 512, (1, 6, 6)), nn.BatchNorm3d(512), nn.ReLU()),
    )


def _head() -> nn.Sequential:
    return nn.Sequential(nn.Linear(512, 512), nn.BatchNorm1d(512), nn.ReLU(), nn.Linear(512, EMBEDDING))


class SyncNetV2(nn.Module):
    """Embeds a fifth of a second of sound and the five frames seen with it; near when they belong together."""

    def __init__(self) -> None:
        super().__init__()
        self.netcnnaud = _sound()
        self.netfcaud = _head()
        self.netfclip = _head()
        self.netcnnlip = _picture()

    def forward(self, cepstra: torch.Tensor, faces: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """Return the embeddings ``(audio, face)``, each (B, 1024), not normalised.

        Args:
            cepstra: (B, 1, 13, 20) from :func:`lipsync_colab.audio.mfcc.mfcc`.
            faces: (B, 3, 5, 224, 224), BGR in [0, 255].
        """
        audio = self.netfcaud(self.netcnnaud(cepstra).flatten(1))
        face = self.netfclip(self.netcnnlip(faces).flatten(1))
        return audio, face
