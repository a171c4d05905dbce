"""The mouth and jaw of one portrait: where each pixel comes from in a pose, and what is painted over it."""

from __future__ import annotations

from collections.abc import Mapping

import cv2
import numpy as np

from lipsync_colab.engines.viseme.area import Area, Rectangle
from lipsync_colab.engines.viseme.blend import spread
from lipsync_colab.engines.viseme.emptied import emptied
from lipsync_colab.engines.viseme.facing import Facing, check_facing
from lipsync_colab.engines.viseme.field import MouthField
from lipsync_colab.engines.viseme.floats import Floats
from lipsync_colab.engines.viseme.interior import Interior
from lipsync_colab.engines.viseme.light import Light
from lipsync_colab.engines.viseme.lips import Lips
from lipsync_colab.engines.viseme.opening import Opening, look_up
from lipsync_colab.engines.viseme.own_teeth import own_row
from lipsync_colab.engines.viseme.ramp import smoothstep
from lipsync_colab.engines.viseme.relief import NO_CHANGE, Relief
from lipsync_colab.engines.viseme.tongue import tongue_between, tongue_raised
from lipsync_colab.errors import InputError
from lipsync_colab.types import Image, Portrait

CUT = 0.7
"""Pixels over which the picture changes from the upper lip's layer to the lower lip's."""
ROOM = 0.6
"""How far the lower lip goes down for a tongue between teeth that the portrait shows, in full drops of the lip."""
BEHIND_ROW = 0.5
"""How much of that for a tongue behind the upper row, of which nothing would be seen otherwise."""
UNLIT = (NO_CHANGE,) * 4


class Mouth:
    """Everything about a portrait's mouth that does not depend on the pose.

    Args:
        portrait: the still at output size.

    Raises:
        InputError: the face is turned or tilted too far, or its mouth is cut off.
    """

    def __init__(self, portrait: Portrait) -> None:
        check_facing(portrait.face)
        self.facing = Facing.of(portrait.face)
        x, y = self.facing.origin[:2]
        if not (0 <= x < portrait.size[0] and 0 <= y < portrait.size[1]):
            raise InputError("the mouth lies outside the picture: use a picture that shows the whole face")
        self.light = Light.of(portrait)
        self.lips = Lips(portrait.image, portrait.face.mesh, self.facing)
        self.field = MouthField(portrait, self.facing, self.lips)
        own = own_row(portrait.image, self.facing, self.lips.source, self.light)
        self.nodes = self.facing.plane(*self.field.grid.nodes())
        self.amount = self.field.amount * self.facing.amount
        self.interior = Interior(self.facing, self.lips, self.light, own)
        self.size = portrait.size
        self.plain = emptied(portrait, self.facing, self.light.blur) if self.lips.parted else portrait.image
        self._relief = Relief(portrait, self.plain, self.facing, self.lips, self.light)

    def pose(self, pose: Mapping[str, float]) -> MouthPose:
        """Work out one pose.

        Args:
            pose: parameters of :data:`~lipsync_colab.engines.viseme.motion.CHANNELS`; missing ones are 0.
        """
        return MouthPose(self, pose)

    def relight(self, pixels: Image, area: Area, pose: Mapping[str, float]) -> None:
        """Bring fetched skin into a pose's light, in place.

        Args:
            pixels: uint8 (h, w, 3) RGB, the whole area.
            area: with its maps warped.
            pose: the parameters.
        """
        change = self._relief.change(pose)
        if change is None:
            return
        reach = round(0.25 * self.facing.unit)  # what the skin can be drawn out to
        left, top, right, bottom = self._relief.rectangle
        lit = area.within((left - reach, top - reach, right + reach, bottom + reach))
        if lit is None:
            return
        # The change is smooth beside the picture's own grain: reading it linearly is enough.
        places = lit.map_x - np.float32(left), lit.map_y - np.float32(top)
        moved = cv2.remap(change, *places, cv2.INTER_LINEAR, borderMode=cv2.BORDER_CONSTANT, borderValue=UNLIT)
        part = pixels[area.slices(lit)]
        cv2.addWeighted(part, 1, cv2.cvtColor(moved, cv2.COLOR_RGBA2RGB), 1, -NO_CHANGE, dst=part)


class MouthPose:
    """A mouth in one pose.

    Attributes:
        region: the still's rectangle that moves, or None when nothing does.
        opening: the gap between the lips.
        forward: where the field's nodes go, upper and lower layer.
    """

    def __init__(self, mouth: Mouth, pose: Mapping[str, float]) -> None:
        self._mouth = mouth
        self._pose = dict(pose)
        for name in ("jaw", "lower", "round"):
            self._pose[name] = mouth.amount * self._pose.get(name, 0.0)
        if mouth.interior.own:
            # Teeth that a smile bares hang low: the lip gives way to a tongue below them.
            forward = pose.get("tongue", 0.0)
            self._pose["lower"] += ROOM * max(tongue_between(forward), BEHIND_ROW * tongue_raised(forward))
        shape = mouth.lips.pose(self._pose)
        self.opening = Opening.of(shape, mouth.facing)
        jaw = self._pose["jaw"] * (1 - 0.35 * float(smoothstep(self._pose.get("press", 0.0))))
        self.forward = mouth.field.forward(shape, jaw)
        self._upper, self._lower = (mouth.field.inverse(field) for field in self.forward)
        self._coarse = self._blend_layers()
        self.region = self._moving()

    def _blend_layers(self) -> Floats:
        """Return one displacement on the coarse grid, good everywhere but close to the lips."""
        step = self._mouth.field.grid.step / self._mouth.facing.unit
        share = self._lower_share(*self._mouth.nodes, step)
        return self._upper + (self._lower - self._upper) * spread(share, 2)

    def _lower_share(self, across: Floats, down: Floats, width: float) -> Floats:
        """Return which layer each place belongs to, 0 upper to 1 lower: a cut at the lips, a blend beyond them."""
        (middle,) = look_up(across, self.opening.middle)
        beyond = np.maximum(np.abs(across - np.float32(self.opening.centre)) - np.float32(self.opening.half), 0)
        return np.clip((down - middle) / (1.8 * beyond + np.float32(2 * width)) + np.float32(0.5), 0, 1)

    def _moving(self) -> Rectangle | None:
        """Return the rectangle that holds every moving node and the opening."""
        grid = self._mouth.field.grid
        moving = np.logical_or.reduce(
            [layer[..., axis] != 0 for layer in (self._upper, self._lower) for axis in (0, 1)]
        )
        if not moving.any():
            return None
        rows, columns = np.flatnonzero(moving.any(axis=1)), np.flatnonzero(moving.any(axis=0))
        left, top, right, bottom = grid.rectangle
        return (
            max(left, left + (int(columns[0]) - 1) * grid.step),
            max(top, top + (int(rows[0]) - 1) * grid.step),
            min(right, left + (int(columns[-1]) + 2) * grid.step, self._mouth.size[0]),
            min(bottom, top + (int(rows[-1]) + 2) * grid.step, self._mouth.size[1]),
        )

    def lip_box(self, margin: float) -> Rectangle:
        """Return the still's rectangle around the lips' inner contours, ``margin`` eye distances wider."""
        left, top, right, bottom = self.opening.box
        corners = [(x, y, 0.0) for x in (left - margin, right + margin) for y in (top - margin, bottom + margin)]
        places = self._mouth.facing.picture(np.array(corners))
        low, high = np.floor(places.min(axis=0)).astype(int), np.ceil(places.max(axis=0)).astype(int) + 1
        return int(low[0]), int(low[1]), int(high[0]), int(high[1])

    def warp(self, area: Area) -> None:
        """Move the coordinates of an area to where its pixels come from, in place."""
        moving = area.within(self.region) if self.region is not None else None
        if moving is not None:
            self._warp(moving)

    def _warp(self, area: Area) -> None:
        grid = self._mouth.field.grid
        lips = area.within(self.lip_box(0.12))
        fine = self._fine(lips) if lips is not None else None
        moved = grid.over_area(self._coarse, area)
        for places, displacement in zip((area.map_x, area.map_y), moved, strict=True):
            np.subtract(places, displacement, out=places)
        if lips is not None and fine is not None:
            near = _feather(fine.shape[:2])
            for axis, (places, still) in enumerate(((lips.map_x, lips.x), (lips.map_y, lips.y))):
                np.add(places, (still - fine[..., axis] - places) * near, out=places)

    def _fine(self, area: Area) -> Floats:
        """Return the displacement close to the lips: one layer above the cut, the other below."""
        grid = self._mouth.field.grid
        upper, lower = (grid.sample(layer, area.x, area.y) for layer in (self._upper, self._lower))
        share = self._lower_share(*self._mouth.facing.plane(area.x, area.y), CUT / self._mouth.facing.unit)
        return upper + (lower - upper) * spread(share, 2)

    def paint(self, pixels: Floats, area: Area) -> None:
        """Paint the mouth's interior over the warped pixels of an area, in place."""
        lips = area.within(self.lip_box(0.06))
        if lips is None or self.region is None:
            return
        rows, columns = area.slices(lips)
        across, down = self._mouth.facing.plane(lips.x, lips.y)
        self._mouth.interior.paint(pixels[rows, columns], across, down, self.opening, self._pose)


def _feather(shape: tuple[int, int]) -> Floats:
    """Return weights, float32 (h, w), that fall to 0 at the border over 10 pixels."""
    rows, columns = (np.minimum(np.arange(n), np.arange(n)[::-1]) / 10 for n in shape)
    return smoothstep(np.minimum(rows[:, None], columns[None])).astype(np.float32)
