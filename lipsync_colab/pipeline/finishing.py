"""The still finished once, and each frame's patches finished where the plan finds it worth while."""

from __future__ import annotations

import dataclasses
import itertools
from collections.abc import Callable, Iterator

from lipsync_colab import stream
from lipsync_colab.errors import InputError
from lipsync_colab.finish.background import Outpaint, parse_background
from lipsync_colab.finish.canvas import Canvas, Matte, make_canvas
from lipsync_colab.finish.colour import SeamOffset
from lipsync_colab.types import Patch, Patches, Portrait, Progress, RenderPlan, Upscaler

Note = Callable[[str], None]
"""Told one sentence of what was done otherwise than planned."""


def finish_still(portrait: Portrait, plan: RenderPlan, progress: Progress, note: Note | None = None) -> Canvas:
    """Restore, enlarge and frame the still; this is all that a pixel that never moves costs.

    Args:
        portrait: as it was read.
        plan: which restorer and upscaler, size and background.
        progress: told of the upscaler's work.
        note: told in a sentence when something was done otherwise than planned.

    Raises:
        LipSyncError: weights are missing, their licence was not accepted, or memory is short.
    """
    settings = plan.settings
    background = parse_background(settings.background)
    matte = _matte(plan)
    outpaint: Outpaint | None = None
    if background.kind == "inpaint":
        from lipsync_colab.finish.outpaint import open_outpaint

        outpaint = open_outpaint(plan.device, settings.seed, note=note)
    upscaler: Upscaler | None = None
    if plan.restore_still != "none":
        from lipsync_colab.finish.restore import open_network
        from lipsync_colab.finish.still import restored_portrait

        network = open_network(plan.restore_still, plan.device, _share(plan, "fidelity"))
        portrait = restored_portrait(portrait, network, settings.strength)
    if plan.upscale_still != "none":
        from lipsync_colab.finish.still import StillUpscaler

        upscaler = StillUpscaler(
            plan.upscale_still,
            automatic=settings.upscale == "auto",
            device=plan.device,
            denoise=_share(plan, "denoise"),
            seed=settings.seed,
            note=note,
            progress=progress,
        )
    canvas = make_canvas(portrait, plan.size, background, upscaler, matte=matte, outpaint=outpaint)
    if settings.watermark:
        from lipsync_colab.marks.watermark import marked

        still = dataclasses.replace(canvas.portrait, image=marked(canvas.portrait.image))
        canvas = dataclasses.replace(canvas, portrait=still)
    return canvas


def _matte(plan: RenderPlan) -> Matte | None:
    """Return what cuts the person out, with ``--option matte=on``; otherwise only what lies beyond the picture is new.

    Raises:
        InputError: it is neither on nor off.
        WeightsError: the model is missing and cannot be fetched.
    """
    choice = plan.settings.option("matte", "off")
    if choice not in ("on", "off"):
        raise InputError(f"--option matte={choice}: choose on or off")
    if choice == "off":
        return None
    from lipsync_colab.finish.matte import PersonMatte

    return PersonMatte()


def _share(plan: RenderPlan, option: str) -> float:
    """Return one of the finishing networks' own options, in [0, 1]; a half by default."""
    text = plan.settings.option(option, "0.5")
    try:
        value = float(text)
    except ValueError:
        value = -1.0
    if not 0 <= value <= 1:
        raise InputError(f"--option {option}={text}: choose a number from 0 to 1")
    return value


def obtainable_upscalers() -> tuple[str, ...]:
    """Return the upscalers that ``auto`` may choose: weights on this machine, or carried by a Python package."""
    from lipsync_colab.finish.catalogue import CARRIED, UPSCALERS
    from lipsync_colab.weights.store import Store

    store = Store()
    return tuple(
        name
        for name, entry in UPSCALERS.items()
        if entry.weights in CARRIED or store.inventory.find(store.manifest[entry.weights]) is not None
    )


def colour_matched(still: Portrait, opened: Callable[[int], Iterator[Patches]], start: int = 0) -> Iterator[Patches]:
    """Yield the patches with the colour offset that the clip's first patches show at their border.

    Args:
        still: the canvas.
        opened: opens the clip's patches at a frame. A stream that starts later opens frame 0 before, and closes it
            again, so that every part of a clip gets the same offset.
        start: first frame.
    """
    offsets = _first_offsets(still, opened(0)) if start else []
    patches = opened(start)
    try:
        for frame in patches:
            if not offsets:
                offsets = [SeamOffset(still.image, patch) for patch in frame]
            yield tuple(offset(patch) for offset, patch in zip(offsets, frame, strict=True)) if frame else ()
    finally:
        stream.close(patches)


def _first_offsets(still: Portrait, patches: Iterator[Patches]) -> list[SeamOffset]:
    try:
        return [SeamOffset(still.image, patch) for patch in next((frame for frame in patches if frame), ())]
    finally:
        stream.close(patches)


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

    fidelity = _share(plan, "fidelity")
    restorer = open_restorer(plan.restore_patch, still, plan.settings.strength, device=plan.device, fidelity=fidelity)
    for frames in stream.batched(patches, plan.batch):
        flat: list[Patch] = list(itertools.chain.from_iterable(frames))
        restored = iter(restorer.restore(flat, [patch.motion for patch in flat]))
        for frame in frames:
            # A restored patch covers the face alone: hair and neck of a head that moved stay under it.
            moved = tuple(patch for patch in frame if patch.motion is not None)
            yield (*moved, *itertools.islice(restored, len(frame)))


def _enlarged(patches: Iterator[Patches], plan: RenderPlan, still: Portrait) -> Iterator[Patches]:
    from lipsync_colab.finish.patch_upscale import upscale_patch
    from lipsync_colab.finish.upscale import network_upscaler

    upscaler = network_upscaler(plan.upscale_patch, plan.device)
    try:
        for frame in patches:
            yield tuple(upscale_patch(patch, upscaler, plan.patch_scale, still.image) for patch in frame)
    finally:
        stream.close(patches)
