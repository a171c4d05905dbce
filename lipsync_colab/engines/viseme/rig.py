"""One frame of a talking face: a pose in, patches for the still out."""

from __future__ import annotations

from collections.abc import Mapping

import cv2

from lipsync_colab.engines.viseme.area import Area
from lipsync_colab.engines.viseme.mouth import Mouth
from lipsync_colab.types import Image, Patch, Patches, Portrait


class FaceRig:
    """A portrait that can be posed.

    Args:
        portrait: the still at output size, with the face's mesh on it.
    """

    def __init__(self, portrait: Portrait) -> None:
        self._image = portrait.image
        self._mouth = Mouth(portrait)

    def render(self, pose: Mapping[str, float]) -> Patches:
        """Return what a pose changes in the still.

        Args:
            pose: parameters of :data:`~lipsync_colab.engines.viseme.motion.CHANNELS`; missing ones are 0.

        Returns:
            Patches on whole pixels that equal the still along their borders.
        """
        mouth = self._mouth.pose(pose)
        if mouth.region is None:
            return ()
        area = Area.still(mouth.region)
        mouth.warp(area)
        pixels = self._fetch(area)
        mouth.paint(pixels, area)
        return (Patch.at(pixels, area.left, area.top),)

    def _fetch(self, area: Area) -> Image:
        """Resample the still at an area's coordinates."""
        return cv2.remap(self._image, area.map_x, area.map_y, cv2.INTER_CUBIC, borderMode=cv2.BORDER_REPLICATE)
