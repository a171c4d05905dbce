"""What is done to the still, once, before it becomes the canvas: its face restored, its pixels multiplied."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from lipsync_colab.errors import WeightsError
from lipsync_colab.finish.catalogue import UPSCALERS
from lipsync_colab.finish.restore import FaceNetwork, restore_still
from lipsync_colab.finish.upscale import open_upscaler
from lipsync_colab.types import Image, Portrait, Progress, Upscaler

Note = Callable[[str], None]
"""Told one sentence of what was done otherwise than planned, and why."""


def restored_portrait(portrait: Portrait, network: FaceNetwork, strength: float = 0.8) -> Portrait:
    """Return the portrait with its face restored; landmarks stay where they were.

    Args:
        portrait: as it was read.
        network: what restores an aligned face, from :func:`lipsync_colab.finish.restore.open_network`.
        strength: share of the restored face, in [0, 1].
    """
    return replace(portrait, image=restore_still(portrait, network, strength))


class StillUpscaler:
    """The upscaler of the still, for the canvas; one that we chose gives way when its weights cannot be had.

    Args:
        name: what :func:`lipsync_colab.finish.steps.choose_steps` chose.
        automatic: whether it was our choice: then the next best takes its place, Lanczos last.
        device: ``"cpu"`` or ``"cuda"``.
        denoise: of ``realesr-general-x4v3``.
        seed: of ``sd-x4``.
        folder: where enlarged pictures are kept; our own cache by default.
        note: told when another upscaler takes the place.
        progress: told ``("upscale", done, total)``.

    Attributes:
        used: the upscaler that made the last picture.
    """

    def __init__(
        self,
        name: str,
        *,
        automatic: bool = False,
        device: str = "cpu",
        denoise: float = 0.5,
        seed: int = 0,
        folder: Path | None = None,
        note: Note | None = None,
        progress: Progress | None = None,
    ) -> None:
        self._names = candidates(name) if automatic else [name]
        self._device, self._denoise, self._seed = device, denoise, seed
        self._folder, self._note, self._progress = folder, note, progress
        self.used = name

    def __call__(self, image: Image, scale: float) -> Image:
        """Return the picture ``scale`` times as large.

        Raises:
            WeightsError: the weights of an upscaler that was asked for by name cannot be had.
            MachineError: not even a small tile fits in memory.
        """
        for name in self._names[:-1]:
            try:
                return self._by(name, image, scale)
            except WeightsError as error:
                if self._note is not None:
                    self._note(f"{name} cannot be had, so the next best upscaler is tried ({error})")
        return self._by(self._names[-1], image, scale)

    def _by(self, name: str, image: Image, scale: float) -> Image:
        upscaler: Upscaler = open_upscaler(
            name,
            device=self._device,
            denoise=self._denoise,
            seed=self._seed,
            folder=self._folder,
            progress=self._progress,
        )
        large = upscaler(image, scale)
        self.used = name
        return large


def candidates(chosen: str) -> list[str]:
    """Return the chosen upscaler and those that may take its place, the best first, none dearer, Lanczos last."""
    if chosen not in UPSCALERS:
        return [chosen]
    others = sorted(UPSCALERS, key=lambda name: -UPSCALERS[name].quality)
    limit = UPSCALERS[chosen].flops
    cheaper = [name for name in others if UPSCALERS[name].flops < limit and UPSCALERS[name].photographs]
    return [chosen, *cheaper, "none"]
