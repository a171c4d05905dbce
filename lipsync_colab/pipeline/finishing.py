"""The still finished once, and each frame's patches finished where the plan finds it worth while."""

from __future__ import annotations

import dataclasses
import itertools
from collections.abc import Iterator

from lipsync_colab import stream
from lipsync_colab.finish.canvas import Canvas, make_canvas
from lipsync_colab.types import Patch, Patches, Portrait, Progress, RenderPlan, Upscaler


def finish_still(portrait: Portrait, plan: RenderPlan, progress: Progress) -> Canvas:
    """Restore, enlarge and frame the still; this is all that a pixel that never moves costs.

    Args:
        portrait: as it was read.
        plan: which restorer and upscaler, size and background.
        progress: told of the upscaler's work.

    Raises:
        LipSyncError: weights are missing, their licence was not accepted, or memory is short.
    """
    settings = plan.settings
    if plan.restore_still != "none":
        from lipsync_colab.finish.restore import open_network, restore_still

        network = open_network(plan.restore_still, plan.device, float(settings.option("fidelity", "0.5")))
        portrait = dataclasses.replace(portrait, image=restore_still(portrait, network, settings.strength))
    return make_canvas(portrait, plan.size, settings.background, open_upscaler(plan.upscale_still, plan, progress))


def open_upscaler(name: str, plan: RenderPlan, progress: Progress) -> Upscaler | None:
    """Return the upscaler of a plan, or None for plain Lanczos."""
    if name == "none":
        return None
    from lipsync_colab.finish.upscale import open_upscaler as open_named

    settings = plan.settings
    denoise = float(settings.option("denoise", "0.5"))
    return open_named(name, device=plan.device, denoise=denoise, seed=settings.seed, progress=progress)


def finished_patches(patches: Iterator[Patches], plan: RenderPlan, still: Portrait) -> Iterator[Patches]:
    """Yield each frame's patches restored and enlarged as the plan says; the same iterator when it says neither."""
    if plan.restore_patch != "none":
        patches = _restored(patches, plan, still)
    if plan.upscale_patch != "none":
        patches = _enlarged(patches, plan, still)
    return patches


def _restored(patches: Iterator[Patches], plan: RenderPlan, still: Portrait) -> Iterator[Patches]:
    """Restore in batches of frames: one call of the network for several faces."""
    from lipsync_colab.finish.restore import open_restorer

    fidelity = float(plan.settings.option("fidelity", "0.5"))
    restorer = open_restorer(
        plan.restore_patch, still, plan.settings.strength, device=plan.device, fidelity=fidelity
    )
    for frames in stream.batched(patches, plan.batch):
        flat: list[Patch] = list(itertools.chain.from_iterable(frames))
        restored = iter(restorer.restore(flat, [patch.motion for patch in flat]))
        for frame in frames:
            yield tuple(itertools.islice(restored, len(frame)))


def _enlarged(patches: Iterator[Patches], plan: RenderPlan, still: Portrait) -> Iterator[Patches]:
    from lipsync_colab.finish.patch_upscale import upscale_patch
    from lipsync_colab.finish.upscale import network_upscaler

    upscaler = network_upscaler(plan.upscale_patch, plan.device)
    try:
        for frame in patches:
            yield tuple(upscale_patch(patch, upscaler, plan.patch_scale, still.image) for patch in frame)
    finally:
        stream.close(patches)
