"""Drawn heads as patches: one transform and one mask for the whole clip."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Protocol

from lipsync_colab.engines.headmotion.crop import HeadCrop
from lipsync_colab.engines.headmotion.matte import head_mask
from lipsync_colab.engines.headmotion.similarity import carried
from lipsync_colab.types import Array, Image, Patch, Patches, Portrait, RenderPlan


class HeadScene(Protocol):
    """Draws the heads of one clip."""

    def draw(self, frames: Sequence[int]) -> Image:
        """Return the heads of frames, uint8 (B, size, size, 3) RGB."""
        ...

    def motion(self, frame: int) -> Array:
        """Return how the head of a frame lies compared with the still's, float32 (2, 3), crop to crop."""
        ...


@dataclass(frozen=True, eq=False)
class HeadPatches:
    """What lays drawn heads into one still.

    Attributes:
        transform: float32 (2, 3), crop pixels to still pixels.
        mask: float32 (size, size).
    """

    transform: Array
    mask: Array

    @classmethod
    def on(cls, portrait: Portrait, crop: HeadCrop, size: int) -> HeadPatches:
        """Find where the clip's heads lie and what of them shows.

        Args:
            portrait: the finished still.
            crop: of its head.
            size: pixels of the square that the network draws.
        """
        return cls(crop.transform(size), head_mask(portrait.image, portrait.face, crop, size))

    def patch(self, drawn: Image, motion: Array) -> Patches:
        """Return the patch of one drawn head.

        Args:
            drawn: uint8 (size, size, 3) RGB.
            motion: float32 (2, 3), crop to crop: how the head lies compared with the still's.
        """
        return (Patch(drawn, self.transform, self.mask, carried(motion, self.transform)),)


def batch_size(plan: RenderPlan) -> int:
    """Return how many frames one call draws: the plan's on a GPU, one on a CPU, which a single frame keeps busy."""
    return plan.batch if plan.device == "cuda" else 1


def patch_stream(scene: HeadScene, patches: HeadPatches, frames: int, batch: int, start: int) -> Iterator[Patches]:
    """Yield the patches of frames ``start`` to ``frames - 1``.

    Batches lie on a fixed grid and are always full, so a frame does not depend on where the stream began.
    """
    for first in range(start - start % batch, frames, batch):
        numbers = [min(number, frames - 1) for number in range(first, first + batch)]
        drawn = scene.draw(numbers)
        for offset in range(max(start - first, 0), min(batch, frames - first)):
            yield patches.patch(drawn[offset], scene.motion(first + offset))
