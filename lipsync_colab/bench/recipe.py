"""The usual recipe (restore and upscale every whole frame) against ours (the still once, then the patch alone).

Same engine output, same networks, same weights, in one run, each side in its own process. Operations are counted on
shapes (``torch.utils.flop_counter`` on the meta device), so they are those of the real size even when the timed run is
made smaller. x4plus has its released weights; GFPGAN has them when they are on this machine and random ones
otherwise, whose arithmetic and time are the same but whose pictures mean nothing: they are then not compared.
"""

from __future__ import annotations

import multiprocessing
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from lipsync_colab.bench.likeness import decibels, structure
from lipsync_colab.bench.recipe_sides import Job, moving_box, run_patches, run_recipe
from lipsync_colab.finish.catalogue import FACE_SIZE
from lipsync_colab.finish.framing import frame_face
from lipsync_colab.finish.patch_upscale import CONTEXT
from lipsync_colab.portrait import load_portrait
from lipsync_colab.types import Image, Portrait

SIDE = 512
"""Of the square still, in pixels."""
CANVAS = 1080
FACE_SHARE = 0.4
"""Height of the face in the still."""
LENGTH = 250
"""Frames of the ten seconds over which the still's own cost is spread."""


def run(portrait: Path, side: int = SIDE, frames: int = 1, context: int = CONTEXT) -> dict[str, Any]:
    """Measure both ways.

    Args:
        portrait: a picture file with one face.
        side: of the square still that is timed; 512 is the real size and takes minutes, 256 about a quarter of them.
        frames: that each side finishes; the recipe's take a minute and more each on two cores.
        context: source pixels around the patch.

    Returns:
        ``gflop``: of one frame, counted at 512 pixels. ``recipe``, ``ours``: seconds and CPU seconds of a frame by
        stage, and peak memory after each frame. ``ratios``: recipe to ours. ``likeness``: of our frames to the
        recipe's, inside the patch and outside. ``notes``: what must be known to read them.
    """
    still = square_still(load_portrait(portrait), side)
    canvas = round(CANVAS * side / SIDE / 2) * 2
    job = Job(still, (canvas, canvas), frames, context)
    ours, recipe = _alone(run_patches, job), _alone(run_recipe, job)
    released = recipe.pop("released")
    likeness = compare(job, recipe, ours, released)
    gflop = count(square_still(load_portrait(portrait), SIDE), context)
    return {
        "gflop": {name: round(value / 1e9, 1) for name, value in gflop.items()},
        "recipe": recipe,
        "ours": ours,
        "ratios": ratios(gflop, recipe, ours),
        "likeness": likeness,
        "notes": _notes(side, frames, released),
    }


def square_still(portrait: Portrait, side: int) -> Portrait:
    """Return the portrait cropped and scaled to a square whose face is about 40 % of its height."""
    left, top, right, bottom = portrait.face.box
    length = min((bottom - top) / FACE_SHARE, *portrait.size)
    scale = side / length
    place = frame_face(portrait.size, portrait.face, (side, side))
    x = float(np.clip((left + right) / 2 - length / 2, 0, portrait.size[0] - length))
    y = float(np.clip(max(place.top, (top + bottom) / 2 - 0.55 * length), 0, portrait.size[1] - length))
    matrix = np.array([[scale, 0, scale * (0.5 - x) - 0.5], [0, scale, scale * (0.5 - y) - 0.5]], np.float32)
    flags = cv2.INTER_AREA if scale < 1 else cv2.INTER_CUBIC
    image = cv2.warpAffine(portrait.image, matrix, (side, side), flags=flags, borderMode=cv2.BORDER_REFLECT_101)
    return Portrait(np.asarray(image, np.uint8), portrait.face.moved(matrix), portrait.source)


def count(still: Portrait, context: int) -> dict[str, float]:
    """Return the floating-point operations of one frame of each way, and of the still once.

    Args:
        still: whose size and moving box decide.
        context: source pixels around the patch.
    """
    import torch
    from spandrel.architectures.GFPGAN import GFPGAN

    from lipsync_colab import networks

    left, top, right, bottom = moving_box(still)
    width, height = still.size
    with torch.device("meta"):
        upscaler, detector, restorer = networks.build("rrdbnet-x4"), networks.build("s3fd"), GFPGAN().eval()
        arguments = {"return_rgb": False, "randomize_noise": False}
        whole = _flops(upscaler, (height, width))
        patch = _flops(upscaler, (bottom - top + 2 * context, right - left + 2 * context))
        found, restored = _flops(detector, (height, width)), _flops(restorer, (FACE_SIZE, FACE_SIZE), **arguments)
    return {
        "recipe": found + restored + whole,
        "ours_both": restored + patch,
        "ours_restore_only": restored,
        "ours_still_once": whole,
    }


def _flops(network: Any, size: tuple[int, int], **arguments: Any) -> float:
    import torch
    from torch.utils.flop_counter import FlopCounterMode

    with torch.no_grad(), FlopCounterMode(display=False) as counter:
        network(torch.empty(1, 3, *size), **arguments)
    return float(counter.get_total_flops())


def ratios(gflop: dict[str, float], recipe: dict[str, Any], ours: dict[str, Any]) -> dict[str, float]:
    """Return how many times more the recipe takes of operations, of time and of CPU time, for a frame."""
    values: dict[str, float] = {}
    for name in ("both", "restore_only"):
        values[f"{name}_flops"] = gflop["recipe"] / gflop[f"ours_{name}"]
        spread = gflop[f"ours_{name}"] + gflop["ours_still_once"] / LENGTH
        values[f"{name}_flops_with_still_over_10_s"] = gflop["recipe"] / spread
        values[f"{name}_seconds"] = recipe["frame"]["seconds"] / ours[name]["seconds"]
        values[f"{name}_cpu_seconds"] = recipe["frame"]["cpu_seconds"] / ours[name]["cpu_seconds"]
    return {name: round(value, 1) for name, value in values.items()}


def compare(job: Job, recipe: dict[str, Any], ours: dict[str, Any], released: bool) -> dict[str, Any]:
    """Take the frames out of both results and return how alike they are, worst frame first."""
    pairs: dict[str, tuple[list[Image], list[Image]]] = {
        "enlarged": (recipe.pop("upscaled"), ours.pop("upscaled")),
        "restored": (recipe.pop("finished"), ours.pop("restored")),
    }
    inside = _inside(job)
    return {
        name: {
            "inside_db": round(min(decibels(a, b, inside) for a, b in zip(*both, strict=True)), 1),
            "outside_db": round(min(decibels(a, b, ~inside) for a, b in zip(*both, strict=True)), 1),
            "inside_ssim": round(min(structure(a, b, inside) for a, b in zip(*both, strict=True)), 4),
            "outside_ssim": round(min(structure(a, b, ~inside) for a, b in zip(*both, strict=True)), 4),
        }
        for name, both in pairs.items()
        if name == "enlarged" or released
    }


def _inside(job: Job) -> np.ndarray:
    scale = job.canvas[0] / job.portrait.size[0]
    left, top, right, bottom = (round(edge * scale) for edge in moving_box(job.portrait))
    inside = np.zeros((job.canvas[1], job.canvas[0]), bool)
    inside[top:bottom, left:right] = True
    return inside


def _alone(work: Callable[[Job], dict[str, Any]], job: Job) -> dict[str, Any]:
    """Run in a fresh process, so that its peak memory is its own."""
    with ProcessPoolExecutor(1, mp_context=multiprocessing.get_context("spawn")) as pool:
        return pool.submit(work, job).result()


def _notes(side: int, frames: int, released: bool) -> list[str]:
    notes = [f"timed on a {side}² still, {frames} frame(s) a side; operations counted at {SIDE}²"]
    notes.append("the detector's weights are random: its time counts, its answer is not used")
    if not released:
        notes.append("GFPGAN's weights are not on this machine: random ones, same arithmetic; pictures not compared")
    return notes


def measure(portrait: Path, seconds: float = 1.0) -> dict[str, Any]:
    """Measure at the real size; see :func:`run`.

    Args:
        portrait: a picture file.
        seconds: a frame for each second is finished, at least one.
    """
    return run(portrait, frames=max(1, round(seconds)))
