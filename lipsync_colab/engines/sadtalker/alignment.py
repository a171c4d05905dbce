"""A face to the crop and the position that the 3D reconstruction was trained on (Deep3DFaceRecon)."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image as Pillow

from lipsync_colab.types import Array, Image

TEMPLATE = np.array(
    [
        [-0.31148657, 0.29036078, 0.13377953],
        [0.30979887, 0.28972036, 0.13179526],
        [0.0032534988, -0.046179324, 0.55244243],
        [-0.25216928, -0.38133916, 0.22405732],
        [0.24846619, -0.38128236, 0.22235769],
    ]
)
"""Eyes, nose tip and mouth corners of the mean face; y points up. From SadTalker's ``similarity_Lm3D_all.mat``."""
CROP = 224
SCALE = 102.0
"""Pixels of the crop in one unit of the template."""


@dataclass(frozen=True)
class Placement:
    """How a picture lies over the mean face.

    Attributes:
        scale: crop pixels in one picture pixel.
        x: of the template's origin in the picture, pixels.
        y: the same, pixels from the picture's *bottom* row.
    """

    scale: float
    x: float
    y: float

    @classmethod
    def of(cls, points: NDArray[np.float64]) -> Placement:
        """Return the least-squares scaled orthographic projection of the template onto five points.

        Args:
            points: (5, 2) eyes, nose tip, mouth corners in pixels, y up.
        """
        system = np.column_stack([TEMPLATE, np.ones(len(TEMPLATE))])
        solution, *_ = np.linalg.lstsq(system, points, rcond=None)
        size = (np.linalg.norm(solution[:3, 0]) + np.linalg.norm(solution[:3, 1])) / 2
        return cls(float(SCALE / size), float(solution[3, 0]), float(solution[3, 1]))

    @property
    def coefficients(self) -> Array:
        """float32 (3,): scale and position, as the networks' last three coefficients."""
        return np.array([self.scale, self.x, self.y], np.float32)

    def corner(self, width: int, height: int) -> tuple[int, int, int, int]:
        """Return the resized picture's size and the crop's top left corner in it: width, height, left, top."""
        wide, high = int(width * self.scale), int(height * self.scale)
        left = int(wide / 2 - CROP / 2 + (self.x - width / 2) * self.scale)
        top = int(high / 2 - CROP / 2 + (height / 2 - self.y) * self.scale)
        return wide, high, left, top

    def crop(self, image: Image) -> Image:
        """Return the face, uint8 (224, 224, 3) RGB; what lies outside the picture is black."""
        height, width = image.shape[:2]
        wide, high, left, top = self.corner(width, height)
        resized = Pillow.fromarray(image).resize((wide, high), Pillow.Resampling.BICUBIC)
        return np.asarray(resized.crop((left, top, left + CROP, top + CROP)), np.uint8)


def upward(points: Array, height: int) -> NDArray[np.float64]:
    """Return picture points (N, 2) with y counted from the bottom row."""
    turned = points.astype(np.float64)
    turned[:, 1] = height - 1 - turned[:, 1]
    return turned
