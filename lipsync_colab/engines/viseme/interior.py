"""What shows between the lips: the mouth's hollow, the tongue, the teeth, and the shadows on them."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from lipsync_colab.engines.viseme.facing import Facing
from lipsync_colab.engines.viseme.field import JAW_DROP
from lipsync_colab.engines.viseme.light import LUMA, Light
from lipsync_colab.engines.viseme.lips import MIDDLE, Lips, smooth
from lipsync_colab.engines.viseme.opening import COLUMNS, REACH, Opening, look_up
from lipsync_colab.engines.viseme.teeth import MILLIMETRE, TeethRow, drawn_row
from lipsync_colab.types import Array, Image

SHOWN = 1.6 * MILLIMETRE
"""How far the upper teeth hang below the line on which the lips close."""
OVERBITE = 1.3 * MILLIMETRE
"""How far the upper teeth cover the lower ones when the jaw is shut."""
BEHIND_LIPS = 0.08
"""How far the teeth stand behind the lips, in eye distances."""


class Interior:
    """The inside of one person's mouth.

    Args:
        facing: of the face.
        lips: of the face.
        light: of the portrait.
        own: the teeth that the portrait shows, or None.
        amount: how much of the jaw's full motion the face allows.
    """

    def __init__(self, facing: Facing, lips: Lips, light: Light, own: TeethRow | None, amount: float) -> None:
        self._facing, self._lips, self._light = facing, lips, light
        self._drop = JAW_DROP * amount
        self._own = own is not None
        self._upper = own or drawn_row(light, facing.unit, 0.0, upper=True)
        self._lower = drawn_row(light, facing.unit, 0.0, upper=False)
        front = lips.source.inner_upper[MIDDLE, 2]
        seam = np.array([0.0, lips.seam, front])
        self._seam = float(facing.flatten(seam)[1])
        self._dental_across, self._dental_shift = self._dental_tables(front + BEHIND_LIPS)
        deep = 0.11 * light.lips + np.array([31, 11, 10], np.float32) * (light.white @ LUMA / 210)
        self._hollow = light.tinted(deep)
        tongue = 0.42 * light.lips + np.array([88, 46, 44], np.float32) * (light.white @ LUMA / 210)
        self._tongue = light.tinted(tongue)

    def _dental_tables(self, front: float) -> tuple[Array, Array]:
        """Return tables over the mouth's plane: place along the dental arch, and how much lower it appears."""
        across = np.linspace(-REACH, REACH, 513)
        arch = np.stack([across, np.zeros(513), front + 0.9 * across**2], axis=1)
        seen = self._facing.flatten(arch)
        columns = np.linspace(-REACH, REACH, COLUMNS)
        rising = np.maximum.accumulate(seen[:, 0])
        return np.interp(columns, rising, across), np.interp(columns, rising, seen[:, 1] - seen[256, 1])

    def paint(self, pixels: Image, across: Array, down: Array, opening: Opening, pose: Mapping[str, float]) -> None:
        """Paint the interior over warped skin, in place.

        Args:
            pixels: uint8 (h, w, 3) RGB.
            across: float32 (h, w), each pixel's place on the mouth's plane.
            down: float32 (h, w).
            opening: of the pose.
            pose: the parameters.
        """
        upper, lower = look_up(across, opening.upper, opening.lower)
        off_centre = np.abs(across - np.float32(opening.centre)) / np.float32(max(opening.half, 1e-3))
        below, above = down - upper, lower - down
        skin = pixels.astype(np.float32)
        inside = self._coverage(below, above)
        if opening.height > 0.25 * self._softness:
            mouth = self._layers(across, down, below, above, off_centre, opening, pose)
            mouth += 0.6 * self._light.noise(across.shape)[..., None]
            skin += (mouth - skin) * inside[..., None]
        skin *= (1 - self._seam_shadow(below, above, off_centre, pose))[..., None]
        np.clip(skin, 0, 255, out=skin)
        pixels[:] = np.rint(skin)

    @property
    def _softness(self) -> float:
        """Width of the lips' inner edge in eye distances."""
        return max(1.0, 0.9 * self._light.blur) / self._facing.unit

    def _coverage(self, below: Array, above: Array) -> Array:
        """Return how much of each pixel the opening covers."""
        soft = np.float32(1 / (2 * self._softness))
        edges = smooth(below * soft + 0.5) * smooth(above * soft + 0.5)
        return (edges * np.clip((below + above) / np.float32(0.8 * self._softness), 0, 1)).astype(np.float32)

    def _layers(
        self,
        across: Array,
        down: Array,
        below: Array,
        above: Array,
        off_centre: Array,
        opening: Opening,
        pose: Mapping[str, float],
    ) -> Array:
        """Return the interior's colour, float32 (h, w, 3), before the lips' edge covers it."""
        jaw, rounding, tuck = (pose.get(name, 0.0) for name in ("jaw", "round", "tuck"))
        drop = self._drop * jaw
        height = np.maximum(below + above, 1e-3)
        depth = np.clip(below / height, 0, 1)
        colour = self._hollow * ((0.62 + 0.45 * depth) * (1 - 0.5 * np.minimum(off_centre, 1) ** 2))[..., None]
        place, shift = look_up(across, self._dental_across, self._dental_shift)
        edge = self._seam + SHOWN - 0.03 * rounding
        tongue = pose.get("tongue", 0.0)
        lower_row = self._lower.sample(place, down - shift - np.float32(self._seam + SHOWN - OVERBITE + drop))
        if tongue < 0.5:
            colour = self._add_tongue(colour, across, down, drop, opening, pose)
        colour = _over(colour, lower_row[0] * (0.74 - 0.1 * rounding), lower_row[1] * 0.95)
        if tongue >= 0.5:
            colour = self._add_tongue(colour, across, down, drop, opening, pose)
        reference = across if self._own else place
        upper_row = self._upper.sample(reference, down - (0 if self._own else shift) - np.float32(edge))
        colour = _over(colour, upper_row[0] * (1 - 0.25 * rounding), upper_row[1])
        return colour * self._shadow(below, above, off_centre, rounding, tuck)[..., None]

    def _add_tongue(
        self, colour: Array, across: Array, down: Array, drop: float, opening: Opening, pose: Mapping[str, float]
    ) -> Array:
        """Lay the tongue over the hollow: low at rest, its tip at the upper teeth for th and l."""
        forward = pose.get("tongue", 0.0)
        resting = self._seam + 0.62 * drop + 3.2 * MILLIMETRE
        raised = self._seam + SHOWN + 0.12 * drop - 0.6 * MILLIMETRE
        top = resting + forward * (raised - resting)
        half = 0.30 * self._lips.width * (1 - 0.25 * pose.get("round", 0.0)) * (1 - 0.22 * forward)
        thick = (5 + 3 * forward) * MILLIMETRE + 0.25 * drop
        radius = np.sqrt(((across - opening.centre) / half) ** 2 + ((down - (top + thick)) / thick) ** 2)
        alpha = smooth((1.08 - radius) * 3)
        light = 0.62 + 0.34 * forward
        dome = np.clip((top + thick - down) / thick, -0.6, 1)
        groove = 1 - 0.10 * np.exp(-(((across - opening.centre) / (0.12 * half)) ** 2)) * (1 - forward)
        shade = light * (0.78 + 0.30 * dome - 0.18 * np.maximum(dome - 0.75, 0) * 4) * groove
        return _over(colour, self._tongue * shade[..., None], alpha)

    @staticmethod
    def _shadow(below: Array, above: Array, off_centre: Array, rounding: float, tuck: float) -> Array:
        """Return the light that the lips and the corners leave inside."""
        light = 1 - (0.42 - 0.2 * tuck) * np.exp(-np.maximum(below, 0) / 0.016)
        light *= 1 - (0.30 - 0.2 * tuck) * np.exp(-np.maximum(above, 0) / 0.020)
        light *= 1 - 0.60 * np.minimum(off_centre, 1.1) ** 2.6
        return light * (1 - 0.22 * rounding)

    def _seam_shadow(self, below: Array, above: Array, off_centre: Array, pose: Mapping[str, float]) -> Array:
        """Return how much the lips darken each other where they meet or turn inwards.

        A picture taken with closed lips has that line already.
        """
        need = min(1.0, self._lips.parted / 0.05)
        if not need:
            return np.zeros_like(below)
        height = np.maximum(below + above, 0)
        closed = np.exp(-np.minimum(height / 0.03, 6)) * np.exp(-((((below - above) / 2) / 0.013) ** 2))
        ends = np.clip(1 - 0.45 * off_centre, 0, 1) * smooth((1.04 - off_centre) / 0.08)
        wide = np.clip(height / 0.03, 0, 1) * (off_centre < 1)
        rim_upper = 0.28 * np.exp(-((np.maximum(-below, 0) / 0.018) ** 2)) * (below < 0.01)
        rim_lower = 0.14 * np.exp(-((np.maximum(-above, 0) / 0.014) ** 2)) * (above < 0.01)
        return np.clip(need * (0.46 * closed * ends + (rim_upper + rim_lower) * wide), 0, 0.8).astype(np.float32)


def _over(below: Array, colour: Array, alpha: Array) -> Array:
    """Lay a colour over another."""
    return below + (colour - below) * alpha[..., None]
