"""Output sizes, and which part of a picture the canvas shows: pure geometry."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass

import numpy as np

from lipsync_colab.errors import InputError
from lipsync_colab.types import Array, Face

SHORT_SIDES = {"1080p": 1080, "1440p": 1440, "2160p": 2160}
ASPECTS = {"1:1": (1, 1), "16:9": (16, 9), "9:16": (9, 16)}
SMALLEST_SIDE, LARGEST_SIDE = 64, 7680
"""Pixels a side of the video; H.264 has no level beyond 8K."""
LONGEST_RATIO = 4.0
"""``match`` follows the picture's shape up to this ratio of its sides; a longer strip is cropped."""
NATIVE = 0.99
"""A picture that would shrink by less than 1 % is cropped instead: resampling would soften it for nothing."""
SAME_SHAPE = 1.01
"""Ratio up to which a picture and a canvas count as of one shape."""
SLACK = 1.12
"""How much tighter than the head's room a crop may be before the picture is extended."""
HEAD_ABOVE, HEAD_BELOW, HEAD_WIDTH = 0.6, 1.0, 1.8
"""Room that a crop must leave, in face heights above and below the face's box and in face widths in all: hair and
headroom, neck and collar, ears and the sway of the head."""
EYE_LINE, LOWEST_EYE_LINE = 0.42, 0.5
"""Height of the eyes in the frame from its top: near the upper third when there is a choice, above the middle always
when it can be."""


@dataclass(frozen=True)
class OutputSize:
    """What ``--size`` asks for: a short side, or exact sides.

    Attributes:
        short: pixels of the short side, or None.
        exact: ``(width, height)`` in pixels, or None.
    """

    short: int | None = None
    exact: tuple[int, int] | None = None


@dataclass(frozen=True)
class Framing:
    """Which window of a picture fills the canvas.

    Attributes:
        left: of the window in picture pixels (edges, not centres); negative when it begins outside the picture.
        top: likewise.
        scale: canvas pixels per picture pixel.
        size: ``(width, height)`` of the canvas in pixels.
        extended: whether the window reaches beyond the picture, so that a background is needed.
    """

    left: float
    top: float
    scale: float
    size: tuple[int, int]
    extended: bool


@dataclass(frozen=True)
class Placement:
    """How a part of the picture is laid on the canvas.

    Attributes:
        crop: ``(left, top, right, bottom)``, the part of the picture that is shown, in its whole pixels.
        scaled: ``(width, height)`` of that part on the canvas.
        offset: ``(left, top)`` of that part on the canvas; at most 0 where it covers the canvas.
    """

    crop: tuple[int, int, int, int]
    scaled: tuple[int, int]
    offset: tuple[int, int]

    @property
    def transform(self) -> Array:
        """float32 (2, 3): picture pixels → canvas pixels, with pixel centres at integers in both."""
        across = self.scaled[0] / (self.crop[2] - self.crop[0])
        down = self.scaled[1] / (self.crop[3] - self.crop[1])
        x = (0.5 - self.crop[0]) * across - 0.5 + self.offset[0]
        y = (0.5 - self.crop[1]) * down - 0.5 + self.offset[1]
        return np.array([[across, 0, x], [0, down, y]], np.float32)


def parse_size(text: str) -> OutputSize:
    """Read ``"1080p"``, ``"1440p"``, ``"2160p"`` or ``"WxH"``.

    Raises:
        InputError: it is none of these, odd, or out of range.
    """
    if text in SHORT_SIDES:
        return OutputSize(short=SHORT_SIDES[text])
    match = re.fullmatch(r"(\d{1,5})[x×](\d{1,5})", text.lower(), re.ASCII)
    if match is None:
        raise InputError(f"--size {text!r} is unknown: use 1080p, 1440p, 2160p or WIDTHxHEIGHT, for example 1280x720")
    width, height = int(match[1]), int(match[2])
    if not all(SMALLEST_SIDE <= side <= LARGEST_SIDE for side in (width, height)):
        raise InputError(f"--size {text}: each side must be {SMALLEST_SIDE} to {LARGEST_SIDE} pixels")
    if width % 2 or height % 2:
        raise InputError(f"--size {text}: video needs even sides, use {width - width % 2}x{height - height % 2}")
    return OutputSize(exact=(width, height))


def output_size(portrait: tuple[int, int], size: str, aspect: str) -> tuple[int, int]:
    """Return the video's ``(width, height)``, both even.

    Args:
        portrait: ``(width, height)`` of the picture.
        size: ``--size``.
        aspect: ``--aspect``: ``match``, ``1:1``, ``16:9`` or ``9:16``.

    Raises:
        InputError: one of them is unknown, or an exact size has another shape than the aspect asks for.
    """
    wanted = parse_size(size)
    if aspect != "match" and aspect not in ASPECTS:
        raise InputError(f"--aspect {aspect!r} is unknown: use match, {', '.join(ASPECTS)}")
    if wanted.exact is not None:
        _check_shape(wanted.exact, size, aspect)
        return wanted.exact
    assert wanted.short is not None
    across, down = ASPECTS.get(aspect, portrait)
    ratio = min(max(across, down) / min(across, down), LONGEST_RATIO)
    long = max(2 * round(wanted.short * ratio / 2), wanted.short)
    return (long, wanted.short) if across >= down else (wanted.short, long)


def _check_shape(exact: tuple[int, int], size: str, aspect: str) -> None:
    if aspect == "match":
        return
    across, down = ASPECTS[aspect]
    width, height = exact
    if abs(width - height * across / down) >= 2 and abs(height - width * down / across) >= 2:
        raise InputError(f"--size {size} is not {aspect}: leave --aspect out, or use --size 1080p --aspect {aspect}")


def frame_face(picture: tuple[int, int], face: Face, size: tuple[int, int]) -> Framing:
    """Choose the window of a picture that a canvas shows.

    The canvas is filled by cropping as long as the head keeps its room, and extended beyond the picture otherwise.

    Args:
        picture: ``(width, height)`` in pixels.
        face: on the picture.
        size: ``(width, height)`` of the canvas.
    """
    width, height = picture
    cover = max(size[0] / width, size[1] / height)
    contain = min(size[0] / width, size[1] / height)
    left, top, right, bottom = face.box
    room = min(
        size[0] / (HEAD_WIDTH * max(right - left, 1.0)),
        size[1] / ((1 + HEAD_ABOVE + HEAD_BELOW) * max(bottom - top, 1.0)),
    )
    # A shape that differs by a rounding is filled whatever the head's room, and no sliver is added for a little of it.
    fills = cover <= contain * SAME_SHAPE or cover <= room * SLACK
    scale = _native(cover if fills else max(room, contain))
    across, down = size[0] / scale, size[1] / scale
    x = _placed((left + right) / 2 - across / 2, across, width)
    y = _window_top(face, down, height)
    extended = across > width + 1e-6 or down > height + 1e-6
    if scale == 1.0:
        x, y = float(round(x)), float(round(y))
    return Framing(x, y, scale, size, extended)


def _native(scale: float) -> float:
    return 1.0 if NATIVE <= scale <= 1.0 else scale


def _placed(start: float, window: float, length: float) -> float:
    """Keep a window inside the picture, or the picture inside the window."""
    return min(max(start, min(0.0, length - window)), max(0.0, length - window))


def _window_top(face: Face, window: float, height: float) -> float:
    _, top, _, bottom = face.box
    eyes = float(face.points[:2, 1].mean())
    if window <= height:
        # The chin keeps its room before the eyes their line.
        lowest = bottom + HEAD_BELOW * (bottom - top) - window
        highest = top - HEAD_ABOVE * (bottom - top)
        wanted = eyes - EYE_LINE * window
        return _placed(min(max(wanted, lowest), highest) if lowest <= highest else wanted, window, height)
    # A bust that ends above the frame's bottom seems to float: grow upwards as long as the eyes stay high enough.
    return _placed(max(height - window, eyes - LOWEST_EYE_LINE * window), window, height)


def place_still(framing: Framing, picture: tuple[int, int]) -> Placement:
    """Turn a window into whole pixels: what is cut out, resized as a whole, and laid where.

    Args:
        framing: the window.
        picture: ``(width, height)`` in pixels.
    """
    x0, x1, across, left = _axis(framing.left, framing.size[0], framing.scale, picture[0])
    y0, y1, down, top = _axis(framing.top, framing.size[1], framing.scale, picture[1])
    return Placement((x0, y0, x1, y1), (across, down), (left, top))


def _axis(start: float, canvas: int, scale: float, picture: int) -> tuple[int, int, int, int]:
    """Return the first and last picture pixel to cut out, their length when resized, and where they begin."""
    window = canvas / scale
    first = max(math.floor(start + 1e-6), 0)
    last = min(math.ceil(start + window - 1e-6), picture)
    length = max(round((last - first) * scale), 1)
    # Rounding must neither leave a line of background beside a picture that covers the canvas, nor push a picture
    # that is smaller beyond it.
    covers = window <= picture + 1e-6
    length = max(length, canvas) if covers else min(length, canvas)
    offset = round((first - start) * scale)
    return first, last, length, min(max(offset, min(0, canvas - length)), max(0, canvas - length))
