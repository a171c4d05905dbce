"""How far a clip's lips are apart, by finding again where the still's own strips of lip have gone.

The landmark model misses small openings in paintings, behind moustaches and between thin lips (a drawn opening of 0.08
eye distances reads 0.016 on one of them); a strip of picture is found wherever it goes. It needs lips that hardly part
in the still: those of a smile change their shape too much.
"""

from __future__ import annotations

from collections.abc import Iterable

import cv2
import numpy as np

from lipsync_colab.engines.viseme.mouth import Mouth
from lipsync_colab.types import Array, Image

HALF_WIDTH, HEIGHT = 0.16, 0.14
"""Of a strip in eye distances: longer ones are bent with the lips, lower ones are found where they are not."""
HEAD = (0.08, 0.12, 0.12)
"""How far the upper strip may go with the head: to either side, up and down."""
JAW = (0.03, 0.02, 0.27)
"""How far the lower strip may go from the upper one."""


class LipStrips:
    """A strip of the still above the lips' line and one below it.

    Args:
        image: uint8 (H, W, 3) RGB, the still at the clip's size.
        mouth: on it, its lips closed or hardly parted.
    """

    def __init__(self, image: Image, mouth: Mouth) -> None:
        grey = cv2.cvtColor(image, cv2.COLOR_RGB2GRAY)
        source = mouth.lips.source
        upper, lower = float(source.inner_upper[5, 1]), float(source.inner_lower[5, 1])
        self._unit = mouth.facing.unit
        self._parted = mouth.lips.parted
        self._down = mouth.facing.axes[:2, 1] / np.linalg.norm(mouth.facing.axes[:2, 1])
        self._strips = [_cut(grey, mouth, top) for top in (upper - HEIGHT, lower)]

    def opening(self, frame: Image) -> float:
        """Return how far the lips are apart in a frame (H, W, 3), in eye distances along the mouth's down."""
        grey = cv2.cvtColor(frame, cv2.COLOR_RGB2GRAY)
        (above, above_at), (below, below_at) = self._strips
        head = self._found(grey, above, above_at, np.zeros(2, np.float32), HEAD)
        side, up, down = JAW
        jaw = self._found(grey, below, below_at, head, (side, up + self._parted, down - self._parted))
        return self._parted + float((jaw - head) @ self._down) / self._unit

    def _found(
        self, grey: np.ndarray, strip: np.ndarray, home: np.ndarray, away: Array, reach: tuple[float, float, float]
    ) -> Array:
        """Return by how much a strip has moved from its home, looked for around ``away``; float (2,) in pixels."""
        side, up, down = (round(distance * self._unit) for distance in reach)
        start = home + np.round(away).astype(int)
        low = np.maximum(start - (side, up), 0)
        high = start + np.array([side, down]) + strip.shape[::-1]
        found = cv2.matchTemplate(grey[low[1] : high[1], low[0] : high[0]], strip, cv2.TM_CCOEFF_NORMED)
        scores = np.asarray(found, np.float32)
        row, column = _highest(scores)
        summit = np.array([_summit(scores[row], column), _summit(scores[:, column], row)])
        return np.asarray(low + summit - home, np.float32)


def strip_openings(image: Image, mouth: Mouth, frames: Iterable[Image]) -> Array:
    """Return how far the lips are apart in each frame of a clip, float32 (frames,) in eye distances."""
    strips = LipStrips(image, mouth)
    return np.array([strips.opening(frame) for frame in frames], np.float32)


def _cut(grey: np.ndarray, mouth: Mouth, top: float) -> tuple[np.ndarray, np.ndarray]:
    """Return a strip of the picture that begins so far down in face coordinates, and its left top corner."""
    corners = [(across, down, 0.0) for across in (-HALF_WIDTH, HALF_WIDTH) for down in (top, top + HEIGHT)]
    places = mouth.facing.picture(np.array(corners))
    low, high = np.floor(places.min(axis=0)).astype(int), np.ceil(places.max(axis=0)).astype(int)
    return grey[low[1] : high[1], low[0] : high[0]], low


def _highest(scores: Array) -> tuple[int, int]:
    """Return the row and column of the highest score.

    Scores that still rise at the lower end of where was looked belong to something else, which lies beyond: a chin.
    """
    rows = scores.max(axis=1)
    falling = np.flatnonzero(np.diff(rows) < 0)
    row = int(rows[: falling[-1] + 1].argmax()) if len(falling) else 0
    return row, int(scores[row].argmax())


def _summit(scores: Array, at: int) -> float:
    """Return where a parabola through a maximum and its neighbours is highest."""
    if not 0 < at < len(scores) - 1:
        return float(at)
    before, here, after = (float(score) for score in scores[at - 1 : at + 2])
    bend = before - 2 * here + after
    return at + 0.5 * (before - after) / bend if bend < 0 else float(at)
