"""What one denoising step of a clip is told."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import torch

FRAMES_AT_ONCE = 8
"""Frames that are computed together where frames do not meet: bounds the memory."""

Masks = Sequence[Sequence[torch.Tensor]]
"""Full, face and lip mask; each has one tensor (pixels,) in [0, 1] for each of the four levels."""


@dataclass(frozen=True)
class Place:
    """What one attention remembers of the still and of the frames before the clip.

    Attributes:
        keys: (B, h w, C), the still's.
        values: (B, h w, C), the still's.
        frames: (B, motion frames, C, h, w), normalised features.
    """

    keys: torch.Tensor
    values: torch.Tensor
    frames: torch.Tensor


Memory = dict[str, Place]
"""Places by name (``down_blocks.0.attentions.1``)."""


@dataclass(frozen=True)
class Conditions:
    """One step's conditions; features go through the denoiser as (B F, C, h, w).

    Attributes:
        frames: F.
        time: (1, 1280), the step's embedding.
        face: (B, 4, 768).
        sound: (B F, 32, 768).
        masks: see ``Masks``.
        amounts: of the answers to the sound in the full, face and lip masks.
        memory: see ``Memory``.
    """

    frames: int
    time: torch.Tensor
    face: torch.Tensor
    sound: torch.Tensor
    masks: Masks
    amounts: Sequence[float]
    memory: Memory

    def slices(self) -> Iterator[tuple[int, slice]]:
        """Yield which half of the batch and which rows of (B F, …) to compute together, in order."""
        for half in range(len(self.face)):
            first, end = half * self.frames, (half + 1) * self.frames
            for start in range(first, end, FRAMES_AT_ONCE):
                yield half, slice(start, min(start + FRAMES_AT_ONCE, end))

    def guided(self, half: int) -> bool:
        """Return whether a half of the batch is conditional: all of a batch of one, the second of two."""
        return half >= len(self.face) // 2
