"""The still, finished once: face restored, picture enlarged, landmarks moved along."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np

from lipsync_colab.errors import WeightsError
from lipsync_colab.finish.catalogue import UPSCALERS
from lipsync_colab.finish.resample import resize
from lipsync_colab.finish.restore import open_network, restore_still
from lipsync_colab.finish.steps import Steps
from lipsync_colab.finish.upscale import open_upscaler
from lipsync_colab.types import Image, Portrait, Progress, Upscaler

Note = Callable[[str], None]
"""Told one sentence of what was done otherwise than planned, and why."""


def resized_portrait(portrait: Portrait, image: Image) -> Portrait:
    """Return the portrait with the same picture in another size, its faces moved with it.

    Args:
        portrait: the picture and its faces.
        image: the same picture, larger or smaller. Pixel centres are at integers in both.
    """
    ratio = np.array([image.shape[1] / portrait.size[0], image.shape[0] / portrait.size[1]])
    transform = np.column_stack([np.diag(ratio), (ratio - 1) / 2]).astype(np.float32)
    others = tuple(face.moved(transform) for face in portrait.others)
    return replace(portrait, image=image, face=portrait.face.moved(transform), others=others)


def finish_still(
    portrait: Portrait,
    steps: Steps,
    *,
    size: tuple[int, int] | None = None,
    strength: float = 0.8,
    device: str = "cpu",
    fidelity: float = 0.5,
    denoise: float = 0.5,
    seed: int = 0,
    folder: Path | None = None,
    automatic: bool = False,
    note: Note | None = None,
    progress: Progress | None = None,
) -> Portrait:
    """Return the portrait restored and enlarged as planned.

    Args:
        portrait: as it was read.
        steps: what :func:`lipsync_colab.finish.steps.choose_steps` chose.
        size: ``(w, h)`` of the result; ``steps.still_scale`` times the picture by default.
        strength: share of the restored face.
        device: ``"cpu"`` or ``"cuda"``.
        fidelity: of CodeFormer.
        denoise: of ``realesr-general-x4v3``.
        seed: of ``sd-x4``.
        folder: where enlarged pictures are kept; our own cache by default.
        automatic: whether the upscaler was our choice: then the next best takes its place when it cannot be had.
        note: told of such a change.
        progress: told ``("restore", done, total)`` and ``("upscale", done, total)``.

    Raises:
        WeightsError: weights are missing (of an upscaler only when it was asked for by name).
        MachineError: this machine cannot run a step.
    """
    image = portrait.image
    if steps.restore_still != "none":
        network = open_network(steps.restore_still, device, fidelity)
        image = restore_still(portrait, network, strength)
        if progress is not None:
            progress("restore", 1, 1)
    size = size or (round(portrait.size[0] * steps.still_scale), round(portrait.size[1] * steps.still_scale))
    scale = max(size[0] / portrait.size[0], size[1] / portrait.size[1])
    names = _candidates(steps.upscale_still) if automatic else [steps.upscale_still]
    for name in names:
        upscaler = open_upscaler(name, device=device, denoise=denoise, seed=seed, folder=folder, progress=progress)
        try:
            return resized_portrait(portrait, _exactly(upscaler, image, scale, size))
        except WeightsError as error:
            if name == names[-1]:
                raise
            if note is not None:
                note(f"{name} cannot be had, so the next best upscaler is tried ({error})")
    raise AssertionError("the last candidate either returns or raises")


def _exactly(upscaler: Upscaler, image: Image, scale: float, size: tuple[int, int]) -> Image:
    """Return the picture at ``size``, whatever rounding the upscaler did."""
    return resize(upscaler(image, scale), size)


def _candidates(chosen: str) -> list[str]:
    """Return the chosen upscaler and the ones that may take its place, none of them slower, Lanczos last."""
    if chosen not in UPSCALERS:
        return [chosen]
    others = sorted(UPSCALERS, key=lambda name: -UPSCALERS[name].quality)
    cheaper = [name for name in others if UPSCALERS[name].flops < UPSCALERS[chosen].flops]
    return [chosen, *cheaper, "none"]
