"""The two ways of finishing a talking portrait, on one engine's output, with the same networks and weights."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import torch

from lipsync_colab import networks
from lipsync_colab.device import peak_memory
from lipsync_colab.errors import LipSyncError
from lipsync_colab.finish.alignment import compose, face_alignment, face_mask, inverse
from lipsync_colab.finish.catalogue import RESTORERS
from lipsync_colab.finish.compose import Composer
from lipsync_colab.finish.patch_upscale import upscale_patch
from lipsync_colab.finish.resample import resize
from lipsync_colab.finish.restore import PatchRestorer, SpandrelNetwork, open_network, restore_faces, warped
from lipsync_colab.finish.upscale import NetworkUpscaler, network_upscaler
from lipsync_colab.types import Array, Image, Patch, Portrait
from lipsync_colab.weights.store import Store

DETECTOR_MEAN = (123, 117, 104)
"""Of red, green and blue, taken from S3FD's input."""
DROP = 0.10
"""How far the moving chin falls, in face heights."""
LOWER = 0.48
"""Where the moving part of a face begins, in heights of its box from the top: under the eyes."""


@dataclass(frozen=True, eq=False)
class Job:
    """What both sides work on.

    Attributes:
        portrait: the still at its own size, and its face.
        canvas: ``(w, h)`` of the finished frame.
        frames: how many.
        context: source pixels of still around a patch that is enlarged.
    """

    portrait: Portrait
    canvas: tuple[int, int]
    frames: int
    context: int


def moving_patch(portrait: Portrait, frame: int) -> Patch:
    """Return what an engine would draw in one frame: the lower face, its jaw lowered.

    Args:
        portrait: the still.
        frame: its number; the jaw swings with a period of ten frames.

    Returns:
        A patch on the still that equals it along its border.
    """
    left, top, right, bottom = moving_box(portrait)
    height, width = bottom - top, right - left
    y, x = np.mgrid[:height, :width].astype(np.float32)
    share = np.clip(1 - ((x - width / 2) / (0.45 * width)) ** 2, 0, 1) * np.sin(np.pi * y / (height - 1)) ** 2
    swing = 0.5 - 0.5 * np.cos(2 * np.pi * (frame + 2) / 10)
    fall = (DROP * (portrait.face.box[3] - portrait.face.box[1]) * swing * share).astype(np.float32)
    part = np.ascontiguousarray(portrait.image[top:bottom, left:right])
    return Patch.at(np.asarray(cv2.remap(part, x, y - fall, cv2.INTER_CUBIC), np.uint8), left, top)


def moving_box(portrait: Portrait) -> tuple[int, int, int, int]:
    """Return ``(left, top, right, bottom)`` of the part of the still that moves, in whole pixels."""
    left, top, right, bottom = portrait.face.box
    grow = 0.04 * (bottom - top)
    edges = (left, top + LOWER * (bottom - top), right, bottom + grow)
    limits = (portrait.size[0], portrait.size[1]) * 2
    moved = [int(np.clip(round(edge), 0, limit)) for edge, limit in zip(edges, limits, strict=True)]
    return moved[0], moved[1], moved[2], moved[3]


def restorer_network() -> tuple[SpandrelNetwork, bool]:
    """Return GFPGAN 1.4, and whether its weights are the released ones (they are when they are on this machine)."""
    store = Store()
    try:
        if store.inventory.find(store.manifest[RESTORERS["gfpgan"].weights]) is not None:
            return open_network("gfpgan"), True
    except LipSyncError:
        pass
    from spandrel import MAIN_REGISTRY
    from spandrel.architectures.GFPGAN import GFPGAN

    torch.manual_seed(0)
    architecture = next(support.architecture for support in MAIN_REGISTRY if support.architecture.id == "GFPGAN")
    return SpandrelNetwork(architecture.load(GFPGAN().state_dict())), False


class Clock:
    """Adds up wall and CPU seconds by the name of a stage."""

    def __init__(self) -> None:
        self.wall: dict[str, float] = {}
        self.used: dict[str, float] = {}

    def time(self, stage: str, work: Callable[..., Any], *arguments: Any) -> Any:
        """Do the work and count its time."""
        started, used = time.perf_counter(), time.process_time()
        result = work(*arguments)
        self.wall[stage] = self.wall.get(stage, 0.0) + time.perf_counter() - started
        self.used[stage] = self.used.get(stage, 0.0) + time.process_time() - used
        return result

    def per_frame(self, stages: tuple[str, ...], frames: int) -> dict[str, float]:
        """Return wall and CPU seconds of one frame, of several stages together."""
        return {
            "seconds": round(sum(self.wall.get(stage, 0.0) for stage in stages) / frames, 3),
            "cpu_seconds": round(sum(self.used.get(stage, 0.0) for stage in stages) / frames, 3),
        }


def run_recipe(job: Job) -> dict[str, Any]:
    """Finish each frame as a whole: detect, align, restore, upscale everything, paste, resize.

    Returns:
        Times by stage, peak memory, and the frames before (``upscaled``) and after (``finished``) restoration.
    """
    clock, still = Clock(), job.portrait.image
    detector = networks.build("s3fd")
    restorer, released = restorer_network()
    upscaler = network_upscaler("realesrgan-x4plus")
    composer = Composer(still)
    upscaled, finished, peaks = [], [], []
    for index in range(job.frames):
        frame = composer.frame((moving_patch(job.portrait, index),)).copy()
        clock.time("detect", _detect, detector, frame)
        # The detector's weights may be random, so its answer is timed and the landmarks' is used.
        alignment = face_alignment(job.portrait.face)
        face = warped(frame, alignment)
        restored = clock.time("restore", restore_faces, restorer, [face], 1.0)[0]
        large = clock.time("upscale", upscaler.enlarge, frame)
        pasted = clock.time("paste", _paste, large, restored, job.portrait, alignment)
        upscaled.append(resize(large, job.canvas))
        finished.append(clock.time("paste", resize, pasted, job.canvas))
        peaks.append(_peak())
    every = ("detect", "restore", "upscale", "paste")
    stages = {name: clock.per_frame((name,), job.frames) for name in every}
    return {
        "frame": clock.per_frame(every, job.frames),
        "stages": stages,
        "peak_memory_mb": peaks,
        "released": released,
        "upscaled": upscaled,
        "finished": finished,
    }


def _detect(detector: torch.nn.Module, frame: Image) -> None:
    values = frame.astype(np.float32) - np.array(DETECTOR_MEAN, np.float32)
    with torch.inference_mode():
        detector(torch.from_numpy(np.ascontiguousarray(values[..., ::-1].transpose(2, 0, 1)[None])))


def _paste(large: Image, restored: Image, portrait: Portrait, alignment: Array) -> Image:
    """Return the enlarged frame with the restored face pasted through the same soft mask as ours."""
    times = large.shape[1] / portrait.size[0]
    onto = compose(np.array([[times, 0, (times - 1) / 2], [0, times, (times - 1) / 2]]), inverse(alignment))
    size = (large.shape[1], large.shape[0])
    face = cv2.warpAffine(restored, onto, size, flags=cv2.INTER_CUBIC).astype(np.float32)
    mask = cv2.warpAffine(face_mask(portrait.face, alignment), onto, size)[..., None]
    return np.clip(np.rint(large + (face - large) * mask), 0, 255).astype(np.uint8)


def run_patches(job: Job) -> dict[str, Any]:
    """Finish the still once and only the patch in each frame, in two ways: by both networks, and by the restorer alone.

    Returns:
        Times of the still and of each way, peak memory, and each way's frames.
    """
    clock, portrait = Clock(), job.portrait
    restorer_net, _ = restorer_network()
    upscaler = network_upscaler("realesrgan-x4plus")
    canvas = resize(clock.time("still", upscaler.enlarge, portrait.image), job.canvas)
    ratio = np.array(job.canvas) / np.array(portrait.size)
    onto = np.column_stack([np.diag(ratio), (ratio - 1) / 2]).astype(np.float32)
    on_canvas = replace(portrait, image=canvas, face=portrait.face.moved(onto))
    restorer = PatchRestorer(on_canvas, restorer_net, 1.0)
    upscaled, restored, peaks = [], [], []
    composer = Composer(canvas)
    for index in range(job.frames):
        patch = moving_patch(portrait, index)
        sharp = clock.time("upscale", enlarged, patch, upscaler, job, onto)
        upscaled.append(clock.time("lay", composer.frame, (sharp,)).copy())
        clock.time("restore", restorer, sharp)
        plain = replace(patch, transform=compose(onto, patch.transform).astype(np.float32))
        face = clock.time("restore_only", restorer, plain)
        restored.append(clock.time("lay", composer.frame, (face,)).copy())
        peaks.append(_peak())
    return {
        "still": clock.per_frame(("still",), 1),
        "both": clock.per_frame(("upscale", "restore", "lay"), job.frames),
        "restore_only": clock.per_frame(("restore_only", "lay"), job.frames),
        "peak_memory_mb": peaks,
        "upscaled": upscaled,
        "restored": restored,
    }


def enlarged(patch: Patch, upscaler: NetworkUpscaler, job: Job, onto: Array) -> Patch:
    """Return a patch of the still four times as large, at its place on the canvas."""
    large = upscale_patch(patch, upscaler, upscaler.scale, job.portrait.image, job.context)
    return replace(large, transform=compose(onto, large.transform).astype(np.float32))


def _peak() -> int:
    """Peak resident memory of this process in MB; ``VmHWM`` is its own where ``getrusage`` tells its parent's too."""
    try:
        status = Path("/proc/self/status").read_text(encoding="ascii")
    except OSError:
        return round(peak_memory() / 1e6)
    line = next(line for line in status.splitlines() if line.startswith("VmHWM"))
    return round(int(line.split()[1]) * 1024 / 1e6)
