"""Lays patches into the still: only what a patch touches is written, everything else stays bit-equal."""

from __future__ import annotations

import math
from dataclasses import dataclass, field

import cv2
import numpy as np

from lipsync_colab.types import Array, Image, Patch, Patches

Box = tuple[int, int, int, int]
WHOLE = 1e-4
"""Pixels: a transform this close to a translation by whole pixels over the whole patch is one."""


@dataclass(eq=False)
class _Buffer:
    image: Image
    touched: list[Box] = field(default_factory=list)


class Composer:
    """Composes frame after frame, restoring only what the frame before has touched.

    Args:
        still: uint8 (H, W, 3) RGB, the canvas. It is not changed.
        buffers: how many frames may be alive at once: a frame stays valid until ``buffers`` more are asked for.
            With a queue of n frames behind the composer, and one in the hands of each side, that is n + 2.
    """

    def __init__(self, still: Image, buffers: int = 1) -> None:
        if buffers < 1:
            raise ValueError("a composer needs a buffer")
        self._still = np.ascontiguousarray(still)
        self._ring = [_Buffer(self._still.copy()) for _ in range(buffers)]
        self._next = 0
        self._last = self._ring[0]

    def frame(self, patches: Patches) -> Image:
        """Return the still with the patches laid over it in order.

        Args:
            patches: of one frame.

        Returns:
            uint8 (H, W, 3) RGB, a buffer that is used again; see ``buffers``.
        """
        buffer = self._ring[self._next]
        self._next = (self._next + 1) % len(self._ring)
        for left, top, right, bottom in buffer.touched:
            buffer.image[top:bottom, left:right] = self._still[top:bottom, left:right]
        buffer.touched = [box for patch in patches if (box := lay(buffer.image, patch)) is not None]
        self._last = buffer
        return buffer.image

    def drawn(self, left: int, top: int, right: int, bottom: int) -> None:
        """Tell that the caller drew into the last frame, so that the box is restored before its buffer is used again.

        Args:
            left: of the box in pixels.
            top: likewise.
            right: the first column beyond the box.
            bottom: the first row beyond it.
        """
        height, width = self._still.shape[:2]
        self._last.touched.append((max(left, 0), max(top, 0), min(right, width), min(bottom, height)))


def compose(still: Image, patches: Patches, out: Image | None = None) -> Image:
    """Lay patches over a still.

    Args:
        still: uint8 (H, W, 3) RGB.
        patches: in order.
        out: written and returned when given, uint8 (H, W, 3); may be the still itself.

    Returns:
        uint8 (H, W, 3) RGB; pixels that no patch touches are bit-equal to the still's.
    """
    image = still.copy() if out is None else out
    if out is not None and out is not still:
        np.copyto(out, still)
    for patch in patches:
        lay(image, patch)
    return image


def lay(image: Image, patch: Patch) -> Box | None:
    """Lay one patch over a picture in place.

    Args:
        image: uint8 (H, W, 3) RGB, written.
        patch: a translation by whole pixels is copied or blended as it is, any other transform is resampled.

    Returns:
        The box ``(left, top, right, bottom)`` that was touched, or None when the patch lies outside.
    """
    shift = _whole_shift(patch)
    if shift is None:
        return _lay_warped(image, patch)
    left, top = shift
    height, width = patch.pixels.shape[:2]
    box = _inside((left, top, left + width, top + height), image)
    if box is None:
        return None
    part = np.s_[box[1] - top : box[3] - top, box[0] - left : box[2] - left]
    mask = None if patch.mask is None else patch.mask[part]
    _put(image[box[1] : box[3], box[0] : box[2]], patch.pixels[part], mask)
    return box


def _put(target: Image, pixels: Image, mask: Array | None) -> None:
    if mask is None:
        target[...] = pixels
        return
    # Fixed point in 1/128: 255 × 128 fits int16, where the arithmetic is vectorised; 0 and 1 are exact.
    weight = np.rint(mask * 128).astype(np.int16)[..., None]
    change = pixels.astype(np.int16)
    change -= target
    change *= weight
    change += 64
    change >>= 7
    target += change.astype(np.uint8)


def _whole_shift(patch: Patch) -> tuple[int, int] | None:
    matrix = np.asarray(patch.transform, np.float64)
    span = max(patch.pixels.shape[:2])
    shift = np.rint(matrix[:, 2])
    if np.abs(matrix[:, :2] - np.eye(2)).max() * span > WHOLE or np.abs(matrix[:, 2] - shift).max() > WHOLE:
        return None
    return int(shift[0]), int(shift[1])


def _inside(box: Box, image: Image) -> Box | None:
    left, top = max(box[0], 0), max(box[1], 0)
    right, bottom = min(box[2], image.shape[1]), min(box[3], image.shape[0])
    return (left, top, right, bottom) if right > left and bottom > top else None


def _lay_warped(image: Image, patch: Patch) -> Box | None:
    pixels, mask, matrix = _prefiltered(patch)
    box = _inside(_bounds(pixels.shape[:2], matrix), image)
    if box is None:
        return None
    size = (box[2] - box[0], box[3] - box[1])
    local = matrix.copy()
    local[:, 2] -= box[:2]
    warped = cv2.warpAffine(pixels, local, size, flags=cv2.INTER_CUBIC, borderMode=cv2.BORDER_REPLICATE)
    # Outside the patch the weight is 0, so its border fades over one pixel even without a mask.
    weight = cv2.warpAffine(mask, local, size, flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_CONSTANT)
    _put(image[box[1] : box[3], box[0] : box[2]], np.asarray(warped, np.uint8), np.clip(weight, 0, 1))
    return box


def _bounds(shape: tuple[int, int], matrix: Array) -> Box:
    height, width = shape
    corners = np.array([(-1, -1), (width, -1), (-1, height), (width, height)], np.float64)
    placed = corners @ matrix[:, :2].T + matrix[:, 2]
    low, high = placed.min(axis=0), placed.max(axis=0)
    return math.floor(low[0]), math.floor(low[1]), math.ceil(high[0]) + 1, math.ceil(high[1]) + 1


def _prefiltered(patch: Patch) -> tuple[Image, Array, Array]:
    """Shrink a patch by area first when its transform shrinks it: sampling alone would alias."""
    matrix = np.asarray(patch.transform, np.float32)
    height, width = patch.pixels.shape[:2]
    mask = np.ones((height, width), np.float32) if patch.mask is None else np.asarray(patch.mask, np.float32)
    scale = np.linalg.norm(matrix[:, :2], axis=0)
    smaller = max(round(width * min(scale[0], 1.0)), 1), max(round(height * min(scale[1], 1.0)), 1)
    if smaller == (width, height):
        return patch.pixels, mask, matrix
    across, down = width / smaller[0], height / smaller[1]
    pixels = cv2.resize(patch.pixels, smaller, interpolation=cv2.INTER_AREA)
    weight = cv2.resize(mask, smaller, interpolation=cv2.INTER_AREA)
    grown = np.array([[across, 0, (across - 1) / 2], [0, down, (down - 1) / 2], [0, 0, 1]], np.float32)
    return np.asarray(pixels, np.uint8), np.asarray(weight, np.float32), matrix @ grown
