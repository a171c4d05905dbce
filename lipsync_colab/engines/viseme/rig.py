"""One frame of a talking face: a pose in, patches for the still out."""

from __future__ import annotations

from collections.abc import Mapping

from lipsync_colab.engines.viseme.area import Area, Rectangle
from lipsync_colab.engines.viseme.eyes import Eyes
from lipsync_colab.engines.viseme.head import Head
from lipsync_colab.engines.viseme.mouth import Mouth, MouthPose
from lipsync_colab.engines.viseme.scratch import Scratch
from lipsync_colab.engines.viseme.still import Still, fitting_boost
from lipsync_colab.types import Patch, Patches, Portrait


class FaceRig:
    """A portrait that can be posed.

    Everything about the face lives in the still's own coordinates; the head only moves coordinates. For an
    output rectangle the head says which place of the face each pixel shows, mouth and eyes say where that place's
    colour comes from, the still is resampled once, and interior and lids are painted by the face's places.

    Args:
        portrait: the still at output size, with the face's mesh on it.

    Raises:
        InputError: the face is turned or tilted too far, see
            :func:`~lipsync_colab.engines.viseme.facing.check_facing`.
    """

    def __init__(self, portrait: Portrait) -> None:
        self._mouth = Mouth(portrait)
        self._eyes = Eyes(portrait)
        self._still = Still(self._mouth.plain, fitting_boost(portrait.image, portrait.face.landmarks))
        self._head = Head(portrait)
        self._scratch = Scratch()

    def render(self, pose: Mapping[str, float]) -> Patches:
        """Return what a pose changes in the still.

        Args:
            pose: parameters of :data:`~lipsync_colab.engines.viseme.motion.CHANNELS`; missing ones are 0.

        Returns:
            Patches on whole pixels that equal the still along their borders: one where the head moves, else one
            for each part of the face that does.
        """
        mouth = self._mouth.pose(pose)
        eyes = self._eyes.regions(pose)
        moved = self._head.region(pose)
        regions = eyes if mouth.region is None else [mouth.region, *eyes]
        if moved is not None:
            rectangle = _union([moved, *regions])
            areas = [Area.moved(rectangle, *self._head.backward(rectangle, pose))]
        else:
            areas = [Area.still(region) for region in _apart(regions)]
        return tuple(self._patch(area, mouth, eyes, pose) for area in areas)

    def _warp_eyes(self, area: Area, regions: list[Rectangle], pose: Mapping[str, float]) -> None:
        part = area.within(_union(regions)) if regions else None
        if part is not None:
            self._eyes.warp(part, pose)

    def _patch(self, area: Area, mouth: MouthPose, eyes: list[Rectangle], pose: Mapping[str, float]) -> Patch:
        """Warp, fetch and paint one area."""
        regions = eyes if mouth.region is None else [mouth.region, *eyes]
        part = area.within(_union(regions)) if regions else None
        face = part.remembering(self._scratch) if part is not None else None
        if face is not None:
            mouth.warp(face)
            self._warp_eyes(face, eyes, pose)
        pixels = self._still.read(area.map_x, area.map_y)
        self._mouth.relight(pixels, area, pose)
        if face is not None:
            shown = pixels[area.slices(face)]
            mouth.paint(shown, face)
            self._eyes.paint(shown, face.x, face.y, pose)
        return Patch.at(pixels, area.left, area.top)


def _union(rectangles: list[Rectangle]) -> Rectangle:
    """Return the smallest rectangle that holds all."""
    left, top, right, bottom = zip(*rectangles, strict=True)
    return min(left), min(top), max(right), max(bottom)


def _apart(rectangles: list[Rectangle]) -> list[Rectangle]:
    """Return rectangles that do not overlap and cover the given ones."""
    disjoint: list[Rectangle] = []
    for rectangle in rectangles:
        whole, rest = rectangle, disjoint
        while touching := [other for other in rest if _overlap(whole, other)]:
            rest = [other for other in rest if other not in touching]
            whole = _union([whole, *touching])
        disjoint = [*rest, whole]
    return disjoint


def _overlap(one: Rectangle, other: Rectangle) -> bool:
    return one[0] < other[2] and other[0] < one[2] and one[1] < other[3] and other[1] < one[3]
