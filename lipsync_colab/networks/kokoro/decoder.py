"""The vocoder: from spoken features, pitch and energy to a sound (iSTFTNet; Kaneko et al. 2022, arXiv 2203.02395)."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import nn

from lipsync_colab.networks.kokoro.layers import NormedConvolution, NormedTransposed, StyledBlock, StyledNorm
from lipsync_colab.networks.kokoro.source import HarmonicSource

RATES, KERNELS = (10, 6), (20, 12)
WINDOW, HOP = 20, 5
"""Of the last, inverse short-time Fourier transform, in samples."""
CHANNELS = 512
BLOCK_KERNELS = (3, 7, 11)
DILATIONS = (1, 3, 5)
STEP = RATES[0] * RATES[1] * HOP
"""300 samples a pitch frame; a duration's frame is two of them: 25 ms at 24 kHz."""


class SnakeBlock(nn.Module):
    """Three residual pairs of dilated convolutions with styled norms and periodic activations (Ziyin et al. 2020)."""

    def __init__(self, channels: int, kernel: int, style: int) -> None:
        super().__init__()

        def convolutions(dilations: tuple[int, ...]) -> nn.ModuleList:
            return nn.ModuleList(
                NormedConvolution(channels, channels, kernel, padding=(kernel * by - by) // 2, dilation=by)
                for by in dilations
            )

        self.convs1 = convolutions(DILATIONS)
        self.convs2 = convolutions((1, 1, 1))
        self.adain1 = nn.ModuleList(StyledNorm(channels, style) for _ in DILATIONS)
        self.adain2 = nn.ModuleList(StyledNorm(channels, style) for _ in DILATIONS)
        self.alpha1 = nn.ParameterList([nn.Parameter(torch.ones(1, channels, 1)) for _ in DILATIONS])
        self.alpha2 = nn.ParameterList([nn.Parameter(torch.ones(1, channels, 1)) for _ in DILATIONS])

    def forward(self, features: torch.Tensor, style: torch.Tensor) -> torch.Tensor:
        """Return (B, channels, T)."""
        for at in range(len(DILATIONS)):
            changed = self.convs1[at](snake(self.adain1[at](features, style), self.alpha1[at]))
            changed = self.convs2[at](snake(self.adain2[at](changed, style), self.alpha2[at]))
            features = changed + features
        return features


def snake(features: torch.Tensor, alpha: torch.Tensor) -> torch.Tensor:
    """Return x + sin²(αx) / α."""
    return features + torch.sin(alpha * features) ** 2 / alpha


class Generator(nn.Module):
    """Features at the pitch's rate to a sound, with the excitation let in at every scale."""

    def __init__(self, style: int) -> None:
        super().__init__()
        halves = [CHANNELS >> (index + 1) for index in range(len(RATES))]
        self.m_source = HarmonicSource()
        self.noise_convs = nn.ModuleList(
            [
                nn.Conv1d(WINDOW + 2, halves[0], 2 * RATES[1], RATES[1], (RATES[1] + 1) // 2),
                nn.Conv1d(WINDOW + 2, halves[1], 1),
            ]
        )
        self.noise_res = nn.ModuleList([SnakeBlock(halves[0], 7, style), SnakeBlock(halves[1], 11, style)])
        self.ups = nn.ModuleList(
            NormedTransposed(2 * channels, channels, kernel, stride=rate, padding=(kernel - rate) // 2)
            for channels, kernel, rate in zip(halves, KERNELS, RATES, strict=True)
        )
        self.resblocks = nn.ModuleList(
            SnakeBlock(channels, kernel, style) for channels in halves for kernel in BLOCK_KERNELS
        )
        self.conv_post = NormedConvolution(halves[-1], WINDOW + 2, 7, padding=3)

    def forward(
        self, features: torch.Tensor, style: torch.Tensor, pitch: torch.Tensor, generator: torch.Generator
    ) -> torch.Tensor:
        """Return (1, F · 300) samples of (1, 512, F) and pitch (1, F)."""
        window = torch.hann_window(WINDOW, device=features.device)
        excitation = self.m_source(pitch, STEP, generator)
        waves = torch.stft(excitation, WINDOW, HOP, WINDOW, window=window, return_complex=True)
        source = torch.cat([waves.abs(), waves.angle()], dim=1)
        blocks = len(BLOCK_KERNELS)
        for at, enlarge in enumerate(self.ups):
            let_in = self.noise_res[at](self.noise_convs[at](source), style)
            features = enlarge(F.leaky_relu(features, 0.1))
            if at == len(self.ups) - 1:
                features = F.pad(features, (1, 0), mode="reflect")
            features = features + let_in
            parts = [block(features, style) for block in list(self.resblocks)[at * blocks : (at + 1) * blocks]]
            features = sum(parts[1:], parts[0]) / blocks
        spectrum = self.conv_post(F.leaky_relu(features))
        magnitude, turned = spectrum.split(WINDOW // 2 + 1, dim=1)
        angle = torch.sin(turned)
        whole = torch.polar(torch.exp(magnitude), angle)
        return torch.istft(whole, WINDOW, HOP, WINDOW, window=window)


class Decoder(nn.Module):
    """Styled blocks over text, pitch and energy, and the generator."""

    def __init__(self, channels: int, style: int) -> None:
        super().__init__()
        wide, beside = 1024, 64
        self.encode = StyledBlock(channels + 2, wide, style)
        self.decode = nn.ModuleList(
            StyledBlock(wide + 2 + beside, CHANNELS if last else wide, style, double=last)
            for last in (False, False, False, True)
        )
        self.F0_conv = NormedConvolution(1, 1, 3, stride=2, padding=1)
        self.N_conv = NormedConvolution(1, 1, 3, stride=2, padding=1)
        self.asr_res = nn.Sequential(NormedConvolution(channels, beside, 1))
        self.generator = Generator(style)

    def forward(
        self,
        spoken: torch.Tensor,
        pitch: torch.Tensor,
        energy: torch.Tensor,
        style: torch.Tensor,
        generator: torch.Generator,
    ) -> torch.Tensor:
        """Return (1, F · 600) samples of (1, channels, F), and (1, 2F) pitch in Hz and energy."""
        curves = [self.F0_conv(pitch[:, None]), self.N_conv(energy[:, None])]
        features = self.encode(torch.cat([spoken, *curves], dim=1), style)
        beside = self.asr_res(spoken)
        for block in self.decode:
            features = block(torch.cat([features, beside, *curves], dim=1), style)
        return self.generator(features, style, pitch, generator)
