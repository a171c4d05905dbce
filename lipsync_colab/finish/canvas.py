"""The canvas: the still brought to output size, once, with its faces moved along."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np

from lipsync_colab.finish.background import (
    Background,
    Outpaint,
    fill_canvas,
    parse_background,
    resized,
)
from lipsync_colab.finish.framing import frame_face, output_size, parse_size, place_still
from lipsync_colab.types import Array, Image, Portrait, Upscaler

__all__ = ["Canvas", "make_canvas", "output_size", "parse_size"]

Matte = Callable[[Image], Array]
"""``matte(image)``: float32 (H, W) in [0, 1], 1 where the person is."""


@dataclass(frozen=True, eq=False)
class Canvas:
    """The finished still.

    Attributes:
        portrait: its image is the canvas; its faces lie on it.
        transform: float32 (2, 3), pixels of the portrait as it was given → canvas pixels.
    """

    portrait: Portrait
    transform: Array

    @property
    def size(self) -> tuple[int, int]:
        """``(width, height)`` in pixels."""
        return self.portrait.size


def make_canvas(
    portrait: Portrait,
    size: tuple[int, int],
    background: str | Background = "blur",
    upscaler: Upscaler | None = None,
    *,
    matte: Matte | None = None,
    outpaint: Outpaint | None = None,
) -> Canvas:
    """Bring a portrait to output size.

    The head keeps its room; what the picture lacks for the shape is filled by the background. A picture that
    already has the resolution is cropped, never resampled.

    Args:
        portrait: the still as it was read, or restored and enlarged.
        size: ``(width, height)`` of the video, even; see :func:`output_size`.
        background: ``blur``, ``inpaint``, ``#RRGGBB`` or a picture file.
        upscaler: enlarges the part that is shown; Lanczos by default.
        matte: cuts the person out: a colour or an image then replaces everything behind the person, not only what
            lies beyond the picture.
        outpaint: draws what is missing, for ``inpaint``; without it the blurred reflection stands in.

    Raises:
        InputError: the background cannot be used.
        ValueError: the size is odd.
    """
    if size[0] % 2 or size[1] % 2:
        raise ValueError(f"canvas of odd size {size}")
    wanted = parse_background(background) if isinstance(background, str) else background
    framing = frame_face(portrait.size, portrait.face, size)
    place = place_still(framing, portrait.size)
    left, top, right, bottom = place.crop
    picture = _scaled(portrait.image[top:bottom, left:right], place.scaled, upscaler)
    transform = place.transform
    moved = replace(
        portrait,
        image=picture,
        face=portrait.face.moved(transform),
        others=tuple(face.moved(transform) for face in portrait.others),
    )
    if matte is None or wanted.kind not in ("colour", "image"):
        image = fill_canvas(picture, place.offset, size, wanted, keep=moved.face.box, outpaint=outpaint)
    else:
        image = fill_canvas(picture, place.offset, size, wanted, keep=moved.face.box, share=matte(picture))
    return Canvas(replace(moved, image=image), transform)


def _scaled(part: Image, size: tuple[int, int], upscaler: Upscaler | None) -> Image:
    part = np.ascontiguousarray(part)
    scale = max(size[0] / part.shape[1], size[1] / part.shape[0])
    if upscaler is not None and scale > 1:
        part = upscaler(part, scale)
    return resized(part, size)
