"""The gap between the lips as functions of the way across the mouth, for one pose."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from lipsync_colab.engines.viseme.facing import Facing
from lipsync_colab.engines.viseme.floats import Floats
from lipsync_colab.engines.viseme.lips import LipContours

REACH = 0.75
"""Half the length of the tables in eye distances."""
COLUMNS = 257


@dataclass(frozen=True, eq=False)
class Opening:
    """Tables over the mouth's plane, float32 (COLUMNS,), in eye distances.

    Attributes:
        upper: where the upper lip's inner contour lies.
        lower: where the lower lip's inner contour lies.
        centre: the middle between the corners.
        half: half the distance between the corners.
    """

    upper: Floats
    lower: Floats
    centre: float
    half: float

    @classmethod
    def of(cls, shape: LipContours, facing: Facing) -> Opening:
        """Tabulate the contours of a pose as the camera sees them."""
        upper, lower = facing.flatten(shape.inner_upper), facing.flatten(shape.inner_lower)
        columns = np.linspace(-REACH, REACH, COLUMNS)
        tables = [_table(contour, columns) for contour in (upper, lower)]
        left, right = upper[0, 0], upper[-1, 0]
        return cls(tables[0], np.maximum(*tables), float(left + right) / 2, float(right - left) / 2)

    @property
    def middle(self) -> Floats:
        """Where the two layers of skin part, float32 (COLUMNS,)."""
        return (self.upper + self.lower) / 2

    @property
    def height(self) -> float:
        """Largest distance between the contours."""
        return float((self.lower - self.upper).max())

    @property
    def box(self) -> tuple[float, float, float, float]:
        """``(left, top, right, bottom)`` on the mouth's plane."""
        left, right = self.centre - self.half, self.centre + self.half
        return left, float(self.upper.min()), right, float(self.lower.max())


def _table(contour: Floats, columns: Floats) -> Floats:
    """Interpolate a contour without overshoot, level beyond its ends."""
    across = np.maximum.accumulate(contour[:, 0] + 1e-6 * np.arange(len(contour)))
    steps = np.concatenate([[True], np.diff(across) > 1e-7])
    return monotone(across[steps], contour[steps, 1], columns).astype(np.float32)


def monotone(x: Floats, y: Floats, at: Floats) -> Floats:
    """Interpolate by monotone cubics (Fritsch and Carlson 1980), level beyond the ends.

    What ``scipy.interpolate.PchipInterpolator`` gives, without its checks: those cost a tenth of a frame.

    Args:
        x: (n,), rising, at least three.
        y: (n,).
        at: places, any shape.
    """
    step = np.diff(x)
    rise = np.diff(y) / step
    ahead, behind = 2 * step[1:] + step[:-1], step[1:] + 2 * step[:-1]
    same = rise[:-1] * rise[1:] > 0
    safe = np.where(same, rise[:-1], 1), np.where(same, rise[1:], 1)
    slope = np.empty_like(y)
    slope[1:-1] = np.where(same, (ahead + behind) / (ahead / safe[0] + behind / safe[1]), 0)
    slope[0], slope[-1] = _end_slope(step[0], step[1], rise[0], rise[1]), _end_slope(*step[:-3:-1], *rise[:-3:-1])
    place = np.clip(np.searchsorted(x, at, side="right") - 1, 0, len(step) - 1)
    width = step[place]
    t = np.clip((at - x[place]) / width, 0, 1)
    bend = t * (1 - t)
    lean = (1 - t) * (slope[place] - rise[place]) - t * (slope[place + 1] - rise[place])
    return y[place] + width * (t * rise[place] + bend * lean)


def _end_slope(near: float, far: float, rise: float, next_rise: float) -> float:
    """Slope at an end from its two intervals, kept from overshooting."""
    slope = ((2 * near + far) * rise - near * next_rise) / (near + far)
    if slope * rise <= 0:
        return 0.0
    return 3 * rise if rise * next_rise <= 0 and abs(slope) > 3 * abs(rise) else slope


def look_up(across: Floats, *tables: Floats) -> tuple[Floats, ...]:
    """Return the tables' values at positions across the mouth, float32 like ``across``."""
    index = (across + np.float32(REACH)) * np.float32((COLUMNS - 1) / (2 * REACH))
    rows = np.zeros_like(index)
    stacked = np.stack(tables, axis=-1).astype(np.float32)[None]
    values = cv2.remap(stacked, index, rows, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    return (values,) if len(tables) == 1 else tuple(np.moveaxis(values, -1, 0))


@dataclass(frozen=True, eq=False)
class Gap:
    """Where pixels lie in an opening, float32 (h, w) each, in eye distances.

    Attributes:
        across: on the mouth's plane.
        down: on the mouth's plane.
        below: below the upper lip's inner contour, negative above it.
        above: above the lower lip's inner contour, negative below it.
        off_centre: distance from the middle, 1 at the corners.
    """

    across: Floats
    down: Floats
    below: Floats
    above: Floats
    off_centre: Floats

    @classmethod
    def of(cls, opening: Opening, across: Floats, down: Floats) -> Gap:
        """Place pixels of the mouth's plane in an opening."""
        upper, lower = look_up(across, opening.upper, opening.lower)
        off_centre = np.abs(across - np.float32(opening.centre)) / np.float32(max(opening.half, 1e-3))
        return cls(across, down, down - upper, lower - down, off_centre)
