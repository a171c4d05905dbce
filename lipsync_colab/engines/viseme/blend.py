"""One value a pixel against colours: numpy's broadcasting over a last axis of three costs ten times as much."""

from __future__ import annotations

import cv2
import numpy as np

from lipsync_colab.engines.viseme.floats import Floats


def spread(plane: Floats, channels: int = 3) -> Floats:
    """Return a plane (h, w) repeated in every channel, (h, w, channels) of the same type."""
    return cv2.merge([plane] * channels)


def coloured(plane: Floats, colour: Floats) -> Floats:
    """Return a colour (3,) as strong as a plane says, (h, w, 3) of the plane's type.

    Example:
        >>> coloured(np.full((1, 1), 2, np.float32), np.array([1, 2, 3], np.float32)).tolist()
        [[[2.0, 4.0, 6.0]]]
    """
    return cv2.merge([plane * plane.dtype.type(value) for value in colour])


def mix(under: Floats, over: Floats, share: Floats) -> Floats:
    """Return ``over`` laid over ``under``, both (h, w, 3), where ``share`` (h, w) says; ``under`` is used up."""
    over = np.subtract(over, under)
    over *= spread(share)
    under += over
    return under
