"""All of Hallo's networks under the keys of the released ``net.pth``."""

from __future__ import annotations

from collections.abc import Sequence
from typing import cast

import torch
from torch import nn

from lipsync_colab.errors import InputError
from lipsync_colab.networks.hallo.attention import Attention
from lipsync_colab.networks.hallo.conditions import Conditions, Masks, Memory, Place
from lipsync_colab.networks.hallo.config import RELEASED, HalloConfig
from lipsync_colab.networks.hallo.denoiser import Denoiser
from lipsync_colab.networks.hallo.projections import AudioTokens, FaceLocator, FaceTokens
from lipsync_colab.networks.hallo.still import look, still_unet


class HalloNet(nn.Module):
    """Draws clips of a talking portrait by denoising their latents (Xu et al., 2024, arXiv 2406.08801).

    Args:
        config: sizes; the release's by default.
    """

    def __init__(self, config: HalloConfig = RELEASED) -> None:
        super().__init__()
        self.config = config
        self.reference_unet = still_unet(config)
        self.denoising_unet = Denoiser(config)
        self.face_locator = FaceLocator(config)
        self.imageproj = FaceTokens(config)
        self.audioproj = AudioTokens(config)

    def face_tokens(self, embedding: torch.Tensor) -> torch.Tensor:
        """Return the tokens of a face.

        Args:
            embedding: (B, 512) of the face recogniser; zeros for the unconditional half.

        Returns:
            (B, 4, 768).
        """
        return self.imageproj(embedding)

    def audio_tokens(self, features: torch.Tensor) -> torch.Tensor:
        """Return the tokens of each frame's sound.

        Args:
            features: (B, F, 5, 12, 768): each frame's window of five frames, the speech encoder's twelve layers.

        Returns:
            (B, F, 32, 768). The unconditional half of a guided batch is zeros *here*, not tokens of silence.
        """
        return self.audioproj(features)

    def region(self, face: torch.Tensor) -> torch.Tensor:
        """Return features of where the face is, added to those of the noisy latents.

        Args:
            face: (B, 3, F, H, W) in [0, 1], white where the face is. F may be 1: the result then serves all frames.

        Returns:
            (B, 320, F, H / 8, W / 8). The unconditional half of a guided batch is zeros *here*.
        """
        pictures = face.transpose(1, 2)
        return self.face_locator(pictures.flatten(0, 1)).unflatten(0, pictures.shape[:2]).transpose(1, 2)

    def remember(self, latents: torch.Tensor, face_tokens: torch.Tensor) -> Memory:
        """Return what a clip's denoising reads of the still and of the frames before the clip; once per clip.

        Args:
            latents: (N, 4, h, w), the still first, then the motion frames; h and w are multiples of 8.
            face_tokens: (B, 4, 768), those that :meth:`predict` gets: (2, 4, 768) with the unconditional first under
                guidance, (1, 4, 768) without.
        """
        batch, count = len(face_tokens), len(latents)
        # The release repeats the pictures and the tokens side by side, so that row i is of tokens i % B: the first
        # frame before a clip meets the other half's.
        seen = look(self.reference_unet, latents.repeat(batch, 1, 1, 1), face_tokens.repeat(count, 1, 1))
        return {
            name: self._place(name, features.unflatten(0, (batch, count)), latents.shape[2:])
            for name, features in seen.items()
        }

    def _place(self, name: str, features: torch.Tensor, size: torch.Size) -> Place:
        """Return one attention's memory of features (B, N, pixels, C), the still first."""
        attention = cast(Attention, self.denoising_unet.get_submodule(f"{name}.transformer_blocks.0.attn1"))
        still, frames = features[:, 0], features[:, 1:].transpose(2, 3)
        shrunk = round((size.numel() / still.shape[1]) ** 0.5)
        frames = frames.unflatten(3, (size[0] // shrunk, size[1] // shrunk))
        # Keys and values of the still serve every frame and step of the clip.
        return Place(attention.to_k(still), attention.to_v(still), frames)

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

        Raises:
            InputError: the clip and the frames before it are more than the positions in time.
        """
        batch, _, frames, _, _ = noisy.shape
        before = next(iter(memory.values())).frames.shape[1]
        if before + frames > self.config.positions:
            raise InputError(
                f"a clip of {frames} frames after {before} is too long: {self.config.positions} in all at most"
            )
        conditions = Conditions(
            frames=frames,
            time=self.denoising_unet.time(torch.as_tensor(step, device=noisy.device).reshape(1)),
            face=face_tokens,
            sound=audio_tokens.flatten(0, 1),
            masks=masks,
            amounts=amounts,
            memory=memory,
        )
        region = region.expand(-1, -1, frames, -1, -1)
        rows, features = (part.transpose(1, 2).flatten(0, 1) for part in (noisy, region))
        return self.denoising_unet(rows, features, conditions).unflatten(0, (batch, frames)).transpose(1, 2)
