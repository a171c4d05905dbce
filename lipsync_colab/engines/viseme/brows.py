"""The brows: how far the skin round them goes up, and whether glasses stand before them."""

from __future__ import annotations

import numpy as np
from scipy.ndimage import gaussian_filter1d

from lipsync_colab.engines.viseme.eye_opening import BROW_HIGH, BROW_LOW, UPPER
from lipsync_colab.engines.viseme.light import LUMA
from lipsync_colab.engines.viseme.ramp import smoothstep
from lipsync_colab.engines.viseme.sampling import along, sample
from lipsync_colab.types import Array, Portrait

SAMPLES = 128
ACROSS = 1.3  # half the width of the field, eye distances
LID_GAP = 0.055  # the raise begins this far above the upper lid's margin, eye distances
RAISE = 0.05  # eye distances at an amount of 1
BEHIND_GLASSES = 0.25  # rims would bend with the skin
GENTLE = 10.0  # pixels between lid and brow from which a raise is whole: nearer, it would tear the lid's edge
FOREHEAD = 0.5  # the raise runs out this far above the brow, eye distances
INNER = (0.12, 0.62)
"""A frown is whole up to the first distance from the middle and gone at the second, eye distances."""
FROWN = 1.1  # of a full raise
TOGETHER = 0.45  # of the way down
BRIDGE = (168, 6, 197)
"""The ridge of the nose between the eyes, where glasses rest."""
GLASSES_EDGE = 0.12  # contrast per hundredth of an eye distance on the bridge that only a frame shows


class Brows:
    """Both brows as one field across the forehead, in the frame of the line through the eyes."""

    def __init__(self, portrait: Portrait) -> None:
        face = portrait.face
        left, right = face.points[:2].astype(np.float64)
        self._unit = max(face.eye_distance, 1.0)
        self._origin = (left + right) / 2
        self._along = (right - left) / self._unit
        self._down = np.array([-self._along[1], self._along[0]])
        marks = face.landmarks.astype(np.float64)
        lid = self._curve(np.concatenate([marks[list(side)] for side in UPPER]))
        low = self._curve(np.concatenate([marks[list(side)] for side in BROW_LOW]))
        top = self._curve(np.concatenate([marks[list(side)] for side in BROW_HIGH]))
        self._lid = lid - LID_GAP
        self._low = np.clip(low, self._lid - 0.34, self._lid - 0.07)
        self._top = np.minimum(top, self._low - 0.04)
        room = float(np.percentile(self._lid - self._low, 20))
        free = (BEHIND_GLASSES if glasses(portrait) else 1.0) * float(smoothstep(room * self._unit / GENTLE))
        self.height = min(RAISE, 0.36 * room) * self._unit * free

    def box(self) -> Array:
        """Return the corners, float64 (4, 2) in pixels, of what a raise moves."""
        high, low = self._top.min() - FOREHEAD, self._lid.max()
        corners = np.array([[-ACROSS, high], [ACROSS, high], [-ACROSS, low], [ACROSS, low]]) * self._unit
        return self._origin + corners[:, :1] * self._along + corners[:, 1:] * self._down

    def field(self, x: Array, y: Array) -> Array:
        """Return the displacement of the source coordinates at a full raise, float (h, w, 2) in pixels."""
        raised, _ = self._raised(x, y)
        return self.height * raised[..., None] * self._down

    def frown(self, x: Array, y: Array) -> Array:
        """Return the displacement of the source coordinates at a full frown, float (h, w, 2) in pixels.

        The inner ends of the brows come down and together, the outer ones stay.
        """
        raised, across = self._raised(x, y)
        inner = 1 - smoothstep((np.abs(across) - INNER[0]) / (INNER[1] - INNER[0]))
        # Towards the middle from both sides: 0 on the ridge of the nose, so that nothing tears there.
        inwards = np.sin(np.pi * np.clip(across / INNER[1], -1, 1)) * TOGETHER
        share = FROWN * self.height * raised[..., None]
        return share * (inwards[..., None] * self._along - inner[..., None] * self._down)

    def _raised(self, x: Array, y: Array) -> tuple[Array, Array]:
        """Return how far each place goes along with the brows, (h, w) in [0, 1], and where it lies across the face."""
        dx, dy = (x - self._origin[0]) / self._unit, (y - self._origin[1]) / self._unit
        across = self._along[0] * dx + self._along[1] * dy
        below = self._down[0] * dx + self._down[1] * dy
        place = (across / ACROSS + 1) / 2 * (SAMPLES - 1)
        lid, low, top = (along(curve, np.asarray(place, np.float32)) for curve in (self._lid, self._low, self._top))
        raised = smoothstep((lid - below) / (lid - low)) * (1 - smoothstep((top - below) / FOREHEAD))
        return raised * smoothstep((ACROSS - np.abs(across)) / 0.5), across

    def _curve(self, points: Array) -> Array:
        """Height below the eyes' line along it, in eye distances, (SAMPLES,)."""
        offset = (points - self._origin) / self._unit
        a, b = offset @ self._along, offset @ self._down
        order = np.argsort(a)
        return gaussian_filter1d(np.interp(np.linspace(-ACROSS, ACROSS, SAMPLES), a[order], b[order]), 3.5)


def glasses(portrait: Portrait) -> bool:
    """Tell whether glasses rest on the nose: the ridge between the eyes is crossed by edges that skin does not have."""
    return bridge_contrast(portrait) > GLASSES_EDGE


def bridge_contrast(portrait: Portrait) -> float:
    """Return the steepest change of brightness down the ridge of the nose, per hundredth of an eye distance."""
    face = portrait.face
    unit = face.eye_distance
    high, low = face.landmarks[BRIDGE[0]].astype(np.float64), face.landmarks[BRIDGE[-1]].astype(np.float64)
    left, right = face.points[:2].astype(np.float64)
    across = (right - left) / max(unit, 1e-6)
    high, low = high - 0.1 * (low - high), low + 0.2 * (low - high)
    v = np.linspace(0, 1, 80)[:, None, None]
    h = np.linspace(-0.05, 0.05, 9)[None, :, None] * unit
    places = (high + v * (low - high) + h * across).astype(np.float32)
    colours = sample(portrait.image, places[..., 0], places[..., 1])
    rows = (colours @ LUMA).mean(axis=1)
    spacing = float(np.hypot(*(low - high))) / 79 / (0.01 * unit)
    return float(np.abs(np.diff(rows)).max() / spacing / max(np.median(rows), 20))
