"""Pictures to latents and back: Stable Diffusion's autoencoder."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from torch import Tensor

from lipsync_colab.types import Image

SCALE = 0.18215
"""Latents are multiplied by it, so that they have about variance 1 (Rombach et al. 2022)."""
STRIDE = 8
"""Pixels for one latent."""


class Coder:
    """Stable Diffusion's autoencoder, one picture at a time.

    Args:
        network: an ``AutoencoderKL`` of diffusers in eval mode.
        device: where it is.
        dtype: of its numbers.
    """

    def __init__(self, network: Any, device: str = "cpu", dtype: str = "float32") -> None:
        self._network, self._place = network, {"device": torch.device(device), "dtype": getattr(torch, dtype)}

    def encode(self, pictures: Image) -> Tensor:
        """Return the latents' means, scaled: uint8 (N, size, size, 3) RGB to float32 (N, 4, size / 8, size / 8)."""
        values = torch.from_numpy(np.ascontiguousarray(pictures)).permute(0, 3, 1, 2).float() / 127.5 - 1
        with torch.inference_mode():
            found = [self._network.encode(value[None].to(**self._place)).latent_dist.mean for value in values]
        return torch.cat(found).float() * SCALE

    def decode(self, latents: Tensor) -> Image:
        """Return pictures of (N, 4, h, w) latents, uint8 (N, 8 h, 8 w, 3) RGB, rounded to the nearest level."""
        with torch.inference_mode():
            found = [self._levels(latent[None]) for latent in latents / SCALE]
        return np.concatenate(found)

    def _levels(self, latent: Tensor) -> Image:
        drawn = self._network.decode(latent.to(**self._place)).sample.float()
        levels = ((drawn / 2 + 0.5).clamp(0, 1) * 255).round().to(torch.uint8)
        return levels.permute(0, 2, 3, 1).contiguous().cpu().numpy()
