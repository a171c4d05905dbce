"""The pictures that go through the gates: a folder's, two that packages carry, and systematic variations of each."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
from scipy.interpolate import LinearNDInterpolator
from scipy.spatial import Delaunay

from lipsync_colab.errors import InputError
from lipsync_colab.portrait import FaceTracker
from lipsync_colab.portrait.loading import portrait_of
from lipsync_colab.portrait.picture import FORMATS, read_picture
from lipsync_colab.types import Image, Portrait

SUFFIXES = {f".{name.lower()}" for name in (*FORMATS, "JPG", "TIF")}
NOISE = 12.0
"""Levels, standard deviation."""


def portraits(folder: Path | None) -> dict[str, Image]:
    """Return the sources by name: the pictures of a folder, Grace Hopper of matplotlib, Eileen Collins of scikit-image.

    Args:
        folder: pictures of one's own, or None.

    Raises:
        InputError: there is no such folder, or a picture cannot be read.
    """
    from matplotlib.cbook import get_sample_data

    if folder is not None and not folder.is_dir():
        raise InputError(f"no folder {folder}: give a folder with portraits")
    files = sorted(folder.iterdir()) if folder is not None else []
    found = {path.stem: read_picture(path) for path in files if path.suffix.lower() in SUFFIXES}
    found["hopper"] = read_picture(Path(str(get_sample_data("grace_hopper.jpg", asfileobj=False))))
    try:
        from skimage import data
    except ImportError as error:
        raise InputError("the gates need a second portrait: pip install scikit-image") from error
    found["astronaut"] = np.asarray(data.astronaut())
    return found


def scaled(image: Image, short: int) -> Image:
    """Return a picture with its short side at ``short`` pixels, both sides even."""
    height, width = image.shape[:2]
    factor = short / min(height, width)
    size = (2 * round(width * factor / 2), 2 * round(height * factor / 2))
    return np.asarray(cv2.resize(image, size, interpolation=cv2.INTER_AREA if factor < 1 else cv2.INTER_LANCZOS4))


def save_picture(path: Path, image: Image) -> None:
    """Write a picture, uint8 (H, W, 3) RGB."""
    cv2.imwrite(str(path), cv2.cvtColor(np.ascontiguousarray(image), cv2.COLOR_RGB2BGR))


def found_face(image: Image, source: str, tracker: FaceTracker) -> Portrait:
    """Return a picture as a portrait of its largest face.

    Raises:
        InputError: there is none that can be animated.
    """
    return portrait_of(image, tracker.detect(image, depth=1), None, source)


VARIATIONS: dict[str, Callable[[Portrait, int], Image]] = {
    "roll -20": lambda portrait, short: _rolled(scaled(portrait.image, short), -20),
    "roll +20": lambda portrait, short: _rolled(scaled(portrait.image, short), 20),
    "yaw -18": lambda portrait, short: scaled(yawed(portrait, -18), short),
    "yaw +18": lambda portrait, short: scaled(yawed(portrait, 18), short),
    "256 px": lambda portrait, _: scaled(portrait.image, 256),
    "grey": lambda portrait, short: _grey(scaled(portrait.image, short)),
    "dark": lambda portrait, short: np.rint(scaled(portrait.image, short) * 0.35).astype(np.uint8),
    "noise": lambda portrait, short: _noisy(scaled(portrait.image, short)),
    "jpeg 30": lambda portrait, short: _compressed(scaled(portrait.image, short), 30),
    "mirrored": lambda portrait, short: np.ascontiguousarray(scaled(portrait.image, short)[:, ::-1]),
}
"""How a portrait is varied: it and the short side of the result in pixels to a picture."""


def varied(portrait: Portrait, variation: str, short: int) -> Image:
    """Return a portrait varied in one of :data:`VARIATIONS`, its short side ``short`` pixels."""
    return VARIATIONS[variation](portrait, short)


def _grey(image: Image) -> Image:
    return np.repeat(cv2.cvtColor(image, cv2.COLOR_RGB2GRAY)[..., None], 3, axis=2)


def _rolled(image: Image, degrees: float) -> Image:
    height, width = image.shape[:2]
    turn = cv2.getRotationMatrix2D(((width - 1) / 2, (height - 1) / 2), degrees, 1.0)
    rolled = cv2.warpAffine(image, turn, (width, height), flags=cv2.INTER_CUBIC, borderMode=cv2.BORDER_REFLECT)
    return np.asarray(rolled)


def _noisy(image: Image) -> Image:
    noise = np.random.default_rng(0).normal(0, NOISE, image.shape)
    return np.clip(np.rint(image + noise), 0, 255).astype(np.uint8)


def _compressed(image: Image, quality: int) -> Image:
    _, coded = cv2.imencode(".jpg", image, [cv2.IMWRITE_JPEG_QUALITY, quality])
    return np.asarray(cv2.imdecode(coded, cv2.IMREAD_COLOR))


def yawed(portrait: Portrait, degrees: float) -> Image:
    """Return the picture with its face's mesh turned about the vertical and drawn anew.

    Vertices that the turn hides are dropped; from the mesh's edge to the picture's border the turn fades.
    """
    mesh = portrait.face.mesh[:468].astype(np.float64)
    width, height = portrait.size
    pivot = mesh[[234, 454]].mean(axis=0)
    angle = np.radians(degrees)
    away = mesh - pivot
    turned = mesh[:, :2].copy()
    turned[:, 0] = pivot[0] + np.cos(angle) * away[:, 0] - np.sin(angle) * away[:, 2]
    shown = _unfolded(mesh[:, :2], turned)
    unit = portrait.face.eye_distance
    ring = _ring(mesh[:, :2], 1.1 * unit)
    edge = np.array([(x, y) for x in np.linspace(0, width - 1, 9) for y in (0, height - 1)], np.float64)
    sides = np.array([(x, y) for y in np.linspace(0, height - 1, 9) for x in (0, width - 1)], np.float64)
    fixed = np.concatenate([ring, edge, sides])
    back = LinearNDInterpolator(np.concatenate([turned[shown], fixed]), np.concatenate([mesh[shown, :2], fixed]))
    x, y = np.meshgrid(np.arange(width), np.arange(height))
    places = back(np.stack([x, y], axis=-1)).astype(np.float32)
    lost = ~np.isfinite(places[..., 0])
    places[lost] = np.stack([x, y], axis=-1)[lost]
    drawn = cv2.remap(portrait.image, places, np.empty(0), cv2.INTER_CUBIC, borderMode=cv2.BORDER_REFLECT)
    return np.asarray(drawn)


def _ring(points: np.ndarray, distance: float) -> np.ndarray:
    """Return points ``distance`` pixels outside the hull of some."""
    hull = cv2.convexHull(points.astype(np.float32))[:, 0].astype(np.float64)
    out = hull - hull.mean(axis=0)
    return hull + out / np.linalg.norm(out, axis=1)[:, None] * distance


def _unfolded(before: np.ndarray, after: np.ndarray) -> np.ndarray:
    """Return which points belong to no triangle that a motion turns over, bool (N,)."""
    triangles = Delaunay(before).simplices
    areas = []
    for points in (before, after):
        one, two = points[triangles[:, 1]] - points[triangles[:, 0]], points[triangles[:, 2]] - points[triangles[:, 0]]
        areas.append(one[:, 0] * two[:, 1] - one[:, 1] * two[:, 0])
    kept = np.ones(len(before), bool)
    kept[np.unique(triangles[areas[0] * areas[1] <= 0])] = False
    return kept
