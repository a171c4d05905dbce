"""Kokoro-82M whole: phoneme symbols and a voice's style to a sound and its durations."""

from __future__ import annotations

import torch
from torch import nn

from lipsync_colab.networks.kokoro.albert import WIDTH, Albert
from lipsync_colab.networks.kokoro.decoder import Decoder
from lipsync_colab.networks.kokoro.prosody import ProsodyPredictor, TextEncoder, spread

SYMBOLS, CHANNELS, STYLE = 178, 512, 128
PARTS = ("bert", "bert_encoder", "predictor", "text_encoder", "decoder")
"""The networks of the release, each a table of its own in the file."""


class Kokoro(nn.Module):
    """Text to speech in one pass.

    The state dict's keys are those of ``kokoro-v1_0.pth``, each behind the name of its part.
    """

    def __init__(self) -> None:
        super().__init__()
        self.bert = Albert(SYMBOLS)
        self.bert_encoder = nn.Linear(WIDTH, CHANNELS)
        self.predictor = ProsodyPredictor(CHANNELS, STYLE)
        self.text_encoder = TextEncoder(SYMBOLS, CHANNELS)
        self.decoder = Decoder(CHANNELS, STYLE)

    def forward(
        self, symbols: torch.Tensor, voice: torch.Tensor, speed: float, generator: torch.Generator
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """Speak one sentence.

        Args:
            symbols: int64 (1, T), T up to 512, with the mark 0 at both ends.
            voice: (1, 256): the sound's style, then the prosody's.
            speed: 1 is the voice's own pace.
            generator: of the noise, on the CPU.

        Returns:
            float32 (N,) samples at 24 kHz, and int64 (T,) durations in frames of 600 samples.
        """
        sound, prosody = voice[:, :STYLE], voice[:, STYLE:]
        encoded = self.predictor.text_encoder(self.bert_encoder(self.bert(symbols)), prosody)
        durations = self.predictor.durations(encoded, speed)
        pitch, energy = self.predictor.curves(spread(encoded, durations), prosody)
        spoken = spread(self.text_encoder(symbols).transpose(1, 2), durations).transpose(1, 2)
        return self.decoder(spoken, pitch, energy, sound, generator)[0], durations[0]
