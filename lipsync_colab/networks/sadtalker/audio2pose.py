"""Voice to head motion: a conditional variational decoder over chunks of 32 frames."""

from __future__ import annotations

from typing import Any

import torch
import torch.nn.functional as F
from torch import nn

from lipsync_colab.networks.blocks import audio_encoder

CHUNK = 32
"""Frames that are drawn together."""
LATENT = 64
POSE = 6
"""Three angles (radians) and three translations."""
STYLES = 46
MEL_BATCH = 256
"""Mel windows in one call of the encoder: bounds its memory for long speech."""


class PreActivation(nn.Module):
    """Norm, ReLU, convolution, twice; the shortcut is a convolution too."""

    def __init__(self, inputs: int, outputs: int, stride: int | tuple[int, int]) -> None:
        super().__init__()
        self.conv_block = nn.Sequential(
            nn.BatchNorm2d(inputs),
            nn.ReLU(),
            nn.Conv2d(inputs, outputs, 3, stride, 1),
            nn.BatchNorm2d(outputs),
            nn.ReLU(),
            nn.Conv2d(outputs, outputs, 3, padding=1),
        )
        self.conv_skip = nn.Sequential(nn.Conv2d(inputs, outputs, 3, stride, 1), nn.BatchNorm2d(outputs))

    def forward(self, features: torch.Tensor) -> torch.Tensor:
        """Return the unit's features."""
        return self.conv_block(features) + self.conv_skip(features)


class Enlarge(nn.Module):
    """Doubles the time axis."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.upsample = nn.ConvTranspose2d(channels, channels, (2, 1), (2, 1))

    def forward(self, features: torch.Tensor) -> torch.Tensor:
        """Return (B, C, 2 T, 6) of (B, C, T, 6)."""
        return self.upsample(features)


class PoseUnet(nn.Module):
    """A residual U-net over (time, coefficient): (B, 1, 32, 6) to the same, in (0, 1)."""

    def __init__(self, widths: tuple[int, int, int, int] = (32, 64, 128, 256)) -> None:
        super().__init__()
        first, second, third, last = widths
        self.input_layer = nn.Sequential(
            nn.Conv2d(1, first, 3, padding=1), nn.BatchNorm2d(first), nn.ReLU(), nn.Conv2d(first, first, 3, padding=1)
        )
        self.input_skip = nn.Sequential(nn.Conv2d(1, first, 3, padding=1))
        self.residual_conv_1 = PreActivation(first, second, (2, 1))
        self.residual_conv_2 = PreActivation(second, third, (2, 1))
        self.bridge = PreActivation(third, last, (2, 1))
        self.upsample_1 = Enlarge(last)
        self.up_residual_conv1 = PreActivation(last + third, third, 1)
        self.upsample_2 = Enlarge(third)
        self.up_residual_conv2 = PreActivation(third + second, second, 1)
        self.upsample_3 = Enlarge(second)
        self.up_residual_conv3 = PreActivation(second + first, first, 1)
        self.output_layer = nn.Sequential(nn.Conv2d(first, 1, 1), nn.Sigmoid())

    def forward(self, motion: torch.Tensor) -> torch.Tensor:
        """Return the refined motion."""
        full = self.input_layer(motion) + self.input_skip(motion)
        half = self.residual_conv_1(full)
        quarter = self.residual_conv_2(half)
        features = self.upsample_1(self.bridge(quarter))
        features = self.up_residual_conv1(torch.cat((features, quarter), 1))
        features = self.up_residual_conv2(torch.cat((self.upsample_2(features), half), 1))
        features = self.up_residual_conv3(torch.cat((self.upsample_3(features), full), 1))
        return self.output_layer(features)


class _PosteriorEncoder(nn.Module):
    """The half that only training needs; it is part of the released file and never runs here."""

    def __init__(self) -> None:
        super().__init__()
        self.resunet = PoseUnet()
        self.MLP = nn.Sequential()
        self.MLP.add_module("L0", nn.Linear(CHUNK * POSE * 2 + LATENT + POSE, 128))
        self.linear_means = nn.Linear(128, LATENT)
        self.linear_logvar = nn.Linear(128, LATENT)
        self.linear_audio = nn.Linear(512, POSE)
        self.classbias = nn.Parameter(torch.zeros(STYLES, LATENT))


class PoseDecoder(nn.Module):
    """Draws 32 frames of head motion from noise, a style, the voice and the pose of the still."""

    def __init__(self) -> None:
        super().__init__()
        self.resunet = PoseUnet()
        self.MLP = nn.Sequential()
        self.MLP.add_module("L0", nn.Linear(POSE + LATENT + CHUNK * POSE, 128))
        self.MLP.add_module("A0", nn.ReLU())
        self.MLP.add_module("L1", nn.Linear(128, CHUNK * POSE))
        self.MLP.add_module("sigmoid", nn.Sigmoid())
        self.pose_linear = nn.Linear(POSE, POSE)
        self.linear_audio = nn.Linear(512, POSE)
        self.classbias = nn.Parameter(torch.zeros(STYLES, LATENT))

    def forward(self, voice: torch.Tensor, reference: torch.Tensor, style: int, noise: torch.Tensor) -> torch.Tensor:
        """Return motion relative to the reference, (B, 32, 6).

        Args:
            voice: (B, 32, 512) audio embeddings.
            reference: (B, 6) pose of the still.
            style: 0 to 45.
            noise: (B, 64) standard normal.
        """
        count = voice.shape[0]
        heard = self.linear_audio(voice).flatten(1)
        drawn = self.MLP(torch.cat((reference, noise + self.classbias[style], heard), dim=1))
        return self.pose_linear(self.resunet(drawn.view(count, 1, CHUNK, POSE))[:, 0])


class _MotionCritic(nn.Module):
    """The discriminator of the release; training only, never runs here."""

    def __init__(self) -> None:
        super().__init__()
        self.seq = nn.ModuleList()
        for inputs, outputs, kernel in ((POSE, 256, 4), (256, 512, 4), (512, 1024, 3)):
            layer: Any = nn.Module()
            layer.conv = nn.Conv1d(inputs, outputs, kernel, bias=False)
            layer.norm = nn.BatchNorm1d(outputs)
            self.seq.append(layer)
        self.seq.append(nn.Conv1d(1024, 1, 3))


class AudioToPose(nn.Module):
    """Head motion for a whole speech."""

    def __init__(self) -> None:
        super().__init__()
        self.audio_encoder: Any = nn.Module()
        self.audio_encoder.audio_encoder = audio_encoder(residual_blocks=1)
        self.netG: Any = nn.Module()
        self.netG.encoder = _PosteriorEncoder()
        self.netG.decoder = PoseDecoder()
        self.netD_motion = _MotionCritic()

    def fold_(self) -> None:
        """Drop what only training needs."""
        del self.netG.encoder
        del self.netD_motion

    def hear(self, mel: torch.Tensor) -> torch.Tensor:
        """Return one embedding per frame, (T, 1, 80, 16) to (T, 512)."""
        return torch.cat([self.audio_encoder.audio_encoder(part).flatten(1) for part in mel.split(MEL_BATCH)])

    def forward(self, mel: torch.Tensor, reference: torch.Tensor, style: int, noise: torch.Tensor) -> torch.Tensor:
        """Return the pose of every frame, (1, T, 6); the first frame is the reference.

        The frames after the first are drawn in chunks of 32. A last chunk that is not full is drawn over the last
        32 frames, and only what is missing is taken of it; a speech shorter than a chunk repeats its first sound.

        Args:
            mel: (1, T, 1, 80, 16).
            reference: (1, 6) pose of the still.
            style: 0 to 45.
            noise: (chunks, 64), standard normal, ``chunks = ceil((T - 1) / 32)``.
        """
        return self.move(self.hear(mel[0])[1:], reference, style, noise)

    def move(self, voice: torch.Tensor, reference: torch.Tensor, style: int, noise: torch.Tensor) -> torch.Tensor:
        """Return :meth:`forward` from the embeddings of every frame but the first, (T - 1, 512)."""
        moving = len(voice)
        if moving == 0:
            return reference[:, None]
        if moving < CHUNK:
            voice = F.pad(voice.T[None], (CHUNK - moving, 0), mode="replicate")[0].T
        full, rest = divmod(moving, CHUNK)
        chunks = [voice[index * CHUNK : (index + 1) * CHUNK] for index in range(full)]
        if rest:
            chunks.append(voice[-CHUNK:])
        count = len(chunks)
        motion = self.netG.decoder(torch.stack(chunks), reference.expand(count, -1), style, noise[:count])
        parts = [motion[:full].flatten(0, 1)] + ([motion[-1, -rest:]] if rest else [])
        return torch.cat((reference, reference + torch.cat(parts)))[None]
