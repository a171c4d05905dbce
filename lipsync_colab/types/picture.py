"""Pictures: a portrait with its face, and the patches that are laid over it."""

from __future__ import annotations

import dataclasses
import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Image = NDArray[np.uint8]
"""uint8 (H, W, 3) RGB."""
Array = NDArray[np.float32]


@dataclass(frozen=True, eq=False)
class Face:
    """One face found in a picture.

    Attributes:
        box: ``(left, top, right, bottom)`` in pixels, the extent of the landmarks.
        mesh: float32 (478, 3): x and y in pixels, z in pixels too (towards the camera is negative),
            in the vertex order of MediaPipe's FaceLandmarker.
        blendshapes: the model's 52 expression scores in [0, 1] by name; empty when the backend has none.
        score: the detector's confidence in [0, 1].
    """

    box: tuple[float, float, float, float]
    mesh: Array
    blendshapes: dict[str, float] = dataclasses.field(default_factory=dict)
    score: float = 1.0

    @property
    def landmarks(self) -> Array:
        """float32 (478, 2): the mesh's x and y in pixels."""
        return self.mesh[:, :2]

    @property
    def points(self) -> Array:
        """float32 (5, 2): eye centres (picture left, right), nose tip, mouth corners (picture left, right)."""
        marks = self.landmarks
        left = (marks[33] + marks[133]) / 2
        right = (marks[362] + marks[263]) / 2
        return np.stack([left, right, marks[1], marks[61], marks[291]]).astype(np.float32)

    @property
    def eye_distance(self) -> float:
        """Distance between the eye centres in pixels: the unit ``u`` of the rigs (about 63 mm)."""
        return float(np.linalg.norm(self.points[1] - self.points[0]))

    def moved(self, transform: Array) -> Face:
        """Return the face under an affine transform.

        Args:
            transform: float (2, 3), old pixels to new pixels. z is scaled by the transform's mean scale.
        """
        matrix = np.asarray(transform, np.float64)
        scale = math.sqrt(abs(np.linalg.det(matrix[:, :2])))
        flat = self.mesh[:, :2] @ matrix[:, :2].T + matrix[:, 2]
        mesh = np.column_stack([flat, self.mesh[:, 2] * scale]).astype(np.float32)
        low, high = mesh[:468, :2].min(axis=0), mesh[:468, :2].max(axis=0)
        box = (float(low[0]), float(low[1]), float(high[0]), float(high[1]))
        return dataclasses.replace(self, box=box, mesh=mesh)


@dataclass(frozen=True, eq=False)
class Portrait:
    """A still picture and the face in it that will speak.

    Attributes:
        image: uint8 (H, W, 3) RGB, upright.
        face: the chosen face.
        source: the file's name or a short description, for messages and provenance.
        others: every other face that was found; they are left untouched.
    """

    image: Image
    face: Face
    source: str = ""
    others: tuple[Face, ...] = ()

    @property
    def size(self) -> tuple[int, int]:
        """``(width, height)`` in pixels."""
        return self.image.shape[1], self.image.shape[0]


@dataclass(frozen=True, eq=False)
class Patch:
    """A piece of picture to lay over the still.

    Attributes:
        pixels: uint8 (h, w, 3) RGB.
        transform: float32 (2, 3), patch pixels to still pixels (pixel centres at integers). A pure
            translation by whole pixels is laid in without resampling.
        mask: float32 (h, w) in [0, 1], 0 at the border; None when the patch already equals the still
            along its border and replaces what lies under it.
        motion: float32 (2, 3), still to still: where the engine moved the head in this frame, so that a restorer
            follows it; None where the head is still.
    """

    pixels: Image
    transform: Array
    mask: Array | None = None
    motion: Array | None = None

    @classmethod
    def at(cls, pixels: Image, left: int, top: int, mask: Array | None = None) -> Patch:
        """Return a patch whose top left pixel lies on still pixel ``(left, top)``."""
        return cls(pixels, np.array([[1, 0, left], [0, 1, top]], np.float32), mask)


Patches = tuple[Patch, ...]
"""What one frame lays over the still, in order; empty when nothing moves."""
