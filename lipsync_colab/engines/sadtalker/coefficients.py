"""The 3DMM coefficients of a picture, in the order that SadTalker and PIRenderer share."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch

from lipsync_colab.engines.headmotion.crop import HeadCrop
from lipsync_colab.engines.headmotion.loading import picture_tensor
from lipsync_colab.engines.sadtalker.alignment import Placement, upward
from lipsync_colab.networks.sadtalker.reconstruction import ANGLE_SLICE, EXPRESSION_SLICE, TRANSLATION_SLICE
from lipsync_colab.types import Array, Face, Image

EXPRESSION = slice(0, 64)
POSE = slice(64, 70)
"""Angles in radians, then translation."""
PLACE = slice(70, 73)
"""Scale and position of the face in the crop."""
MEASURED_SIZE = 256
"""Side in pixels of the head crop that is measured."""


class CoefficientReader:
    """Measures heads.

    Args:
        network: :class:`~lipsync_colab.networks.sadtalker.reconstruction.FaceReconstruction`, on its device, float32.
        device: ``"cpu"`` or ``"cuda"``.
    """

    def __init__(self, network: Any, device: str = "cpu") -> None:
        self._network, self._device = network, device

    def read(self, image: Image, face: Face, crop: HeadCrop) -> Array:
        """Return the 73 coefficients of a face, float32: expression 64, angles 3, translation 3, place 3.

        Args:
            image: uint8 (H, W, 3) RGB.
            face: on the image.
            crop: round its head.
        """
        head = crop.cut(image, MEASURED_SIZE)
        points = upward(crop.locate(face.points, MEASURED_SIZE), MEASURED_SIZE)
        placement = Placement.of(points)
        with torch.inference_mode():
            measured = self._network(picture_tensor(placement.crop(head), self._device, "float32"))
        values = measured[0].cpu().numpy()
        parts = (values[EXPRESSION_SLICE], values[ANGLE_SLICE], values[TRANSLATION_SLICE], placement.coefficients)
        return np.concatenate(parts).astype(np.float32)
