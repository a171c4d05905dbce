"""What the network hears: twelve layers of wav2vec 2.0, brought to 25 a second, five frames for each."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from lipsync_colab.engines.hallo.chain import CLIP
from lipsync_colab.engines.headmotion.track import NATIVE_FPS
from lipsync_colab.types import Array

RATE = 16_000
HOP = RATE // NATIVE_FPS
"""Samples of a frame."""
REACH = 2
"""Frames heard before and after each."""
PIECE = 75 * CLIP
MARGIN = 4 * CLIP
"""Frames that are heard at once (48 s), and those heard beside them that are not used: what a long voice would take of
memory grows with its square. A voice that fits into one piece is heard whole, as the release hears every one, which
stretches the features by up to half a frame at the end where the sound ends within a frame."""
BLOCK = 1 << 22
"""Samples of which the loudness is summed at once."""


class Voice:
    """The features of one voice, worked out piece by piece as they are asked for.

    Args:
        samples: float32 (N,), mono at 16 kHz.
        frames: of the video at 25 a second; what lies beyond the sound is silence.
        network: a ``Wav2Vec2Model`` of transformers, float32, in eval mode.
        device: where it is.
    """

    def __init__(self, samples: Array, frames: int, network: Any, device: str = "cpu") -> None:
        self._samples, self._network, self._device = samples, network, torch.device(device)
        heard = -(-len(samples) // HOP)
        self.clips = -(-max(frames, heard) // CLIP)
        """Clips that hold every frame; the last one ends in silence."""
        # As the release pads: whole frames after the sound, whose last frame stays as short as it is.
        self._padded = len(samples) + (self.clips * CLIP - heard) * HOP
        self._mean, self._spread = _level(samples)
        self._piece, self._features = -1, torch.empty(0)

    def clip(self, number: int) -> Tensor:
        """Return what the frames of a clip hear, float32 (16, 5, layers, channels) on the CPU.

        Args:
            number: from 0 to ``clips - 1``.
        """
        first = number * CLIP
        piece = first // PIECE
        start = max(0, piece * PIECE - MARGIN)
        if piece != self._piece:
            end = min(self.clips * CLIP, (piece + 1) * PIECE + MARGIN)
            self._piece, self._features = piece, self._hear(start, end)
        last = self.clips * CLIP - 1
        frames = np.arange(first, first + CLIP)[:, None] + np.arange(-REACH, REACH + 1)
        return self._features[torch.from_numpy(np.clip(frames, 0, last) - start)]

    def _hear(self, start: int, end: int) -> Tensor:
        """Return the layers' outputs for frames, float32 (end - start, layers, channels)."""
        whole = end == self.clips * CLIP
        sound = self._normalised(start * HOP, self._padded if whole else end * HOP)
        layers: list[Tensor] = []

        def keep(_: Any, __: Any, output: Any) -> None:
            layers.append((output[0] if isinstance(output, tuple) else output)[0].float().cpu())

        hooks = [layer.register_forward_hook(keep) for layer in self._network.encoder.layers]
        try:
            with torch.inference_mode():
                found = self._network.feature_extractor(sound[None].to(self._device))
                # The frames, not the features, set the rhythm from here on: attention runs at 25 a second.
                found = F.interpolate(found, size=end - start, align_corners=True, mode="linear")
                hidden, _ = self._network.feature_projection(found.transpose(1, 2))
                self._network.encoder(hidden)
        finally:
            for hook in hooks:
                hook.remove()
        return torch.stack(layers, dim=1)

    def _normalised(self, start: int, end: int) -> Tensor:
        """Return samples with mean 0 and variance 1 over the whole voice, and silence after it."""
        part = (np.asarray(self._samples[start:end], np.float32) - self._mean) / self._spread
        return torch.from_numpy(np.pad(part, (0, end - start - len(part))).astype(np.float32))


def _level(samples: Array) -> tuple[np.float32, np.float32]:
    """Return mean and standard deviation of a voice, summed in blocks: it may be larger than the memory."""
    total = square = 0.0
    for first in range(0, len(samples), BLOCK):
        block = np.asarray(samples[first : first + BLOCK], np.float64)
        total += block.sum()
        square += (block**2).sum()
    mean = total / max(1, len(samples))
    return np.float32(mean), np.float32(np.sqrt(max(0.0, square / max(1, len(samples)) - mean**2) + 1e-7))
