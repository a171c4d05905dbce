"""One frame of a talking face: a pose in, patches for the still out."""

from __future__ import annotations

from collections.abc import Mapping

import cv2
import numpy as np

from lipsync_colab.engines.viseme.area import Area, Rectangle
from lipsync_colab.engines.viseme.head import Head
from lipsync_colab.engines.viseme.mouth import Mouth, MouthPose
from lipsync_colab.types import Image, Patch, Patches, Portrait


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
        self._head = Head(portrait)

    def render(self, pose: Mapping[str, float]) -> Patches:
        """Return what a pose changes in the still.

        Args:
            pose: parameters of :data:`~lipsync_colab.engines.viseme.motion.CHANNELS`; missing ones are 0.

        Returns:
            Patches on whole pixels that equal the still along their borders: one where the head moves, else one
            for each part of the face that does.
        """
        mouth = self._mouth.pose(pose)
        still = self._mouth.still(pose)
        moved = self._head.region(pose)
        regions = [region for region in (mouth.region,) if region is not None]
        if moved is not None:
            rectangle = _union([moved, *regions])
            return (self._patch(Area.moved(rectangle, *self._head.backward(rectangle, pose)), mouth, still),)
        return tuple(self._patch(Area.still(region), mouth, still) for region in regions)

    @staticmethod
    def _patch(area: Area, mouth: MouthPose, still: Image) -> Patch:
        """Warp, fetch and paint one area."""
        mouth.warp(area)
        pixels = np.asarray(cv2.remap(still, area.map_x, area.map_y, cv2.INTER_CUBIC, borderMode=cv2.BORDER_REPLICATE))
        mouth.paint(pixels, area)
        return Patch.at(pixels, area.left, area.top)


def _union(rectangles: list[Rectangle]) -> Rectangle:
    """Return the smallest rectangle that holds all."""
    left, top, right, bottom = zip(*rectangles, strict=True)
    return min(left), min(top), max(right), max(bottom)
