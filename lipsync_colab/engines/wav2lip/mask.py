"""Which pixels of the crop are taken from the network: mouth, chin and lower cheeks, with a feathered edge."""

from __future__ import annotations

from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from lipsync_colab.engines.wav2lip.crop import FaceCrop
from lipsync_colab.networks.wav2lip import FACE_SIZE
from lipsync_colab.types import Array, Face

REGION = (
    *(397, 365, 379, 378, 400, 377, 152, 148, 176, 149, 150, 136, 172),
    *(205, 97, 164, 326, 425),
)
"""Mesh vertices round the region: the jaw line from side to side, then cheeks and the groove under the nose."""
FEATHER = 8.0
"""Width of the edge in crop pixels, half of it inside the region: about a twelfth of the face's height."""
RIM = 5.0
"""The mask falls to 0 over this many pixels at the crop's border."""
FINE = 4
"""The region is drawn this many times finer than the crop."""


def mouth_mask(face: Face, crop: FaceCrop) -> Array:
    """Return the mask of the region that speaks.

    Args:
        face: with its mesh on the still.
        crop: where the network's square lies on the still.

    Returns:
        float32 (96, 96) in [0, 1], exactly 0 in the outermost pixels.
    """
    outline = crop.locate(face.landmarks[list(REGION)])
    side = FACE_SIZE * FINE
    drawn = np.zeros((side, side), np.uint8)
    corners = np.round((outline + 0.5) * FINE - 0.5).astype(np.int32)
    cv2.fillPoly(drawn, [corners], (1,))
    inside = cv2.distanceTransform(drawn, cv2.DIST_L2, cv2.DIST_MASK_PRECISE)
    outside = cv2.distanceTransform(1 - drawn, cv2.DIST_L2, cv2.DIST_MASK_PRECISE)
    # Distances run between pixel centres, the outline lies half a pixel before them.
    distance = np.maximum(inside - 0.5, 0) - np.maximum(outside - 0.5, 0)
    signed = cv2.resize(distance / FINE, (FACE_SIZE, FACE_SIZE), interpolation=cv2.INTER_AREA)
    return smooth_step(signed / FEATHER + 0.5) * _rim()


def _rim() -> Array:
    """0 in the outermost pixels, 1 from ``RIM`` pixels inwards."""
    position = np.arange(FACE_SIZE)
    ramp = smooth_step(np.minimum(position, FACE_SIZE - 1 - position) / RIM)
    return np.minimum(ramp[:, None], ramp[None, :])


def smooth_step(value: NDArray[Any]) -> Array:
    """Return 0 below 0, 1 above 1, and a cubic with level ends between."""
    value = np.clip(value, 0, 1)
    return np.asarray(value * value * (3 - 2 * value), np.float32)
