"""A network with HalloNet's methods and a few lines of arithmetic in them, in which every input is seen.

The same lines stood in the places of the release's UNets when ``tests/data/parity/hallo/loop.npz`` was made.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

PARTS = ("reference_unet", "denoising_unet", "face_locator", "imageproj", "audioproj")


class ToyHallo(nn.Module):
    """Stands in for the denoiser: shapes as in the released network, values that tell their inputs apart.

    One number under each of the release's five prefixes multiplies what that part says.
    """

    def __init__(self) -> None:
        super().__init__()
        for part in PARTS:
            self.add_module(part, nn.ParameterDict({"gain": nn.Parameter(torch.ones(1))}))

    def face_tokens(self, embedding: Tensor) -> Tensor:
        tokens = torch.tanh(embedding.reshape(-1, 4, 128).mean(2, keepdim=True) * 3 + 0.2)
        return tokens.expand(-1, -1, 8) * self.imageproj["gain"]

    def audio_tokens(self, features: Tensor) -> Tensor:
        return features.mean(dim=(2, 3))[:, :, None, :8] * 4 * self.audioproj["gain"]

    def region(self, face: Tensor) -> Tensor:
        return (face.mean(dim=1, keepdim=True)[..., ::8, ::8] * 0.5 + 0.1) * self.face_locator["gain"]

    def remember(self, latents: Tensor, face_tokens: Tensor) -> Tensor:
        weights = torch.tensor([0.5, 0.3, 0.2]).to(latents)
        seen = (latents * weights[:, None, None, None]).sum(0)
        return (seen + face_tokens.mean(dim=(1, 2))[:, None, None, None] * 0.1) * self.reference_unet["gain"]

    def predict(
        self,
        noisy: Tensor,
        step: Any,
        face_tokens: Tensor,
        audio_tokens: Tensor,
        region: Tensor,
        masks: Any,
        memory: Tensor,
        amounts: Any,
    ) -> Tensor:
        side = noisy.shape[-1]
        spoken = audio_tokens.mean(dim=(2, 3))[:, None, :, None, None]
        where = sum(amount * mask[0].reshape(side, side) for amount, mask in zip(amounts, masks, strict=True))
        coarse = sum(float(level.mean()) for mask in masks for level in mask[1:])
        who = face_tokens.mean(dim=(1, 2))[:, None, None, None, None]
        said = torch.tanh(noisy) * (0.4 + float(step) / 2500) * self.denoising_unet["gain"] + 0.3 * memory[:, :, None]
        return said + 0.5 * spoken * where + 0.2 * region + 0.1 * who + 0.01 * coarse


def inputs() -> dict[str, Any]:
    """Three pictures of 32 pixels, an embedding, a clip's sound, a box and the three regions' masks at four levels."""
    chance = np.random.default_rng(3)
    smooth = chance.uniform(0, 1, (3, 32, 32, 3))
    return {
        "pictures": np.rint(255 * (0.25 * smooth + 0.5 * smooth.mean((1, 2), keepdims=True))).astype(np.uint8),
        "face": chance.standard_normal((1, 512)).astype(np.float32),
        "heard": chance.standard_normal((16, 5, 3, 16)).astype(np.float32),
        "box": np.repeat((chance.uniform(size=(1, 32, 32)) > 0.5).astype(np.float32), 3, axis=0),
        **{
            name: tuple(chance.uniform(0, 1, side * side).astype(np.float32) for side in (4, 2, 1, 1))
            for name in ("full", "skin", "lips")
        },
    }
