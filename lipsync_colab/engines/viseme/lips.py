"""The lips' contours in face coordinates, as the picture has them and as a pose wants them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from lipsync_colab.engines.viseme import landmarks
from lipsync_colab.engines.viseme.contour import snap_outer, snap_seam
from lipsync_colab.engines.viseme.facing import Facing
from lipsync_colab.engines.viseme.floats import Floats
from lipsync_colab.engines.viseme.light import LUMA
from lipsync_colab.engines.viseme.ramp import smoothstep
from lipsync_colab.engines.viseme.sampling import sample
from lipsync_colab.engines.viseme.tongue import tongue_between, tongue_raised
from lipsync_colab.types import Image

NEUTRAL_WIDTH = 0.80
"""Width of a resting mouth in eye distances."""
ROUND_WIDTH = 0.57
"""Width of a fully rounded mouth, as in "oo"."""
RELAX = 0.55
"""How far a smile goes back to the neutral width before it speaks."""
RELAXED_CORNERS = 0.5
"""How much of a smile's curve leaves the line of the lips: speakers do not smile at every sound."""
JAW_DROP = 0.17
"""How far the chin goes down at full opening, in eye distances."""
JAW_BACK = 0.4
"""How far it goes back for each unit down: the hinge slides forward while it turns."""
TOUCHING = 0.012
"""An opening below this, in eye distances, is the landmarks' own error on a closed mouth."""
SHADED, HIDDEN = 0.055, 0.08
"""A dark opening up to the first, in eye distances, is as likely the shade of an upper lip or a moustache as a gap; one
up to the second where the upper lip itself lies in it."""
IN_SHADE, NO_EDGE = 0.5, 2.0
"""An upper lip in a moustache's shade has less than this of the lower lip's brightness, and less than so many times
that of what is below it."""
DARK = 0.7
"""Of the lower lip's brightness: nothing in a shade is brighter."""
SQUEEZED = 0.85
"""Share of a shade that pressed lips close over."""
WIDEST_RISE, WIDEST_DROP = 0.065, 0.215
"""No pose raises the upper lip or drops the lower lip further than this, in eye distances."""
FULL_LIP = 0.12
"""Thickness above which a lip swells no further when it rounds, in eye distances."""
MIDDLE = 5


@dataclass(frozen=True, eq=False)
class LipContours:
    """Four contours of 11 points from the picture's left corner to the right, (11, 3) in face coordinates."""

    outer_upper: Floats
    outer_lower: Floats
    inner_upper: Floats
    inner_lower: Floats

    @property
    def upper(self) -> Floats:
        """(20, 3): the upper lip's outer contour and the inner points of its inner one."""
        return np.concatenate([self.outer_upper, self.inner_upper[1:-1]])

    @property
    def lower(self) -> Floats:
        """(20, 3): the lower lip's outer contour and the inner points of its inner one."""
        return np.concatenate([self.outer_lower, self.inner_lower[1:-1]])

    @property
    def opening(self) -> float:
        """Distance between the inner contours at the middle, in eye distances."""
        return float(self.inner_lower[MIDDLE, 1] - self.inner_upper[MIDDLE, 1])


def _possible(pose: Mapping[str, float]) -> dict[str, float]:
    """Return the pose as muscles allow it: a jaw that hangs open pulls rounded lips apart."""
    spare = 1 - 0.8 * max(pose.get("jaw", 0.0) - 0.5, 0.0)
    return {**pose, "round": pose.get("round", 0.0) * spare}


class Lips:
    """What one person's lips do: absolute targets, so that a smiling picture can close its mouth.

    Args:
        image: uint8 (H, W, 3) RGB, shows where the lips' edges are.
        mesh: (478, 3) in pixels.
        facing: of the face.

    Attributes:
        source: the contours as the picture has them.
        parted: how open the picture's mouth is, in eye distances; 0 when the lips touch.
        width: between the corners in the picture, in eye distances.
        closed: the line, (11, 3), on which the lips meet at rest.
    """

    def __init__(self, image: Image, mesh: Floats, facing: Facing) -> None:
        groups = (
            landmarks.OUTER_UPPER,
            landmarks.OUTER_LOWER,
            landmarks.INNER_UPPER,
            landmarks.INNER_LOWER,
        )
        self.source = LipContours(*(facing.local(mesh[list(group)].astype(np.float64)) for group in groups))
        self.parted = self.source.opening
        self.source.outer_upper[:] = snap_outer(image, facing, self.source.outer_upper, upper=True)
        self.source.outer_lower[:] = snap_outer(image, facing, self.source.outer_lower, upper=False)
        self._shade = np.zeros(len(self.source.inner_upper))
        if self.parted < TOUCHING:
            self._shut(image, facing)
        elif self.parted < HIDDEN and self._in_shade(image, facing):
            self._keep_shade()
        self._clear_teeth()
        upper, lower = self.source.inner_upper, self.source.inner_lower
        self.width = float(self.source.outer_upper[-1, 0] - self.source.outer_upper[0, 0])
        self._smile = float(smoothstep(self.parted / 0.05))
        self.closed = (0.5 - 0.12 * self._smile) * upper + (0.5 + 0.12 * self._smile) * lower
        self.closed[[0, -1]] = upper[[0, -1]]
        across = self.closed[:, 0]
        self._position = 2 * (across - across[0]) / (across[-1] - across[0]) - 1
        self._curvature = 1 - 0.35 * RELAX * self._smile
        self._flatness = 1 - RELAXED_CORNERS * self._smile
        self._arch = self._measure_arch()
        neutral = np.clip(NEUTRAL_WIDTH, 0.75 * self.width, 1.05 * self.width)
        relax = RELAX * self._smile if self.width > neutral else 0.0
        self.resting_width = self.width + relax * (neutral - self.width)

    def _shut(self, image: Image, facing: Facing) -> None:
        """Let the inner contours of a closed mouth coincide on the line that shows: at rest nothing moves."""
        middle = snap_seam(image, facing, (self.source.inner_upper + self.source.inner_lower) / 2)
        self.source.inner_upper[:] = middle
        self.source.inner_lower[:] = middle
        self.parted = 0.0

    def _in_shade(self, image: Image, facing: Facing) -> bool:
        """Return whether all between the lips is much darker than the lower lip: neither teeth nor tongue show."""
        source = self.source
        contours = (source.outer_upper, source.inner_upper, source.inner_lower, source.outer_lower)
        above, upper, inner, outer = (contour[2:-2] for contour in contours)
        bands = (_across(above, upper, 0.5, 0.9), _across(upper, inner, 0.2, 0.8), _across(inner, outer, 0.3, 0.8))
        over, between, lip = (sample(image, *np.moveaxis(facing.picture(rows), -1, 0)) @ LUMA for rows in bands)
        lit = float(np.median(lip))
        dark = float(np.percentile(between, 90)) < DARK * lit
        most = min(IN_SHADE * lit, NO_EDGE * float(np.median(between)))
        return dark and (self.parted < SHADED or float(np.median(over)) < most)

    def _keep_shade(self) -> None:
        """Let the upper lip reach down to the lower one, its lowest part in the shade that the picture shows."""
        self._shade = self.source.inner_lower[:, 1] - self.source.inner_upper[:, 1]
        self.source.inner_upper[:] = self.source.inner_lower
        self.parted = 0.0

    def _clear_teeth(self) -> None:
        """Set the inner contour of an open mouth back onto the lips, so that no tooth is dragged into the seam."""
        margin = 0.016 * min(1.0, self.parted / 0.05)
        self.source.inner_upper[1:-1, 1] -= margin
        self.source.inner_lower[1:-1, 1] += 0.9 * margin

    def _measure_arch(self) -> float:
        """Return how fast the lips recede from the middle to the corners: depth = arch × across²."""
        points = np.concatenate([self.source.inner_upper, self.source.inner_lower])
        columns = np.stack([np.ones(len(points)), points[:, 0] ** 2], axis=1)
        return float(np.clip(np.linalg.lstsq(columns, points[:, 2], rcond=None)[0][1], 0.2, 1.6))

    @property
    def seam(self) -> float:
        """Where the middle of the closed mouth lies, downwards in eye distances."""
        return float(self.closed[MIDDLE, 1] * self._curvature)

    def pose(self, pose: Mapping[str, float]) -> LipContours:
        """Return the contours that a pose wants.

        Args:
            pose: parameters of :data:`~lipsync_colab.engines.viseme.motion.CHANNELS`; missing ones are 0.
        """
        pose = _possible(pose)
        upper, lower = self._open(pose, self._close(pose))
        outer_upper = self._outer(pose, self.source.outer_upper, self.source.inner_upper, upper)
        # Pressed lips close over a shade: if it was a gap, it is one no longer.
        for contour in (upper, lower):
            contour[:, 1] -= SQUEEZED * float(smoothstep(pose.get("press", 0.0))) * self._shade
        outer_lower = self._outer(pose, self.source.outer_lower, self.source.inner_lower, lower)
        return LipContours(outer_upper, outer_lower, upper, lower)

    def _scale(self, pose: Mapping[str, float]) -> float:
        """Return the width that a pose wants as a multiple of the picture's."""
        jaw, wide, rounding, smile = (pose.get(name, 0.0) for name in ("jaw", "wide", "round", "smile"))
        spread = self.resting_width * (1 + 0.10 * wide - 0.10 * jaw + 0.07 * smile)
        narrow = min(ROUND_WIDTH, 0.74 * self.resting_width)
        return (spread + rounding * (narrow - spread)) / self.width

    def _close(self, pose: Mapping[str, float]) -> Floats:
        """Return the line, (11, 3), on which the lips meet."""
        jaw, rounding, smile = (pose.get(name, 0.0) for name in ("jaw", "round", "smile"))
        away = self._position**2
        line = self.closed.copy()
        self._narrow(line, self._scale(pose), rounding)
        flatness = self._flatness * (1 - 0.70 * rounding) * (1 - (0.35 + 0.25 * self._smile) * jaw)
        line[:, 1] = self.seam + (self.closed[:, 1] - self.closed[MIDDLE, 1]) * flatness
        line[:, 1] += jaw * (0.035 * away + 0.012) - 0.045 * smile * away
        return line

    def _narrow(self, points: Floats, scale: float, rounding: float) -> None:
        """Narrow points along the dental arch and push them forward, in place."""
        across = points[:, 0].copy()
        points[:, 0] *= scale
        points[:, 2] += self._arch * (points[:, 0] ** 2 - across**2)
        points[:, 2] -= 0.07 * rounding

    def _open(self, pose: Mapping[str, float], closed: Floats) -> tuple[Floats, Floats]:
        """Return the upper and the lower inner contour, (11, 3) each."""
        jaw, rounding, tuck = (pose.get(name, 0.0) for name in ("jaw", "round", "tuck"))
        away = np.clip(np.abs(self._position) / (1 - 0.30 * rounding), 0, 1)
        profile = (1 - away ** (2.3 - 0.3 * rounding)) ** (0.95 + 0.03 * (1 - jaw) * (1 - rounding))
        profile[[0, -1]] = 0
        free = 1 - smoothstep(pose.get("press", 0.0))
        forward = pose.get("tongue", 0.0)
        tongue = 0.018 * tongue_raised(forward) + 0.030 * tongue_between(forward)
        rise = (0.018 * jaw + 0.045 * pose.get("upper", 0.0) + 0.034 * rounding + 0.012 * tuck) * free
        drop = (0.185 * jaw + 0.05 * pose.get("lower", 0.0) + 0.03 * rounding + tongue) * free
        drop *= 1 - 0.8 * tuck
        upper, lower = closed.copy(), closed.copy()
        upper[:, 1] -= float(np.minimum(rise, WIDEST_RISE)) * profile
        lower[:, 1] += float(np.minimum(drop, WIDEST_DROP) - 0.008 * tuck) * profile
        lower[:, 2] += JAW_BACK * JAW_DROP * jaw * profile
        return upper, lower

    def _outer(self, pose: Mapping[str, float], outer: Floats, before: Floats, after: Floats) -> Floats:
        """Return an outer contour that follows its inner one from ``before`` to ``after``."""
        rounding = pose.get("round", 0.0)
        roll = max(pose.get("press", 0.0) - 0.6, 0) / 0.4 * 0.010
        thicker = 0.16 * rounding * (1 - 0.4 * pose.get("jaw", 0.0)) - 0.06 * pose.get("wide", 0.0)
        side, follow, swell = (-1, 0.80, 0.6) if outer[MIDDLE, 1] < before[MIDDLE, 1] else (1, 0.94, 0.8)
        moved = outer.copy()
        self._narrow(moved, self._scale(pose), rounding)
        shift = np.interp(outer[:, 0], before[:, 0], after[:, 1] - before[:, 1])
        thickness = np.abs(before[:, 1] - outer[:, 1])
        moved[:, 1] = outer[:, 1] + follow * shift + side * (thicker * swell * np.minimum(thickness, FULL_LIP) - roll)
        if side > 0:
            moved[:, 2] += JAW_BACK * JAW_DROP * pose.get("jaw", 0.0) * (1 - self._position**2)
        moved[[0, -1], 1] = outer[[0, -1], 1] + (after - before)[[0, -1], 1]
        return moved


def _across(one: Floats, other: Floats, start: float, end: float) -> Floats:
    """Return points on the way from one contour to another, (9, n, 3), from a part of it to a part of it."""
    parts = np.linspace(start, end, 9)[:, None, None]
    return one + parts * (other - one)
