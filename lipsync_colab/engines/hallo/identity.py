"""Who the person is, as a face recogniser says it: 512 numbers of ArcFace (glintr100)."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np

from lipsync_colab.engines.headmotion.similarity import similarity
from lipsync_colab.errors import WeightsError
from lipsync_colab.types import Array, Face, Image

SIDE = 112
TEMPLATE = np.array(
    [[38.2946, 51.6963], [73.5318, 51.5014], [56.0252, 71.7366], [41.5493, 92.3655], [70.7299, 92.2041]]
)
"""Eyes, nose tip and mouth corners of an aligned face (Deng et al. 2019, published with InsightFace)."""
LENGTH = 512


def aligned(image: Image, face: Face) -> Image:
    """Return the face as the recogniser was trained to see it.

    Args:
        image: uint8 (H, W, 3) RGB.
        face: on it.

    Returns:
        uint8 (112, 112, 3) RGB, black where the picture ends.
    """
    turn = similarity(face.points.astype(np.float64), TEMPLATE)
    return np.asarray(cv2.warpAffine(image, turn, (SIDE, SIDE), borderValue=(0, 0, 0)), np.uint8)


def identity(image: Image, face: Face, model: Path) -> Array:
    """Return the embedding of a face, float32 (1, 512), not normalised.

    Args:
        image: uint8 (H, W, 3) RGB.
        face: on it.
        model: ``glintr100.onnx``.

    Raises:
        WeightsError: the file is no such recogniser.
    """
    import onnxruntime

    values = (aligned(image, face).astype(np.float32) - 127.5) / 127.5
    faces = np.ascontiguousarray(values.transpose(2, 0, 1)[None])
    try:
        session = onnxruntime.InferenceSession(str(model), providers=["CPUExecutionProvider"])
        (found,) = session.run(None, {session.get_inputs()[0].name: faces})
    except Exception as error:  # onnxruntime's own classes share no base
        reason = " ".join(str(error).split())[:120]
        raise WeightsError(f"{model.name} is no readable face recogniser ({reason}); fetch it again") from error
    if found.shape != (1, LENGTH):
        raise WeightsError(f"{model.name} gives {found.shape}, not 512 numbers: it is another network; fetch it again")
    return np.asarray(found, np.float32)
