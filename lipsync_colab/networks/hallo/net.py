"""All of Hallo's networks under the keys of the released ``net.pth``."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import nn

from lipsync_colab.networks.hallo.config import RELEASED, HalloConfig

Memory = Any
Masks = Any


class HalloNet(nn.Module):
    """Draws clips of a talking portrait by denoising their latents (Xu et al., 2024, arXiv 2406.08801).

    Args:
        config: sizes; the release's by default.
    """

    def __init__(self, config: HalloConfig = RELEASED) -> None:
        super().__init__()
        self.config = config

    def face_tokens(self, embedding: torch.Tensor) -> torch.Tensor:
        """Return the tokens of a face.

        Args:
            embedding: (B, 512) of the face recogniser; zeros for the unconditional half.

        Returns:
            (B, 4, 768).
        """
        raise NotImplementedError

    def audio_tokens(self, features: torch.Tensor) -> torch.Tensor:
        """Return the tokens of each frame's sound.

        Args:
            features: (B, F, 5, 12, 768): each frame's window of five frames, the speech encoder's twelve layers.

        Returns:
            (B, F, 32, 768). The unconditional half of a guided batch is zeros *here*, not tokens of silence.
        """
        raise NotImplementedError

    def region(self, face: torch.Tensor) -> torch.Tensor:
        """Return features of where the face is, added to those of the noisy latents.

        Args:
            face: (B, 3, F, H, W) in [0, 1], white where the face is. F may be 1: the result then serves all frames.

        Returns:
            (B, 320, F, H / 8, W / 8). The unconditional half of a guided batch is zeros *here*.
        """
        raise NotImplementedError

    def remember(self, latents: torch.Tensor, face_tokens: torch.Tensor) -> Memory:
        """Return what a clip's denoising reads of the still and of the frames before the clip; once per clip.

        Args:
            latents: (N, 4, h, w), the still first, then the motion frames.
            face_tokens: (B, 4, 768), those that :meth:`predict` gets: (2, 4, 768) with the unconditional first under
                guidance, (1, 4, 768) without.
        """
        raise NotImplementedError

    def predict(
        self,
        noisy: torch.Tensor,
        step: int | torch.Tensor,
        face_tokens: torch.Tensor,
        audio_tokens: torch.Tensor,
        region: torch.Tensor,
        masks: Masks,
        memory: Memory,
        amounts: Sequence[float] = (1.0, 1.0, 1.0),
    ) -> torch.Tensor:
        """Return what the scheduler takes its step by (the release's predicts v).

        Args:
            noisy: (B, 4, F, h, w); B is 2 under guidance (unconditional first), 1 without (conditional alone).
            step: the scheduler's timestep, one for the batch.
            face_tokens: (B, 4, 768).
            audio_tokens: (B, F, 32, 768); zeros in the unconditional half.
            region: (B, 320, F or 1, h, w); zeros in the unconditional half.
            masks: (full, face, lip); each has four tensors (h w,), (h w / 4,), (h w / 16,), (h w / 64,) in [0, 1] for
                the four levels.
            memory: of :meth:`remember` with tokens of the same B.
            amounts: of the three regions' answers to the sound: pose (full mask), face, lip.

        Returns:
            (B, 4, F, h, w).
        """
        raise NotImplementedError
