"""Reading arrays between their pixels."""

from __future__ import annotations

from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from lipsync_colab.types import Array


def sample(values: NDArray[Any], x: Array, y: Array, outside: str = "edge") -> Array:
    """Return an array's linear interpolation at fractional places.

    Args:
        values: uint8 or float32 (H, W) or (H, W, 1 to 4).
        x: (h, w), columns.
        y: (h, w), rows.
        outside: ``"edge"`` repeats the border, ``"zero"`` reads 0.

    Returns:
        float32 (h, w) or (h, w, channels).
    """
    border = {"edge": cv2.BORDER_REPLICATE, "zero": cv2.BORDER_CONSTANT}[outside]
    places = np.ascontiguousarray(x, np.float32), np.ascontiguousarray(y, np.float32)
    found = cv2.remap(np.ascontiguousarray(values), *places, cv2.INTER_LINEAR, borderMode=border)
    return np.asarray(found, np.float32)


def along(curves: Array, place: Array) -> Array:
    """Return curves, (N,) or (N, up to 4), at fractional places (h, w) of [0, N - 1]: float32 (h, w[, channels])."""
    return sample(np.asarray(curves, np.float32)[None], place, np.zeros_like(place))
