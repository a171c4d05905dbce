"""Lids, gaze and brows: small fields over the eyes, and painted lids that come down in a blink."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter

from lipsync_colab.engines.viseme.area import Area, Rectangle
from lipsync_colab.engines.viseme.brows import Brows, glasses
from lipsync_colab.engines.viseme.eye_opening import EyeOpening
from lipsync_colab.engines.viseme.grid import Grid
from lipsync_colab.engines.viseme.lids import Lid
from lipsync_colab.engines.viseme.light import Light
from lipsync_colab.engines.viseme.ramp import smoothstep
from lipsync_colab.engines.viseme.sampling import along
from lipsync_colab.types import Array, Portrait

MOTIONS = ("blink", "gaze_x", "gaze_y", "brow", "frown")
VISIBLE_CLOSURE = 0.01
THRESHOLD = 0.05  # pixels
SKIP = 8
SLIDE = 0.22  # how far the skin above the fold follows the lid


class Eyes:
    """Both eyes of a portrait. Everything is in the still's own coordinates; the head is moved by others.

    An eye that is shut or hidden in the picture neither blinks nor looks about. Only what lies in :meth:`regions`
    changes; where the head moves too, an output rectangle has to be widened by the head's displacement.
    """

    def __init__(self, portrait: Portrait) -> None:
        face = portrait.face
        openings = [EyeOpening.of(face, side) for side in (0, 1)]
        self._openings = [opening for opening in openings if opening.visible(portrait.image)]
        light, rims = Light.of(portrait), glasses(portrait)
        self._lids = [Lid(portrait.image, opening, light, rims) for opening in self._openings]
        unit = face.eye_distance
        self._size = portrait.size
        self._last: tuple[tuple[float, ...], Array] | None = None
        boxes = [_corners(lid.box[:2], opening) for lid, opening in zip(self._lids, self._openings, strict=True)]
        self._lid_rects = [self._rect(box) for box in boxes]
        self._painted = [self._rect(lid.corners()) for lid in self._lids]
        brows = Brows(portrait)
        self._all = self._rect(np.concatenate([brows.box(), *boxes, *(_corners((0.0, 0.0), one) for one in openings)]))
        left, top, right, bottom = self._all
        step = max(1, round(unit / 64))
        self._grid = Grid(left, top, step, (-((top - bottom) // step), -((left - right) // step)))
        x, y = self._grid.nodes()
        pairs = zip(self._openings, self._lids, strict=True)
        lids = sum((_fields(opening, lid, x, y) for opening, lid in pairs), np.zeros((3, *x.shape, 2)))
        fields = np.concatenate([lids, brows.field(x, y)[None], brows.frown(x, y)[None]])
        self._fields = (fields * self._inside(x, y, unit)[..., None]).astype(np.float32)

    def regions(self, pose: Mapping[str, float]) -> list[Rectangle]:
        """Return the rectangles of the still that this pose changes, none of them empty; [] at rest."""
        if not pose.get("blink", 0.0) and not any(pose.get(name, 0.0) for name in MOTIONS):
            return []
        moved = bool(np.abs(self._field(pose)).max() > THRESHOLD)
        if (pose.get("brow", 0.0) or pose.get("frown", 0.0)) and moved:
            return [self._all]
        if pose.get("blink", 0.0) > VISIBLE_CLOSURE or moved:
            return list(self._lid_rects)
        return []

    def warp(self, area: Area, pose: Mapping[str, float]) -> None:
        """Move the coordinates of an area to where its pixels come from, in place.

        Args:
            area: where the head is still, within :meth:`regions`.
            pose: channels by name, see :mod:`lipsync_colab.engines.viseme.motion`.
        """
        if not any(pose.get(name, 0.0) for name in MOTIONS):
            return
        moved = self._grid.over_area(self._field(pose), area)
        for places, displacement in zip((area.map_x, area.map_y), moved, strict=True):
            np.add(places, displacement, out=places)

    def paint(self, pixels: NDArray[Any], x: Array, y: Array, pose: Mapping[str, float]) -> None:
        """Draw the lids over pixels, in place.

        Args:
            pixels: uint8 or float32 (h, w, 3) RGB in [0, 255], the still under :meth:`warp`.
            x: float32 (h, w), the points *before* :meth:`warp`.
            y: the same, downwards.
            pose: channels by name.
        """
        closure = float(np.clip(pose.get("blink", 0.0), 0, 1))
        if closure <= VISIBLE_CLOSURE:
            return
        for lid, rect in zip(self._lids, self._painted, strict=True):
            block = _block(x, y, rect)
            if block is None:
                continue
            drawn = lid.paint(pixels[block].astype(np.float32), x[block], y[block], closure)
            pixels[block] = np.round(np.clip(drawn, 0, 255)) if pixels.dtype == np.uint8 else drawn

    def _field(self, pose: Mapping[str, float]) -> Array:
        amounts = tuple(float(pose.get(name, 0.0)) for name in MOTIONS)
        if self._last is None or self._last[0] != amounts:
            self._last = amounts, np.tensordot(np.array(amounts, np.float32), self._fields, axes=1)
        return self._last[1]

    def _rect(self, corners: Array) -> Rectangle:
        """The box round some points, inside the picture."""
        width, height = self._size
        (left, top), (right, bottom) = corners.min(axis=0), corners.max(axis=0)
        return (
            int(np.clip(left, 0, width - 2)),
            int(np.clip(top, 0, height - 2)),
            int(np.clip(right + 1, 2, width)),
            int(np.clip(bottom + 1, 2, height)),
        )

    def _inside(self, x: Array, y: Array, unit: float) -> Array:
        """1 within, 0 along the border of the grid and of the picture."""
        left, top, right, bottom = self._all
        edge = np.minimum(np.minimum(x - left, right - 1 - x), np.minimum(y - top, bottom - 1 - y))
        return smoothstep((edge - self._grid.step) / (0.08 * unit))


def _block(x: Array, y: Array, rect: Rectangle) -> tuple[slice, slice] | None:
    """The rows and columns of the maps that hold points of a rectangle, or None; looked for at every eighth point."""
    left, top, right, bottom = rect
    x, y = x[::SKIP, ::SKIP], y[::SKIP, ::SKIP]
    reach = 2 * SKIP
    inside = (x >= left - reach) & (x < right + reach) & (y >= top - reach) & (y < bottom + reach)
    rows, columns = np.flatnonzero(inside.any(axis=1)), np.flatnonzero(inside.any(axis=0))
    if not len(rows):
        return None
    return slice(SKIP * rows[0], SKIP * (rows[-1] + 1)), slice(SKIP * columns[0], SKIP * (columns[-1] + 1))


def _corners(lid: tuple[float, float], opening: EyeOpening) -> Array:
    """Corners of the box that gaze and a lid that reaches so far change, float (4, 2) in pixels."""
    margin = 0.06 * opening.unit
    left, right = min(lid[0], -0.62 * opening.width) - margin, max(lid[1], 0.62 * opening.width) + margin
    low, high = opening.upper.min() - 0.30 * opening.unit, opening.lower.max() + 0.30 * opening.unit
    return np.stack(opening.picture(np.array([left, right, left, right]), np.array([low, low, high, high])), axis=-1)


def _fields(opening: EyeOpening, lid: Lid, x: Array, y: Array) -> Array:
    """What blink and gaze add to the coordinates at an amount of 1: float32 (3, rows, columns, 2) in pixels."""
    s, t = opening.local(x, y)
    place = opening.position(s)
    curves = (opening.upper, opening.lower, opening.brow, opening.rise, opening.closed)
    upper, lower, brow, rise, shut = (along(curve, place) for curve in curves)
    # Softened: a displacement that ended at a rim within a pixel or two would tear.
    free = 1 - gaussian_filter(1 - lid.uncovered(x, y), 0.03 * opening.unit / (x[0, 1] - x[0, 0]))
    ends = smoothstep((0.62 - np.abs(s) / opening.width) / 0.12)
    blink = (_lower_lid(t, upper, lower, rise, opening.unit) - _slide(t, upper, brow, shut)) * ends * free
    sideways, downwards = _gaze(s, t, upper, lower, opening)
    right = opening.along
    down = np.array([-right[1], right[0]])
    return np.stack(
        [
            blink[..., None] * down,
            -sideways[..., None] * opening.width * right * free[..., None],
            -downwards[..., None] * opening.width * down * free[..., None],
        ]
    )


def _lower_lid(t: Array, upper: Array, lower: Array, rise: Array, unit: float) -> Array:
    """The lower lid and the skin below it come up a little."""
    middle = (upper + lower) / 2
    inner = smoothstep((t - middle) / np.maximum(lower - rise - middle, 1))
    return rise * inner * (1 - smoothstep((t - lower) / (0.18 * unit)))


def _slide(t: Array, upper: Array, brow: Array, shut: Array) -> Array:
    """The skin between brow and lid is drawn down."""
    place = np.clip((t - brow) / np.maximum(upper - brow, 1), 0, 1)
    far = np.minimum(SLIDE * (shut - upper), 0.12 * (upper - brow))
    return far * 4 * place**2 * (1 - place)


def _gaze(s: Array, t: Array, upper: Array, lower: Array, opening: EyeOpening) -> tuple[Array, Array]:
    """Windows in [0, 1] of the eyeball's motion sideways, and up and down, where the upper lid goes along."""
    unit = opening.unit
    below = smoothstep((lower + 0.02 * unit - t) / (0.05 * unit))
    deep = smoothstep((lower + 0.03 * unit - t) / (0.075 * unit))
    across = smoothstep((0.54 - np.abs(s) / opening.width) / 0.34)
    sideways = smoothstep((t - upper + 0.02 * unit) / (0.05 * unit)) * below * across
    downwards = smoothstep((t - upper + 0.12 * unit) / (0.12 * unit)) * deep * across
    return sideways, downwards
