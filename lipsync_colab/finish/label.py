"""The visible mark: a small opaque plate that says the picture is generated."""

from __future__ import annotations

import numpy as np
from PIL import Image as Picture
from PIL import ImageDraw, ImageFont

from lipsync_colab.types import Image

TEXT = "AI-generated"


class Label:
    """A plate for frames of one size.

    Args:
        size: ``(width, height)`` of the frame in pixels.
    """

    def __init__(self, size: tuple[int, int]) -> None:
        height = max(12, min(size) // 36)
        font = ImageFont.load_default(size=height)
        left, top, right, bottom = font.getbbox(TEXT)
        pad = height // 3
        plate = Picture.new("RGB", (round(right - left) + 2 * pad, round(bottom - top) + 2 * pad), (24, 24, 24))
        ImageDraw.Draw(plate).text((pad - left, pad - top), TEXT, font=font, fill=(235, 235, 235))
        self._plate = np.asarray(plate)[: size[1], : size[0]]
        margin = height // 2
        self._left = max(0, size[0] - self._plate.shape[1] - margin)
        self._top = max(0, size[1] - self._plate.shape[0] - margin)

    def draw(self, frame: Image) -> tuple[int, int, int, int]:
        """Lay the plate into a frame's lower right corner, in place.

        Returns:
            ``(left, top, right, bottom)`` of what was drawn over.
        """
        height, width = self._plate.shape[:2]
        right, bottom = self._left + width, self._top + height
        frame[self._top : bottom, self._left : right] = self._plate
        return self._left, self._top, right, bottom
