"""Enlarging a patch that is coarser than the still it lies on, with the still around it as context."""

from __future__ import annotations

from dataclasses import replace

import cv2
import numpy as np

from lipsync_colab.finish.alignment import inverse
from lipsync_colab.types import Array, Image, Patch, Upscaler

CONTEXT = 24
"""Patch pixels of still around a patch: with x4plus the lower face of a 512 pixel portrait is then 47.7 dB from what
enlarging the whole frame gives (measured by ``bench.recipe``)."""


def enlarged_transform(transform: Array, scale: float) -> Array:
    """Return the transform of a patch whose pixels became ``scale`` times as many along each side.

    Pixel centres are at integers, so pixel 0 of the patch is pixel ``(scale - 1) / 2`` of the larger one.
    """
    matrix = np.asarray(transform, np.float64)
    linear = matrix[:, :2] / scale
    shift = matrix[:, 2] + matrix[:, :2] @ np.full(2, (1 / scale - 1) / 2)
    return np.column_stack([linear, shift]).astype(np.float32)


def with_context(patch: Patch, still: Image, context: int = CONTEXT) -> Image:
    """Return the patch's pixels laid over the still around them, in the patch's own resolution.

    Args:
        patch: on the still.
        still: uint8 (H, W, 3) RGB.
        context: patch pixels added on each side.

    Returns:
        uint8 (h + 2 context, w + 2 context, 3).
    """
    height, width = patch.pixels.shape[:2]
    matrix = np.asarray(patch.transform, np.float64)
    shifted = np.column_stack([matrix[:, :2], matrix[:, 2] - matrix[:, :2] @ np.full(2, float(context))])
    size = (width + 2 * context, height + 2 * context)
    around = sampled(still, shifted, size)
    inner = around[context : context + height, context : context + width]
    if patch.mask is None:
        inner[:] = patch.pixels
    else:
        laid = inner + (patch.pixels.astype(np.float32) - inner) * patch.mask[..., None]
        inner[:] = np.clip(np.rint(laid), 0, 255).astype(np.uint8)
    return around


def sampled(still: Image, transform: Array, size: tuple[int, int]) -> Image:
    """Return the picture that a transform (its pixels to the still's) sees, by area where it is coarser.

    Args:
        still: uint8 (H, W, 3).
        transform: (2, 3).
        size: ``(w, h)`` of the result.
    """
    step = max(1, int(np.sqrt(abs(np.linalg.det(np.asarray(transform)[:, :2])))))
    fine = enlarged_transform(transform, step)
    picture = cv2.warpAffine(
        still,
        inverse(fine),
        (size[0] * step, size[1] * step),
        flags=cv2.INTER_LINEAR,
        borderMode=cv2.BORDER_REFLECT_101,
    )
    return np.asarray(cv2.resize(picture, size, interpolation=cv2.INTER_AREA) if step > 1 else picture, np.uint8)


def upscale_patch(patch: Patch, upscaler: Upscaler, scale: float, still: Image, context: int = CONTEXT) -> Patch:
    """Return the patch enlarged, in the same place.

    Args:
        patch: on the still.
        upscaler: enlarges pictures.
        scale: how many times.
        still: what lies around the patch.
        context: patch pixels of it that the upscaler sees.
    """
    large = upscaler(with_context(patch, still, context), scale)
    height, width = (round(length * scale) for length in patch.pixels.shape[:2])
    edge = round(context * scale)
    pixels = np.ascontiguousarray(large[edge : edge + height, edge : edge + width])
    mask = patch.mask
    if mask is not None:
        mask = np.clip(cv2.resize(mask, (width, height), interpolation=cv2.INTER_LINEAR), 0, 1).astype(np.float32)
    return replace(patch, pixels=pixels, transform=enlarged_transform(patch.transform, scale), mask=mask)
