"""The array type of the rig's geometry."""

from __future__ import annotations

from typing import Any

from numpy.typing import NDArray

Floats = NDArray[Any]
"""Floats of either precision: geometry is worked out in double, pixels in single."""
