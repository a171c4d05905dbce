"""The square of the picture that a moving head is drawn in."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from lipsync_colab.types import Array, Face, Image

LEFT_EYE = (33, 160, 158, 133, 153, 144)
RIGHT_EYE = (362, 385, 387, 263, 373, 380)
"""Mesh vertices at the six points round each eye of the usual 68-point scheme (picture left, right)."""
MOUTH_CORNERS = (61, 291)
EYES_FACTOR, MOUTH_FACTOR, DOWN = 2.0, 1.8, 0.1
"""Half side in eye distances or in eye-to-mouth distances, whichever is larger; shift of the centre towards the
mouth: the alignment of the FFHQ data set, which the networks' training crops follow."""


@dataclass(frozen=True)
class HeadCrop:
    """A square on the still; it may reach beyond the border, where the border is repeated.

    Attributes:
        left: pixels.
        top: pixels.
        side: pixels.
    """

    left: int
    top: int
    side: int

    @classmethod
    def of_points(cls, eyes: NDArray[np.float64], mouth: NDArray[np.float64]) -> HeadCrop:
        """Return the square round a head.

        Args:
            eyes: (2, 2) eye centres, picture left and right.
            mouth: (2, 2) mouth corners, picture left and right.
        """
        between = eyes[1] - eyes[0]
        middle = eyes.mean(0)
        down = mouth.mean(0) - middle
        axis = between + np.array([down[1], -down[0]])
        axis /= np.hypot(*axis)
        axis *= max(np.hypot(*between) * EYES_FACTOR, np.hypot(*down) * MOUTH_FACTOR)
        half = np.abs(axis).sum()
        low = middle + DOWN * down - half + 0.5
        left, top = (int(value) for value in np.floor(low))
        return cls(left, top, max(2, int(np.floor(low[0] + 2 * half)) - left))

    @classmethod
    def of_face(cls, face: Face) -> HeadCrop:
        """Return the square round a face with its mesh."""
        marks = face.landmarks.astype(np.float64)
        eyes = np.stack([marks[list(LEFT_EYE)].mean(0), marks[list(RIGHT_EYE)].mean(0)])
        return cls.of_points(eyes, marks[list(MOUTH_CORNERS)])

    def transform(self, size: int) -> Array:
        """Return crop pixels to still pixels, float32 (2, 3), for a crop of ``size`` pixels."""
        scale = self.side / size
        shift = (scale - 1) / 2
        return np.array([[scale, 0, self.left + shift], [0, scale, self.top + shift]], np.float32)

    def locate(self, points: Array, size: int) -> Array:
        """Return still pixels (N, 2) as crop pixels."""
        matrix = self.transform(size)
        return ((points - matrix[:, 2]) / matrix[0, 0]).astype(np.float32)

    def cut(self, image: Image, size: int) -> Image:
        """Return the square, uint8 (size, size, 3) RGB."""
        height, width = image.shape[:2]
        rows = np.clip(np.arange(self.top, self.top + self.side), 0, height - 1)
        columns = np.clip(np.arange(self.left, self.left + self.side), 0, width - 1)
        square = image[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]
        square = square[rows - rows[0]][:, columns - columns[0]]
        method = cv2.INTER_AREA if self.side > size else cv2.INTER_CUBIC
        return np.asarray(cv2.resize(square, (size, size), interpolation=method), np.uint8)
