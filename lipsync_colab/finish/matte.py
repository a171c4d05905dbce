"""Cuts the person out of a still: MediaPipe's selfie segmentation in OpenCV's DNN, its edge refined on the picture."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np

from lipsync_colab.errors import WeightsError
from lipsync_colab.types import Array, Image
from lipsync_colab.weights import store

SIDE = 256
"""Pixels a side of the model's input."""
MODEL = "selfie_segmentation.tflite"
RADIUS = 3
"""Reach of the edge refinement, in pixels of the model's output."""
EPSILON = 1e-4
"""Variance of the guide (in [0, 1]) below which it counts as flat."""
LOW, HIGH = 0.4, 0.9
"""Scores below are background, above are person: a faint haze over the whole backdrop would show."""


class PersonMatte:
    """Says where the person is.

    Args:
        model: ``selfie_segmentation.tflite``; by default the one in the weights store.

    Raises:
        WeightsError: it is missing and cannot be fetched, or is no such model.
    """

    def __init__(self, model: Path | None = None) -> None:
        path = model or store.path_of(MODEL)
        engine = (cv2.dnn.ENGINE_CLASSIC,) if hasattr(cv2.dnn, "ENGINE_CLASSIC") else ()
        try:
            self._network = cv2.dnn.readNetFromTFLite(str(path), *engine)
        except cv2.error as error:
            raise WeightsError(f"{path} cannot be read by OpenCV: run lipsync-colab weights verify") from error

    def __call__(self, image: Image) -> Array:
        """Return float32 (H, W) in [0, 1]: 1 where the person is.

        Args:
            image: uint8 (H, W, 3) RGB.
        """
        height, width = image.shape[:2]
        small = cv2.resize(image, (SIDE, SIDE), interpolation=cv2.INTER_AREA)
        self._network.setInput(cv2.dnn.blobFromImage(small, 1 / 255))
        score = np.asarray(self._network.forward(), np.float32).reshape(SIDE, SIDE)
        score = _largest(score)
        fine = guided((image / 255).astype(np.float32), score, radius=RADIUS)
        share = np.clip((fine - LOW) / (HIGH - LOW), 0, 1)
        # Only a band along the outline is in question: the picture's detail decides nothing far from it.
        reach = np.ones((2 * RADIUS + 1, 2 * RADIUS + 1), np.uint8)
        sure = cv2.resize(cv2.erode((score > HIGH).astype(np.float32), reach), (width, height))
        near = cv2.resize(cv2.dilate((score > LOW).astype(np.float32), reach), (width, height))
        return np.clip(share * share * (3 - 2 * share), sure, near).astype(np.float32)


def _largest(score: Array) -> Array:
    """Keep the largest connected person and drop the islands."""
    count, labels, figures, _ = cv2.connectedComponentsWithStats((score > LOW).astype(np.uint8), connectivity=4)
    if count <= 2:
        return score
    keep = 1 + int(np.argmax(figures[1:, cv2.CC_STAT_AREA]))
    return np.where((labels == keep) | (score <= LOW), score, 0).astype(np.float32)


def guided(guide: Array, values: Array, radius: int) -> Array:
    """Enlarge values so that their edges follow a picture's (fast guided filter, He and Sun, 2015).

    Args:
        guide: float32 (H, W, 3) in [0, 1].
        values: float32 (h, w), at most of the guide's size; the linear model is fitted at this size.
        radius: of the window in pixels of ``values``.

    Returns:
        float32 (H, W).
    """
    window = (2 * radius + 1, 2 * radius + 1)

    def mean(plane: Array) -> Array:
        return np.asarray(cv2.blur(plane, window, borderType=cv2.BORDER_REFLECT), np.float32)

    rows, columns = values.shape
    small = np.asarray(cv2.resize(guide, (columns, rows), interpolation=cv2.INTER_AREA), np.float32)
    value_mean, small_mean = mean(values), mean(small)
    outer = (small[..., :, None] * small[..., None, :]).reshape(rows, columns, 9)
    squares = np.stack([mean(np.ascontiguousarray(outer[..., index])) for index in range(9)], axis=-1)
    covariance = squares.reshape(rows, columns, 3, 3) - small_mean[..., :, None] * small_mean[..., None, :]
    cross = mean(small * values[..., None]) - small_mean * value_mean[..., None]
    slope = np.linalg.solve(covariance + EPSILON * np.eye(3, dtype=np.float32), cross[..., None])[..., 0]
    offset = value_mean - (slope * small_mean).sum(axis=-1)
    size = (guide.shape[1], guide.shape[0])
    large = cv2.resize(mean(slope), size, interpolation=cv2.INTER_LINEAR)
    return (large * guide).sum(axis=-1) + cv2.resize(mean(offset), size, interpolation=cv2.INTER_LINEAR)
