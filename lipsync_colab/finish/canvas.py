"""The still at output size (a first cut: to be replaced by the finishing owner's, which crops and extends)."""

from __future__ import annotations

import dataclasses
import re
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np

from lipsync_colab.errors import InputError
from lipsync_colab.types import Array, Image, Portrait

SHORT_SIDES = {"1080p": 1080, "1440p": 1440, "2160p": 2160}
ASPECTS = {"1:1": (1, 1), "16:9": (16, 9), "9:16": (9, 16)}


@dataclass(frozen=True)
class Canvas:
    """The finished still and where the portrait went."""

    portrait: Portrait
    transform: Array


def output_size(portrait: tuple[int, int], size: str, aspect: str) -> tuple[int, int]:
    """Return the video's ``(width, height)``, even."""
    if aspect != "match" and aspect not in ASPECTS:
        raise InputError(f"--aspect {aspect}: choose match, 1:1, 16:9 or 9:16")
    if size not in SHORT_SIDES:
        width, _, height = size.partition("x")
        if not (width.isdigit() and height.isdigit() and int(width) >= 64 and int(height) >= 64):
            raise InputError(f"--size {size}: choose 1080p, 1440p, 2160p or WxH such as 1280x720")
        return int(width) // 2 * 2, int(height) // 2 * 2
    across, down = ASPECTS.get(aspect, portrait)
    scale = SHORT_SIDES[size] / min(across, down)
    return round(across * scale / 2) * 2, round(down * scale / 2) * 2


def make_canvas(portrait: Portrait, size: tuple[int, int], background: str) -> Canvas:
    """Enlarge the portrait until it covers the canvas, and cut it round the face."""
    if background != "blur" and not re.fullmatch("#[0-9A-Fa-f]{6}", background) and not Path(background).is_file():
        raise InputError(f"--background {background}: give blur, a colour such as #203040, or an image file")
    width, height = size
    scale = max(width / portrait.size[0], height / portrait.size[1])
    image = cv2.resize(portrait.image, None, fx=scale, fy=scale, interpolation=cv2.INTER_LANCZOS4)
    middle = portrait.face.points.mean(axis=0) * scale
    left = int(np.clip(middle[0] - width / 2, 0, image.shape[1] - width))
    top = int(np.clip(middle[1] - 0.45 * height, 0, image.shape[0] - height))
    transform = np.array([[scale, 0, -left], [0, scale, -top]], np.float32)
    pixels: Image = np.ascontiguousarray(image[top : top + height, left : left + width], np.uint8)
    moved = dataclasses.replace(portrait, image=pixels, face=portrait.face.moved(transform))
    return Canvas(moved, transform)
