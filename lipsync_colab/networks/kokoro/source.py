"""The excitation of the vocoder: harmonics of the pitch and noise (Wang et al. 2019, neural source-filter)."""

from __future__ import annotations

import math

import torch
import torch.nn.functional as F
from torch import nn

RATE = 24_000
HARMONICS = 9
"""The pitch and eight overtones."""
LOUDNESS, NOISE = 0.1, 0.003
VOICED_HZ = 10.0
"""A pitch below this is no pitch."""


class HarmonicSource(nn.Module):
    """Pitch per frame to one excitation signal."""

    def __init__(self) -> None:
        super().__init__()
        self.l_linear = nn.Linear(HARMONICS, 1)

    def forward(self, pitch: torch.Tensor, step: int, generator: torch.Generator) -> torch.Tensor:
        """Return (1, F · step) in [-1, 1].

        Args:
            pitch: (1, F) in Hz.
            step: samples per frame.
            generator: of the noise, on the CPU, so that a seed gives the same noise on every device.
        """
        count = pitch.shape[1]
        overtones = torch.arange(1, HARMONICS + 1, device=pitch.device, dtype=pitch.dtype)
        turns = (pitch[:, None] * overtones[:, None] / RATE) % 1
        # The published program draws starting phases here, and then loses them: they lie on a sample that its
        # interpolation never reads. The draw is kept so that one seed means the same noise in both.
        torch.rand(1, HARMONICS, generator=generator)
        phase = torch.cumsum(turns, dim=2) * 2 * math.pi * step
        phase = F.interpolate(phase, scale_factor=float(step), mode="linear")
        voiced = (pitch > VOICED_HZ).to(pitch.dtype).repeat_interleave(step, dim=1)[:, None]
        drawn = torch.empty(1, HARMONICS, count * step).transpose(1, 2).normal_(generator=generator).transpose(1, 2)
        noise = (voiced * NOISE + (1 - voiced) * LOUDNESS / 3) * drawn.to(pitch)
        waves = torch.sin(phase) * LOUDNESS * voiced + noise
        return torch.tanh(self.l_linear(waves.transpose(1, 2)))[:, :, 0]
