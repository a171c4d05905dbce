"""How a drawn head lies compared with the still's, by the landmarks of both: what a restorer follows."""

from __future__ import annotations

import dataclasses

import numpy as np

from lipsync_colab.engines.headmotion.crop import HeadCrop
from lipsync_colab.engines.headmotion.similarity import similarity
from lipsync_colab.portrait.landmarks import FaceTracker
from lipsync_colab.types import Array, Face, Image

AT_REST = np.eye(2, 3, dtype=np.float32)


class Leaning:
    """Finds the face in drawn heads.

    Args:
        face: on the still.
        crop: of the head on the still.
        size: side of a drawn head in pixels.
    """

    def __init__(self, face: Face, crop: HeadCrop, size: int) -> None:
        inside = dataclasses.replace(face, mesh=face.mesh.copy())
        inside.mesh[:, :2] = crop.locate(face.landmarks, size)
        low, high = inside.mesh[:468, :2].min(axis=0), inside.mesh[:468, :2].max(axis=0)
        self._face = dataclasses.replace(inside, box=(float(low[0]), float(low[1]), float(high[0]), float(high[1])))
        self._tracker = FaceTracker()
        self._last = AT_REST

    def of(self, head: Image) -> Array:
        """Return the motion of a drawn head, float32 (2, 3), crop to crop; the last one where no face is found.

        Args:
            head: uint8 (size, size, 3) RGB.
        """
        found = self._tracker.detect(head, near=self._face)
        if found:
            self._last = similarity(self._face.points, found[0].points)
        return self._last

    def close(self) -> None:
        """Free the landmark model."""
        self._tracker.close()
