"""What shows between the lips: the mouth's hollow, the tongue, the teeth, and the shadows on them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import cv2
import numpy as np

from lipsync_colab.engines.viseme.blend import coloured, mix, spread
from lipsync_colab.engines.viseme.facing import Facing
from lipsync_colab.engines.viseme.floats import Floats
from lipsync_colab.engines.viseme.light import LUMA, Light
from lipsync_colab.engines.viseme.lips import JAW_DROP, MIDDLE, Lips
from lipsync_colab.engines.viseme.opening import COLUMNS, REACH, Gap, Opening, look_up
from lipsync_colab.engines.viseme.ramp import smoothstep
from lipsync_colab.engines.viseme.teeth import MILLIMETRE, TeethRow, drawn_row
from lipsync_colab.engines.viseme.tongue import tongue_between, tongue_raised
from lipsync_colab.types import Image

SHOWN, SHOWN_SMILING = 2.2 * MILLIMETRE, 3.2 * MILLIMETRE
"""How far the upper teeth hang below the line on which the lips close, at rest and in a smile."""
OVERBITE = 2.0 * MILLIMETRE
"""How far the upper teeth cover the lower ones when the jaw is shut."""
LOWER_LIGHT = 0.86
"""The lower teeth stand back: brightness beside the upper ones'."""
SLIT = 0.05
"""An opening below this, in eye distances, lets in less light than a wider one."""
ALONG_LIPS, MOST_DROOP = 0.7, 0.06
"""Lips that droop towards a corner lie on teeth that hang lower there too: how far those follow, up to how many eye
distances."""
BEHIND_LIPS = 0.08
"""How far the teeth stand behind the lips, in eye distances."""


class Interior:
    """The inside of one person's mouth.

    Args:
        facing: of the face.
        lips: of the face.
        light: of the portrait.
        own: the teeth that the portrait shows, or None.

    Attributes:
        own: whether it shows any.
    """

    def __init__(self, facing: Facing, lips: Lips, light: Light, own: TeethRow | None) -> None:
        self._facing, self._lips, self._light = facing, lips, light
        # A picture taken with closed lips has the line between them already.
        self._lipless = min(1.0, lips.parted / 0.05)
        self._grain = 0.6 / max(float(light.skin @ LUMA), 1.0) ** 0.5
        self.own = own is not None
        self._shown = SHOWN + self._lipless * (SHOWN_SMILING - SHOWN) if self.own else SHOWN
        self._upper = own or drawn_row(light, facing.unit, 0.0, upper=True)
        lower = drawn_row(light, facing.unit, 0.0, upper=False)
        self._lower = replace(lower, pixels=lower.pixels * LOWER_LIGHT**light.dusk)
        front = lips.source.inner_upper[MIDDLE, 2]
        seam = np.array([0.0, lips.seam, front])
        self._seam = float(facing.flatten(seam)[1])
        self._dental_across, self._dental_shift = self._dental_tables(front + BEHIND_LIPS)
        deep = 0.11 * light.lips + np.array([34, 9, 9], np.float32) * (light.white @ LUMA / 210)
        self._hollow = light.tinted(deep)
        tongue = 0.42 * light.lips + np.array([92, 40, 42], np.float32) * (light.white @ LUMA / 210)
        self._tongue = light.tinted(tongue)
        self._tongue_out = float(np.clip(0.95 * (light.lips @ LUMA) / np.maximum(self._tongue @ LUMA, 1), 1.1, 1.7))
        self._cheek = light.tinted(0.44 * light.lips + 0.10 * light.skin)
        self._inner_lip = light.tinted(0.80 * light.lips)

    def _dental_tables(self, front: float) -> tuple[Floats, Floats]:
        """Return tables over the mouth's plane: place along the dental arch, and how much lower it appears."""
        across = np.linspace(-REACH, REACH, 513)
        arch = np.stack([across, np.zeros(513), front + 0.9 * across**2], axis=1)
        seen = self._facing.flatten(arch)
        columns = np.linspace(-REACH, REACH, COLUMNS)
        rising = np.maximum.accumulate(seen[:, 0])
        shift = np.interp(columns, rising, seen[:, 1] - seen[256, 1])
        line = self._facing.flatten(self._lips.closed)
        lower = np.interp(columns, line[:, 0], line[:, 1]) - np.interp(seen[256, 0], line[:, 0], line[:, 1])
        return np.interp(columns, rising, across), shift + ALONG_LIPS * np.clip(lower - shift, 0, MOST_DROOP)

    def paint(self, pixels: Image, across: Floats, down: Floats, opening: Opening, pose: Mapping[str, float]) -> None:
        """Paint the interior over warped skin, in place.

        Args:
            pixels: uint8 (h, w, 3) RGB.
            across: float32 (h, w), each pixel's place on the mouth's plane.
            down: float32 (h, w).
            opening: of the pose.
            pose: the parameters.
        """
        gap = Gap.of(opening, across, down)
        skin = pixels.astype(np.float32)
        covered = self._coverage(gap) if opening.height > 0.25 * self._softness else np.zeros_like(across)
        if covered.any():
            part = _box_of(covered)
            skin[part] = mix(skin[part], self._lit(_within(gap, part), opening, pose), covered[part])
        skin *= 1 - coloured(_seam_shadow(gap, pose, self._lipless), self._light.shade)
        np.clip(skin, 0, 255, out=skin)
        pixels[:] = np.rint(skin)

    def _lit(self, gap: Gap, opening: Opening, pose: Mapping[str, float]) -> Floats:
        """Return the interior's colour, float32 (h, w, 3), in the light that comes in, with the picture's grain."""
        mouth = self._layers(gap, opening, pose)
        shadow = _shadow(gap, opening, pose)
        mouth *= cv2.merge([cv2.pow(shadow, float(power)) for power in self._light.dusk])
        mouth = self._light.developed(mouth)
        luma = np.maximum(cv2.transform(mouth, LUMA[None]), 0)
        # Grain of film and sensor goes with the root of the light: the dark keeps more of it.
        mouth += spread(self._light.noise(luma.shape) * cv2.sqrt(luma) * np.float32(self._grain))
        return mouth

    @property
    def _softness(self) -> float:
        """Width of the lips' inner edge in eye distances."""
        return max(1.0, 0.9 * self._light.blur) / self._facing.unit

    def _coverage(self, gap: Gap) -> Floats:
        """Return how much of each pixel the opening covers."""
        soft = np.float32(1 / (2 * self._softness))
        edges = smoothstep(gap.below * soft + 0.5) * smoothstep(gap.above * soft + 0.5)
        ends = smoothstep((1.01 - gap.off_centre) / np.float32(0.04))
        return edges * ends * np.clip((gap.below + gap.above) / np.float32(0.8 * self._softness), 0, 1)

    def _layers(self, gap: Gap, opening: Opening, pose: Mapping[str, float]) -> Floats:
        """Return the interior's colour, float32 (h, w, 3), before any shadow: from the hollow to the lip's inside."""
        jaw, rounding = (pose.get(name, 0.0) for name in ("jaw", "round"))
        between = tongue_between(pose.get("tongue", 0.0))
        drop, pursed = JAW_DROP * jaw, rounding**3
        depth = np.clip(gap.below / np.maximum(gap.below + gap.above, 1e-3), 0, 1)
        colour = coloured(0.78 + 0.5 * depth, self._hollow)
        place, shift = look_up(gap.across, self._dental_across, self._dental_shift)
        level = gap.down - shift
        bottom = np.float32(self._seam + self._shown - OVERBITE * (1 - between) + drop + 0.03 * pursed)
        teeth, alpha = self._lower.sample(place, level - bottom)
        tip, cover = self._raise_tongue(gap, opening, drop, pose)
        colour = mix(colour, tip, cover)
        # For th it lies over the lower teeth, otherwise behind them.
        colour = mix(colour, teeth, alpha * (1 - between * cover) if between else alpha)
        top = np.float32(self._seam + self._shown - (0.04 + 0.01 * self._lipless) * pursed)
        teeth, alpha = self._upper.sample(*((gap.across, gap.down - top) if self.own else (place, level - top)))
        colour = mix(colour, teeth * np.float32(1 - 0.25 * pursed), alpha)
        # At the corners the cheeks close in before the teeth, near enough to the opening to be lit.
        cheek, lip = smoothstep((gap.off_centre - 0.58) / 0.5), _rolled_in(gap, pose)
        colour *= spread((1 - cheek) * (1 - lip))
        colour += coloured(cheek * (1 - lip), self._cheek)
        colour += coloured(lip, self._inner_lip)
        return colour

    def _raise_tongue(
        self, gap: Gap, opening: Opening, drop: float, pose: Mapping[str, float]
    ) -> tuple[Floats, Floats]:
        """Return the tongue's colour and cover: low at rest, behind the upper teeth for l, between the rows for th."""
        tongue = pose.get("tongue", 0.0)
        raised, between = tongue_raised(tongue), tongue_between(tongue)
        edge = self._seam + self._shown
        resting = self._seam + 0.22 * drop + 2.2 * MILLIMETRE
        behind = edge - 2.0 * MILLIMETRE
        top = resting + raised * (behind - resting) + between * 1.4 * MILLIMETRE
        half = 0.36 * self._lips.width * (1 - 0.25 * pose.get("round", 0.0)) * (1 - 0.22 * raised)
        thick = (5 + 3 * raised - 3 * between) * MILLIMETRE + 0.30 * drop
        aside = (gap.across - np.float32(opening.centre)) / np.float32(half)
        dome = (np.float32(top + thick) - gap.down) / np.float32(thick)
        cover = smoothstep((1.0 - np.sqrt(aside**2 + dome**2)) * (3.5 + 4.5 * raised) + 0.45)
        groove = 1 - 0.10 * (1 - raised) * np.exp(-((aside / 0.12) ** 2))
        rim = 0.72 * np.maximum(np.minimum(dome, 1) - 0.75, 0)
        tip = (0.80 + 0.28 * np.clip(dome, -0.6, 1) - rim) * (1 - 0.35 * np.minimum(aside * aside, 1))
        # At rest it is seen from its tip, which is lit, to its back, which is not.
        back = 1.0 - 0.6 * smoothstep(dome)
        shade = (back + raised * (tip - back)) * groove
        if between:
            # Out between the teeth it is as lit as the lips, but for the upper row's shadow.
            below = np.maximum(gap.down - np.float32(edge), 0)
            lit = 1 - 0.32 * np.exp(-below / np.float32(1.0 * MILLIMETRE)) - 0.22 * np.minimum(aside * aside, 1)
            shade += between * (lit * self._tongue_out - shade)
        return coloured(shade, self._tongue), cover


def _box_of(covered: Floats) -> tuple[slice, slice]:
    """Return the rows and columns that hold everything above 0."""
    rows, columns = (np.flatnonzero(covered.any(axis=axis)) for axis in (1, 0))
    return slice(rows[0], rows[-1] + 1), slice(columns[0], columns[-1] + 1)


def _within(gap: Gap, part: tuple[slice, slice]) -> Gap:
    return Gap(*(plane[part] for plane in (gap.across, gap.down, gap.below, gap.above, gap.off_centre)))


def _shadow(gap: Gap, opening: Opening, pose: Mapping[str, float]) -> Floats:
    """Return the light that the lips and the corners leave inside: little through lips that hardly part."""
    tuck = pose.get("tuck", 0.0)
    slit = 0.4 * (1 - tuck) * (1 - float(smoothstep(opening.height / SLIT)))
    light = 1 - (0.26 - 0.14 * tuck) * np.exp(-np.maximum(gap.below, 0) / 0.016)
    light *= 1 - (0.28 - 0.20 * tuck) * np.exp(-np.maximum(gap.above, 0) / 0.020)
    away = np.minimum(gap.off_centre, 1.1)
    light *= 1 - 0.45 * (away * away * away)
    return light * np.float32((1 - slit) * (1 - 0.22 * pose.get("round", 0.0) ** 2))


def _rolled_in(gap: Gap, pose: Mapping[str, float]) -> Floats:
    """Return how much of the lower lip's wet inside covers what lies behind it: it turns in over 1 to 2 mm."""
    height = np.maximum(gap.below + gap.above, 0)
    cover = np.exp(-((np.maximum(gap.above, 0) / np.float32(0.016)) ** 2)) * smoothstep(height / 0.06)
    return np.float32(0.75 * (1 - pose.get("tuck", 0.0))) * cover


def _seam_shadow(gap: Gap, pose: Mapping[str, float], lipless: float) -> Floats:
    """Return how much the lips darken each other where they meet or turn inwards.

    Args:
        gap: where the pixels lie.
        pose: the parameters.
        lipless: 1 when the picture has no line between the lips to begin with.
    """
    height = np.maximum(gap.below + gap.above, 0)
    closed = np.exp(-np.minimum(height / 0.03, 6)) * np.exp(-((((gap.below - gap.above) / 2) / 0.013) ** 2))
    closed *= np.clip(1 - 0.45 * gap.off_centre, 0, 1) * smoothstep((1.04 - gap.off_centre) / 0.08)
    closed *= 1 - 0.8 * pose.get("tuck", 0.0)
    # Beside a rounded opening a smile's lips are thin: a line there would lie on skin.
    closed *= 1 - np.float32(0.85 * pose.get("round", 0.0)) * smoothstep((gap.off_centre - 0.55) / 0.3)
    wide = np.clip(height / 0.03, 0, 1) * smoothstep((1.0 - gap.off_centre) / 0.1)
    rims = 0.28 * _rim(-gap.below, 0.018) + 0.16 * _rim(-gap.above, 0.014)
    return np.clip(lipless * 0.46 * closed + (0.5 + 0.5 * lipless) * rims * wide, 0, 0.8)


def _rim(outside: Floats, width: float) -> Floats:
    """Return a ridge along a contour, ``width`` wide on the lip and a third of it inside."""
    return np.exp(-((outside / np.where(outside > 0, width, width / 3).astype(np.float32)) ** 2))
