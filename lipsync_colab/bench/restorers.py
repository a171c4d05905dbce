"""Restorers and super-resolution on one portrait: its face is shrunk by a known factor and brought back by each.

What comes back is held against the face as it was. Each network runs in a process of its own, so that its peak memory
is its own. Only released, checked weights are run; what is not on this machine is listed with what fetches it.
"""

from __future__ import annotations

import multiprocessing
import time
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from lipsync_colab.bench.likeness import decibels, structure
from lipsync_colab.device import inspect_machine, program_peak, release_device_peak
from lipsync_colab.errors import InputError, LipSyncError
from lipsync_colab.finish.catalogue import RESTORERS, UPSCALERS
from lipsync_colab.finish.resample import resize
from lipsync_colab.pipeline.needed_packages import install_command, lacking_packages
from lipsync_colab.portrait import load_portrait
from lipsync_colab.portrait.landmarks import FaceTracker
from lipsync_colab.types import Face, Image, Portrait
from lipsync_colab.weights.store import Store

PLAIN = "lanczos"
"""Interpolation alone: what every network has to beat."""
NAMES = (PLAIN, "realesrgan-x4plus", "gfpgan", "restoreformer", "codeformer")
SURROUNDINGS = 1.6
"""Side of the square that is cut out, in heights of the face."""
LONGEST = 1024
"""Pixels: a larger face is shrunk first, since every network here was trained on smaller ones."""
FACTORS = (2, 4, 8)


@dataclass(frozen=True, eq=False)
class Task:
    """What every network gets.

    Attributes:
        truth: the cut-out face as it was, with its landmarks.
        small: the same, shrunk by area.
        factor: how many times.
        device: ``"cpu"`` or ``"cuda"``.
    """

    truth: Portrait
    small: Image
    factor: int
    device: str


@dataclass(frozen=True, eq=False)
class Run:
    """What one network gave.

    Attributes:
        name: of the network.
        picture: uint8, as large as the truth.
        figures: ``psnr_db``, ``ssim`` (both on the face), ``landmark_shift`` (mean, in per cent of the distance
            between the eyes), ``sharpness`` (the Laplacian's variance, 1 is the truth's), ``seconds``,
            ``memory_mb`` (peak of its process) and ``device_memory_mb``.
    """

    name: str
    picture: Image
    figures: dict[str, float]


@dataclass(frozen=True)
class Absent:
    """A network that was not run.

    Attributes:
        name: of the network.
        reason: in a few words.
        remedy: the shell line that brings it.
    """

    name: str
    reason: str
    remedy: str


@dataclass(frozen=True, eq=False)
class Comparison:
    """One portrait through every network that is here.

    Attributes:
        task: the truth and what it was made from.
        runs: in the order of their names.
        absent: what was not run, and why.
    """

    task: Task
    runs: tuple[Run, ...]
    absent: tuple[Absent, ...]


def compare_restorers(
    portrait: Path, factor: int = 4, names: Sequence[str] = NAMES, device: str = "auto"
) -> Comparison:
    """Shrink a portrait's face and bring it back by each network that is on this machine.

    Args:
        portrait: a picture file with a face.
        factor: 2, 4 or 8.
        names: of :data:`NAMES`, or other upscalers and restorers.
        device: ``"auto"``, ``"cpu"`` or ``"cuda"``.

    Raises:
        InputError: no such factor or name, or no face.
        MachineError: the device is not there.
    """
    unknown = [name for name in names if name not in {PLAIN, *UPSCALERS, *RESTORERS}]
    if unknown:
        raise InputError(f"no restorer is called {unknown[0]!r}; there are {', '.join([*UPSCALERS, *RESTORERS])}")
    task = make_task(load_portrait(portrait), factor, inspect_machine(device).device)
    absent = {entry.name: entry for entry in map(absence, names) if entry is not None}
    runs: list[Run] = []
    for name in names:
        if name in absent:
            continue
        try:
            runs.append(_alone(name, task))
        except LipSyncError as error:
            absent[name] = Absent(name, str(error), remedy(name))
    return Comparison(task, tuple(runs), tuple(absent.values()))


def make_task(portrait: Portrait, factor: int, device: str = "cpu") -> Task:
    """Cut a square round the face and shrink it by a factor.

    Raises:
        InputError: no such factor, or the face is too small to be shrunk.
    """
    if factor not in FACTORS:
        raise InputError(f"a factor of {factor} is not measured: choose one of {', '.join(map(str, FACTORS))}")
    left, top, right, bottom = portrait.face.box
    side = round(SURROUNDINGS * (bottom - top))
    x, y = (round((low + high - side) / 2) for low, high in ((left, right), (top, bottom)))
    x0, y0 = max(0, x), max(0, y)
    x1, y1 = min(portrait.size[0], x + side), min(portrait.size[1], y + side)
    image = portrait.image[y0:y1, x0:x1]
    ratio = min(1.0, LONGEST / max(image.shape[:2]))
    width, height = (max(1, int(length * ratio) // factor) * factor for length in (x1 - x0, y1 - y0))
    across, down = width / (x1 - x0), height / (y1 - y0)
    onto = [[across, 0, (0.5 - x0) * across - 0.5], [0, down, (0.5 - y0) * down - 0.5]]
    face = portrait.face.moved(np.array(onto, np.float32))
    if face.eye_distance < 4 * factor:
        raise InputError(f"the face is too small to be shrunk {factor} times: give a larger picture, or factor 2")
    truth = Portrait(resize(np.ascontiguousarray(image), (width, height)), face, portrait.source)
    small = cv2.resize(truth.image, (width // factor, height // factor), interpolation=cv2.INTER_AREA)
    return Task(truth, np.asarray(small, np.uint8), factor, device)


def absence(name: str) -> Absent | None:
    """Return why a network cannot be run on this machine; None when it can."""
    if name == PLAIN:
        return None
    lacking = lacking_packages(name)
    if lacking:
        return Absent(name, f"{', '.join(lacking)} not installed", remedy(name))
    from lipsync_colab.finish.checkpoint import CARRIED

    store, weights = Store(), _weights_of(name)
    row = store.manifest[weights]
    if store.acceptances.missing([row]):
        return Absent(name, "its terms are not accepted", remedy(name))
    if weights not in CARRIED and store.inventory.find(row) is None:
        return Absent(name, "its weights are not on this machine", remedy(name))
    return None


def remedy(name: str) -> str:
    """Return the shell line that brings a network to this machine."""
    command, weights = install_command(name), _weights_of(name)
    words = [command] if command else []
    if Store().manifest[weights].needs_acceptance:
        words.append(f"lipsync-colab weights accept {weights}")
    return " && ".join([*words, f"lipsync-colab weights fetch {weights}"])


def _weights_of(name: str) -> str:
    return UPSCALERS[name].weights if name in UPSCALERS else RESTORERS[name].weights


def _alone(name: str, task: Task) -> Run:
    """Run in a fresh process; on a GPU too, where a network that was left would still hold memory."""
    with ProcessPoolExecutor(1, mp_context=multiprocessing.get_context("spawn")) as pool:
        return pool.submit(run_one, name, task).result()


def run_one(name: str, task: Task) -> Run:
    """Bring the small face back by one network, and measure.

    Raises:
        LipSyncError: the network cannot be loaded or does not fit.
    """
    enlarge = _opened(name, task)
    release_device_peak()
    started = time.perf_counter()
    picture = enlarge()
    seconds = time.perf_counter() - started
    figures = {
        **fidelity(task, picture),
        "seconds": round(seconds, 3),
        "memory_mb": round(program_peak() / 1e6),
        "device_memory_mb": round(release_device_peak() / 1e6),
    }
    return Run(name, picture, figures)


def _opened(name: str, task: Task) -> Any:
    """Load a network; what it returns does the work that is timed."""
    size = task.truth.size
    if name == PLAIN:
        return lambda: resize(task.small, size)
    if name in UPSCALERS:
        from lipsync_colab.finish.upscale import network_upscaler

        upscaler = network_upscaler(name, task.device)
        return lambda: resize(upscaler.enlarge(task.small), size)
    from lipsync_colab.finish.restore import open_network, restore_still

    network = open_network(name, task.device)
    # The landmarks of the truth align the face for every restorer alike: a detector's luck is not measured.
    return lambda: restore_still(replace(task.truth, image=resize(task.small, size)), network, 1.0)


def fidelity(task: Task, picture: Image) -> dict[str, float]:
    """Return how near a picture is to the truth, on the face alone."""
    inside = face_area(task.truth)
    found = landmark_shift(task.truth.face, picture)
    return {
        "psnr_db": round(decibels(task.truth.image, picture, inside), 2),
        "ssim": round(structure(task.truth.image, picture, inside), 4),
        "landmark_shift": round(found, 2),
        "sharpness": round(sharpness(picture, inside) / sharpness(task.truth.image, inside), 3),
    }


def face_area(portrait: Portrait) -> np.ndarray:
    """Return the hull of the face's landmarks, bool (H, W)."""
    area = np.zeros(portrait.image.shape[:2], np.uint8)
    cv2.fillConvexPoly(area, cv2.convexHull(np.round(portrait.face.landmarks[:468]).astype(np.int32)), 1)
    return area > 0


def landmark_shift(face: Face, picture: Image) -> float:
    """Return the landmarks' mean distance in per cent of the distance between the eyes; NaN where no face is found."""
    with FaceTracker() as tracker:
        found = tracker.detect(picture, near=face)
    if not found:
        return float("nan")
    apart = np.linalg.norm(found[0].landmarks[:468] - face.landmarks[:468], axis=1).mean()
    return float(100 * apart / face.eye_distance)


def sharpness(picture: Image, inside: np.ndarray) -> float:
    """Return the variance of the luma's Laplacian within a mask."""
    luma = cv2.cvtColor(picture, cv2.COLOR_RGB2GRAY)
    return float(cv2.Laplacian(luma, cv2.CV_64F)[inside].var()) + 1e-9


def measure(portrait: Path, seconds: float = 1.0) -> dict[str, Any]:
    """Measure at a factor of four; see :func:`compare_restorers`.

    Args:
        portrait: a picture file.
        seconds: not used: every network sees one picture.
    """
    found = compare_restorers(portrait)
    width, height = found.task.truth.size
    figures: dict[str, Any] = {run.name: run.figures for run in found.runs}
    figures["face"] = f"{width}×{height} pixels, shrunk {found.task.factor} times"
    if found.absent:
        figures["not run"] = {each.name: f"{each.reason}: {each.remedy}" for each in found.absent}
    return figures
