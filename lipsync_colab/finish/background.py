"""What fills the canvas beyond the picture: its own blurred reflection, a colour or another picture."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np

from lipsync_colab.errors import InputError
from lipsync_colab.portrait.picture import read_picture
from lipsync_colab.types import Array, Image

Outpaint = Callable[[Image, Array], Image]
"""``outpaint(image, missing)``: draw what is missing (float32 (H, W), 1 there) beyond a picture."""
Edges = tuple[float, float, float, float]
"""``(left, top, right, bottom)`` of a box in pixels."""
HEAD_SIDES, HEAD_TOP = 0.25, 0.5
"""Hair beside and above the face's box, in its widths and heights: a head must not be mirrored."""
LEAST_REACH = 0.02
"""Share of the picture that is mirrored even where the head is cut by the picture's edge."""
FEATHER = 0.04
"""Width of the transition from picture to background, of the canvas's short side."""
BLURS = (0.006, 0.018, 0.05, 0.13)
"""Standard deviations of the reflection's blurs, of the short side, and …"""
REACHES = (0.01, 0.04, 0.12, 0.35)
"""… the distances from the picture's edge at which each takes over: sharp at the seam, soft further out."""


@dataclass(frozen=True)
class Background:
    """What ``--background`` asks for.

    Attributes:
        kind: ``"blur"``, ``"colour"``, ``"image"`` or ``"inpaint"``.
        colour: RGB, for ``"colour"``.
        path: the picture, for ``"image"``.
    """

    kind: str
    colour: tuple[int, int, int] = (0, 0, 0)
    path: Path | None = None


def parse_background(text: str) -> Background:
    """Read ``blur``, ``inpaint``, ``#RRGGBB`` or the name of a picture file.

    Raises:
        InputError: it is none of these.
    """
    if text in ("blur", "inpaint"):
        return Background(text)
    if re.fullmatch(r"#[0-9a-fA-F]{6}", text):
        return Background("colour", colour=(int(text[1:3], 16), int(text[3:5], 16), int(text[5:7], 16)))
    if text and not text.startswith("#") and Path(text).is_file():
        return Background("image", path=Path(text))
    raise InputError(f"--background {text!r}: use blur, inpaint, a colour as #RRGGBB, or a picture file that exists")


def fill_canvas(
    picture: Image,
    place: tuple[int, int],
    size: tuple[int, int],
    background: Background,
    *,
    keep: Edges,
    outpaint: Outpaint | None = None,
    share: Array | None = None,
) -> Image:
    """Lay a picture on a canvas that is larger than it, and fill the rest.

    Args:
        picture: uint8 (h, w, 3) RGB at the canvas's scale.
        place: ``(left, top)`` of the picture on the canvas; may be negative.
        size: ``(width, height)`` of the canvas.
        background: what to fill with.
        keep: ``(left, top, right, bottom)`` on the canvas that the transition must leave alone: the face.
        outpaint: draws what is missing, for ``"inpaint"``; without it the reflection is used.
        share: float32 (h, w), how much of each pixel of the picture is kept over a colour or an image; all by default.

    Returns:
        uint8 (H, W, 3) RGB. With a blur the picture's own pixels are untouched; with a colour or an image they fade
        within ``FEATHER`` of the edges that have background beyond them.
    """
    reflected = _reflection(picture, place, size, keep)
    inside = _rectangle(picture, place, size)
    if background.kind == "blur" or (background.kind == "inpaint" and outpaint is None):
        return _softened(reflected, inside)
    if background.kind == "inpaint" and outpaint is not None:
        return np.where(inside[..., None], reflected, outpaint(reflected, (~inside).astype(np.float32)))
    weight = _faded(inside, keep)
    if share is not None:
        left, top = max(place[0], 0), max(place[1], 0)
        part = share[top - place[1] :, left - place[0] :][: size[1] - top, : size[0] - left]
        weight[top : top + part.shape[0], left : left + part.shape[1]] *= part
    return blend(reflected, backdrop(background, size), weight)


def backdrop(background: Background, size: tuple[int, int]) -> Image:
    """Return a full canvas of a colour or of a picture that is cropped to fill it.

    Raises:
        InputError: the picture cannot be read.
    """
    if background.path is None:
        return np.full((size[1], size[0], 3), background.colour, np.uint8)
    image = read_picture(background.path)
    scale = max(size[0] / image.shape[1], size[1] / image.shape[0])
    width, height = max(round(image.shape[1] * scale), size[0]), max(round(image.shape[0] * scale), size[1])
    image = resized(image, (width, height))
    left, top = (width - size[0]) // 2, (height - size[1]) // 2
    return np.ascontiguousarray(image[top : top + size[1], left : left + size[0]])


def resized(image: Image, size: tuple[int, int]) -> Image:
    """Resize by Lanczos when enlarging, by area when shrinking; the same size is the same picture.

    Args:
        image: uint8 (h, w, 3).
        size: ``(width, height)``.
    """
    if (image.shape[1], image.shape[0]) == size:
        return image
    smaller = size[0] < image.shape[1] or size[1] < image.shape[0]
    result = cv2.resize(image, size, interpolation=cv2.INTER_AREA if smaller else cv2.INTER_LANCZOS4)
    return np.asarray(result, np.uint8)


def blend(over: Image, under: Image, weight: Array) -> Image:
    """Mix two pictures; where the weight is 0 or 1 the result is bit-equal to one of them.

    Args:
        over: uint8 (H, W, 3).
        under: uint8 (H, W, 3).
        weight: float32 (H, W) in [0, 1], of ``over``.
    """
    share = weight[..., None]
    mixed = under + share * (over.astype(np.float32) - under)
    return np.asarray(np.rint(mixed), np.uint8)


def _rectangle(picture: Image, place: tuple[int, int], size: tuple[int, int]) -> np.ndarray:
    inside = np.zeros((size[1], size[0]), bool)
    left, top = place
    inside[max(top, 0) : max(top + picture.shape[0], 0), max(left, 0) : max(left + picture.shape[1], 0)] = True
    return inside


def _reflection(picture: Image, place: tuple[int, int], size: tuple[int, int], keep: Edges) -> Image:
    """Continue a picture by mirroring what lies between its edges and the head, slower and slower further out."""
    left, top, right, bottom = keep
    side, above = HEAD_SIDES * (right - left), HEAD_TOP * (bottom - top)
    columns = _mirrored(size[0], place[0], picture.shape[1], left - side, right + side)
    rows = _mirrored(size[1], place[1], picture.shape[0], top - above, bottom)
    return np.ascontiguousarray(picture[rows][:, columns])


def _mirrored(length: int, start: int, count: int, first: float, last: float) -> np.ndarray:
    """Return which of ``count`` picture lines, laid from ``start`` on, each canvas line shows.

    Beyond the picture the line at distance d mirrors the one at ``reach · (1 - exp(-d / reach))``: seamless at the
    edge, and never as far in as the head between canvas lines ``first`` and ``last``.
    """
    lines = np.arange(length) - start
    least = LEAST_REACH * count
    before = np.clip(first - start, least, count - 1)
    after = np.clip(start + count - 1 - last, least, count - 1)
    low, high = np.maximum(-lines, 0), np.maximum(lines - (count - 1), 0)
    mirrored = before * -np.expm1(-low / before) + (count - 1) - after * -np.expm1(-high / after)
    outside = np.where(low > 0, mirrored - (count - 1), mirrored)
    return np.where((low > 0) | (high > 0), np.rint(outside), lines).astype(np.intp)


def _softened(image: Image, inside: np.ndarray) -> Image:
    """Blur what lies outside, more with distance; what lies inside stays bit-equal."""
    short = min(image.shape[:2])
    distance = np.asarray(cv2.distanceTransform((~inside).astype(np.uint8), cv2.DIST_L2, 5), np.float32)
    result = image.astype(np.float32)
    for blur, reach in zip(BLURS, REACHES, strict=True):
        soft = _blurred(image, blur * short)
        share = np.clip(distance / (reach * short), 0, 1)
        result += (share * share * (3 - 2 * share))[..., None] * (soft - result)
    return np.where(inside[..., None], image, np.rint(result).astype(np.uint8))


def _blurred(image: Image, sigma: float) -> Array:
    """Blur by a Gaussian; a wide one at reduced size, where it costs nothing."""
    height, width = image.shape[:2]
    factor = max(int(sigma // 4), 1)
    small = cv2.resize(image, (max(width // factor, 1), max(height // factor, 1)), interpolation=cv2.INTER_AREA)
    soft = cv2.GaussianBlur(small.astype(np.float32), (0, 0), sigma / factor, borderType=cv2.BORDER_REFLECT_101)
    return np.asarray(cv2.resize(soft, (width, height), interpolation=cv2.INTER_CUBIC), np.float32).clip(0, 255)


def _faded(inside: np.ndarray, keep: Edges) -> Array:
    """Return the picture's weight: 1 within, falling to 0 at those edges that have background beyond them."""
    distance = cv2.distanceTransform(np.pad(inside, 1, mode="edge").astype(np.uint8), cv2.DIST_L2, 5)[1:-1, 1:-1]
    left, top, right, bottom = (int(value) for value in keep)
    face = distance[max(top, 0) : bottom + 2, max(left, 0) : right + 2]
    width = min(FEATHER * min(inside.shape), max(float(face.min(initial=np.inf)), 1.0))
    share = np.clip((distance - 0.5) / width, 0, 1).astype(np.float32)
    return np.where(inside, share * share * (3 - 2 * share), 0).astype(np.float32)
