"""The portrait's own upper teeth, cut out of an open mouth and continued under the lips."""

from __future__ import annotations

import cv2
import numpy as np
from scipy.ndimage import gaussian_filter1d, median_filter

from lipsync_colab.engines.viseme.facing import Facing
from lipsync_colab.engines.viseme.floats import Floats
from lipsync_colab.engines.viseme.light import LUMA, Light
from lipsync_colab.engines.viseme.lips import LipContours
from lipsync_colab.engines.viseme.ramp import smoothstep
from lipsync_colab.engines.viseme.teeth import MILLIMETRE, TeethRow, drawn_row
from lipsync_colab.types import Image

SMALLEST_OPENING = 0.05
"""Eye distances below which an open mouth shows too little of its teeth to reuse them."""


def own_row(image: Image, facing: Facing, lips: LipContours, light: Light) -> TeethRow | None:
    """Return the upper teeth that the portrait shows, or None.

    Args:
        image: uint8 (H, W, 3) RGB.
        facing: of the face.
        lips: the contours in the picture.
        light: of the portrait, for the teeth beside those that show.
    """
    if lips.opening < SMALLEST_OPENING:
        return None
    upper, lower = facing.flatten(lips.inner_upper), facing.flatten(lips.inner_lower)
    scale = facing.unit
    half = int(0.62 * np.ptp(upper[:, 0]) * scale) + 4
    high = int(0.42 * scale)
    middle = (upper[5] + lower[5]) / 2
    across, down = np.meshgrid(
        np.arange(-half, half + 1) / scale + middle[0], np.arange(-high, high + 1) / scale + middle[1]
    )
    texture = _flat_picture(image, facing, across, down)
    top = np.interp(across[0], upper[:, 0], upper[:, 1])
    bottom = np.interp(across[0], lower[:, 0], lower[:, 1])
    margin = 1.6 * MILLIMETRE
    inside = (down > top + margin) & (down < bottom - 0.8 * margin)
    row = _continue(texture, _find_teeth(texture, inside), scale, middle)
    return None if row is None else _completed(row, drawn_row(light, scale, row.edge, upper=True))


def _flat_picture(image: Image, facing: Facing, across: Floats, down: Floats) -> Floats:
    """Return the picture, float32, resampled over the mouth's plane."""
    places = facing.picture(np.stack([across, down, np.zeros_like(across)], axis=-1)).astype(np.float32)
    return cv2.remap(image, places[..., 0], places[..., 1], cv2.INTER_CUBIC).astype(np.float32)


def _find_teeth(texture: Floats, inside: Floats) -> Floats:
    """Return a mask, uint8 (h, w), of what is bright and not red within the opening."""
    if not inside.any():
        return np.zeros(inside.shape, np.uint8)
    brightness = texture @ LUMA
    bright = brightness > 0.62 * np.percentile(brightness[inside], 90)
    pale = texture[..., 0] - texture[..., 1] < 0.22 * texture[..., 0] + 8
    teeth = cv2.morphologyEx((inside & bright & pale).astype(np.uint8), cv2.MORPH_CLOSE, np.ones((5, 5), np.uint8))
    count, labels, stats, _ = cv2.connectedComponentsWithStats(teeth)
    large = [label for label in range(1, count) if stats[label, cv2.CC_STAT_AREA] > 0.04 * teeth.sum()]
    return np.isin(labels, large).astype(np.uint8)


def _continue(texture: Floats, teeth: Floats, scale: float, middle: Floats) -> TeethRow | None:
    """Continue the teeth upwards under the lip by mirroring; None when too few columns show any."""
    columns = np.flatnonzero(teeth.any(axis=0))
    if len(columns) < 0.35 * scale or teeth.sum() < 0.012 * scale**2:
        return None
    first = teeth[:, columns].argmax(axis=0)
    last = len(teeth) - 1 - teeth[::-1, columns].argmax(axis=0)
    window, spread = 2 * int(1.5 * MILLIMETRE * scale) + 1, 1.2 * MILLIMETRE * scale
    every = np.arange(teeth.shape[1])
    top = np.interp(every, columns, gaussian_filter1d(median_filter(first.astype(float), window), spread))
    bottom = np.interp(every, columns, gaussian_filter1d(median_filter(last.astype(float), window), spread))
    millimetre = MILLIMETRE * scale
    top = top + 0.8 * millimetre
    rows = np.arange(len(teeth))[:, None]
    mirrored = np.minimum(2 * top - rows, np.maximum(top, top + 0.6 * (bottom - top)))
    source = np.where(rows < top, mirrored, np.minimum(rows, bottom - 0.5 * millimetre))
    grid = np.broadcast_to(every, source.shape).astype(np.float32)
    pixels = cv2.remap(texture, grid, source.astype(np.float32), cv2.INTER_LINEAR)
    pixels *= (1 - 0.35 * np.clip((top - rows) / (6 * millimetre), 0, 1))[..., None].astype(np.float32)
    ends = smoothstep((every - columns[0]) / (4 * millimetre)) * smoothstep((columns[-1] - every) / (4 * millimetre))
    alpha = smoothstep((bottom - rows) / 2 + 0.5) * ends
    edge = float(bottom[len(bottom) // 2])
    return _centred(pixels, alpha.astype(np.float32), scale, edge, middle)


def _centred(pixels: Floats, alpha: Floats, scale: float, edge: float, middle: Floats) -> TeethRow:
    """Return the row with its biting edge in the middle of its picture, the column of the face's middle likewise."""
    rows, columns = alpha.shape
    shift = np.array([[1, 0, middle[0] * scale], [0, 1, (rows - 1) / 2 - edge]], np.float32)
    pixels = cv2.warpAffine(pixels, shift, (columns, rows), borderMode=cv2.BORDER_REPLICATE)
    alpha = cv2.warpAffine(alpha, shift, (columns, rows), borderMode=cv2.BORDER_CONSTANT)
    return TeethRow(pixels, alpha, scale, float(middle[1] + (edge - (rows - 1) / 2) / scale))


def _completed(row: TeethRow, drawn: TeethRow) -> TeethRow:
    """Return the row with drawn teeth beside it, as bright as its outermost."""
    rows, columns = row.alpha.shape
    across, down = np.meshgrid(
        (np.arange(columns, dtype=np.float32) - (columns - 1) / 2) / np.float32(row.scale),
        (np.arange(rows, dtype=np.float32) - (rows - 1) / 2) / np.float32(row.scale),
    )
    pixels, alpha = drawn.sample(across, down + np.float32(0.5 * MILLIMETRE))
    own = row.alpha > 0.9
    match = np.float32(np.median(row.pixels[own] @ LUMA) / max(float(np.median(pixels[own] @ LUMA)), 1.0))
    ends = np.flatnonzero(own.any(axis=0))[[0, -1]]
    beyond = np.maximum(ends[0] - np.arange(columns), np.arange(columns) - ends[1]) / (row.scale * MILLIMETRE)
    shade = (min(match, np.float32(1)) * (0.94 - 0.26 * smoothstep(beyond / 9))).astype(np.float32)
    cover = row.alpha[..., None]
    mixed = pixels * shade[None, :, None] * (1 - cover) + row.pixels * cover
    return TeethRow(mixed, np.maximum(alpha, row.alpha), row.scale, row.edge)
