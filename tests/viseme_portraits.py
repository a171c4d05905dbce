"""The two public-domain portraits with stored landmarks, and systematic variations of them."""

from __future__ import annotations

from functools import cache
from pathlib import Path

import cv2
import matplotlib.cbook
import numpy as np
import pytest
from scipy.optimize import linear_sum_assignment

from lipsync_colab.bench.gates.poses import POSES as SHEET
from lipsync_colab.engines.viseme.facing import Facing
from lipsync_colab.types import Array, Face, Portrait

MESHES = Path(__file__).parent / "data" / "viseme"
POSES = {name: SHEET[name] for name in ("rest", "m", "aa", "oo", "oh", "ee", "f", "sh", "th")}


def _mirror_table() -> Array:
    """Which vertex lies where each one would, seen in a mirror: the nearest in a face without expression."""
    mesh = np.load(MESHES / "hopper.npy").astype(np.float64)
    face = Face((0, 0, 1, 1), mesh.astype(np.float32))
    local = Facing.of(face).local(mesh)
    distances = np.linalg.norm(local[:, None] * (-1, 1, 1) - local[None], axis=-1)
    _, partner = linear_sum_assignment(distances)
    return partner


def face_of(mesh: Array) -> Face:
    low, high = mesh[:468, :2].min(axis=0), mesh[:468, :2].max(axis=0)
    return Face((float(low[0]), float(low[1]), float(high[0]), float(high[1])), mesh.astype(np.float32))


@cache
def _source(name: str) -> Portrait:
    if name == "hopper":
        path = matplotlib.cbook.get_sample_data("grace_hopper.jpg", asfileobj=False)
        image = cv2.cvtColor(cv2.imread(str(path)), cv2.COLOR_BGR2RGB)
    else:
        image = pytest.importorskip("skimage.data").astronaut()
    return Portrait(image, face_of(np.load(MESHES / f"{name}.npy")), name)


def warped(portrait: Portrait, transform: Array, size: tuple[int, int]) -> Portrait:
    """Return a portrait under an affine transform (2, 3), on a canvas of ``size``."""
    image = cv2.warpAffine(portrait.image, transform, size, flags=cv2.INTER_CUBIC, borderMode=cv2.BORDER_REFLECT)
    return Portrait(image, portrait.face.moved(transform.astype(np.float32)), portrait.source)


MIRROR = _mirror_table()


def portrait(name: str, size: int = 640, roll: float = 0.0, faces: float = 4.6) -> Portrait:
    """Return a square portrait of ``"hopper"`` (lips closed) or ``"astronaut"`` (smiling with teeth).

    Args:
        name: which.
        size: pixels a side.
        roll: degrees leant.
        faces: width of the picture in eye distances.
    """
    source = _source(name)
    scale = size / faces / source.face.eye_distance
    centre = source.face.landmarks[[168, 152]].mean(axis=0)
    transform = cv2.getRotationMatrix2D((float(centre[0]), float(centre[1])), roll, scale)
    transform[:, 2] += size / 2 - centre
    return warped(source, transform, (size, size))


def turned(yaw: float, pitch: float = 0.0, roll: float = 0.0) -> Face:
    """Return the first portrait's face, straightened and turned in space by degrees."""
    mesh = portrait("hopper").face.mesh.astype(np.float64)
    facing = Facing.of(face_of(mesh))
    frontal = (mesh - facing.origin) @ facing.axes
    a, b, c = np.radians([yaw, pitch, roll])
    around_y = np.array([[np.cos(a), 0, -np.sin(a)], [0, 1, 0], [np.sin(a), 0, np.cos(a)]])
    around_x = np.array([[1, 0, 0], [0, np.cos(b), -np.sin(b)], [0, np.sin(b), np.cos(b)]])
    around_z = np.array([[np.cos(c), -np.sin(c), 0], [np.sin(c), np.cos(c), 0], [0, 0, 1]])
    return face_of(frontal @ (around_z @ around_x @ around_y).T + facing.origin)


def laid_in(portrait: Portrait, patches: tuple) -> Array:
    """Return the still with patches on whole pixels laid in."""
    frame = portrait.image.copy()
    for patch in patches:
        left, top = int(patch.transform[0, 2]), int(patch.transform[1, 2])
        height, width = patch.pixels.shape[:2]
        frame[top : top + height, left : left + width] = patch.pixels
    return frame
