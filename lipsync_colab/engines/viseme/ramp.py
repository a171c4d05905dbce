"""The one soft step that every falloff here is made of."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray


def smoothstep(x: Any) -> NDArray[Any]:
    """Return the cubic step of a number or an array: 0 for x <= 0, 1 for x >= 1, level at both ends."""
    x = np.clip(x, 0, 1)
    return x * x * (3 - 2 * x)
