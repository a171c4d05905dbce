"""The still, made ready to be read between its pixels many times."""

from __future__ import annotations

import cv2
import numpy as np

from lipsync_colab.engines.viseme.floats import Floats
from lipsync_colab.engines.viseme.scratch import Scratch
from lipsync_colab.types import Image

FINER = 3
"""How many times finer the still is kept. At twice, the linear step between its pixels lost a fifth of the middle
frequencies a quarter of a pixel away from either, and a drifting head grew softer and sharper by turns."""
TAPS = 14
HIGHEST = 0.85
"""Of the highest frequency: what lies beyond cannot be moved by part of a pixel without loss."""
MOST = 0.4
"""The strongest :func:`fitting_boost`: more would ring."""
SAMPLE = 192
"""Side in pixels of the part of a face on which sharpness is looked at."""
SHIFTS = (0.07, 0.4, 0.74)
"""Of a pixel, where it is looked at: the linear step loses there what it loses on average."""


def _third(boost: float) -> Floats:
    """Return what lies a third of the way from one pixel to the next, from seven on either side, float32 (1, TAPS).

    More than band-limited there, because the linear step after it takes off: least squares over frequencies w for the
    response h at which a read anywhere keeps its power on average, h² (4 + cos(w/3)) + 2 h cos(w/3) = 7.

    Args:
        boost: by what share the highest frequencies are raised above that.
    """
    w = np.linspace(0, HIGHEST * np.pi, 200)
    c = np.cos(w / 3)
    response = (np.sqrt(c**2 + 7 * (4 + c)) - c) / (4 + c) * (1 + boost * (w / np.pi) ** 2)
    from_here = np.arange(TAPS) - (TAPS // 2 - 1) - 1 / 3
    waves = np.concatenate([np.cos(w[:, None] * from_here), np.sin(w[:, None] * from_here)])
    taps = np.linalg.lstsq(waves, np.concatenate([response, np.zeros_like(w)]), rcond=None)[0]
    return np.asarray(taps / taps.sum(), np.float32)[None]


OVERSHOOT = 0.5
"""How far a value between two pixels may lie beyond those beside it, of their difference: more would be ringing."""
ROWS = 48
"""Rows read at a time: their coordinates stay in the cache."""


class Still:
    """A picture at three times its size of which every third pixel is the picture's own.

    Reading it linearly keeps the picture's sharpness, which reading it by cubic convolution does not, and is four
    times as fast as that; at whole pixels it gives them exactly. The fourth channel only lets OpenCV read a pixel at
    once.

    Example:
        >>> still = Still(np.full((4, 4, 3), 9, np.uint8))
        >>> still.read(np.full((1, 1), 1.5, np.float32), np.zeros((1, 1), np.float32)).tolist()
        [[[9, 9, 9]]]

    Args:
        image: uint8 (H, W, 3).
        boost: see :func:`fitting_boost`.
    """

    def __init__(self, image: Image, boost: float = 0.0) -> None:
        third = _third(boost)
        self._scratch = Scratch()
        height, width = image.shape[:2]
        whole = np.asarray(cv2.cvtColor(image, cv2.COLOR_RGB2RGBA))
        self._finer = np.empty((FINER * height, FINER * width, 4), np.uint8)
        for column, pixels in enumerate((whole, _between(whole, third), _between(whole, third[:, ::-1]))):
            self._finer[::FINER, column::FINER] = pixels
            for row, kernel in enumerate((third.T, third[:, ::-1].T), start=1):
                self._finer[row::FINER, column::FINER] = _between(pixels, kernel)

    def read(self, x: Floats, y: Floats) -> Image:
        """Return the colours at places of the picture, uint8 (h, w, 3); beyond its edges they repeat.

        Args:
            x: float32 (h, w) in pixels, centres at integers.
            y: the same, downwards.
        """
        colours = np.empty((*x.shape, 3), np.uint8)
        for top in range(0, len(x), ROWS):
            rows = slice(top, top + ROWS)
            found = cv2.remap(
                self._finer,
                self._places("x", x[rows]),
                self._places("y", y[rows]),
                cv2.INTER_LINEAR,
                borderMode=cv2.BORDER_REPLICATE,
            )
            cv2.cvtColor(found, cv2.COLOR_RGBA2RGB, dst=colours[rows])
        return colours

    def _places(self, name: str, places: Floats) -> Floats:
        return np.multiply(places, np.float32(FINER), out=self._scratch.take(name, (places.shape[0], places.shape[1])))


def fitting_boost(image: Image, box: tuple[float, float, float, float]) -> float:
    """Return the boost at which a moved picture is as sharp as the still in some place, in [0, MOST].

    What a source holds beyond :data:`HIGHEST`, which is nothing where it was enlarged and much where it is native or
    was made smaller, is lost between pixels; a little more of what lies below makes up for it.

    Args:
        image: uint8 (H, W, 3).
        box: of the face, left, top, right and bottom in pixels; its middle is looked at.
    """
    across, down = (round((box[axis] + box[axis + 2]) / 2) for axis in (0, 1))
    half = min(SAMPLE, round(box[2] - box[0]), round(box[3] - box[1])) // 2
    part = image[max(down - half, 0) : down + half, max(across - half, 0) : across + half]
    if min(part.shape[:2]) < 2 * TAPS:
        return 0.0
    wanted = _sharpness(part)
    plain, most = (_moved_sharpness(part, boost) for boost in (0.0, MOST))
    return float(np.clip(MOST * (wanted - plain) / max(most - plain, 1e-6), 0.0, MOST))


def _moved_sharpness(image: Image, boost: float) -> float:
    """Return the mean sharpness of a picture that is read between its pixels."""
    still = Still(image, boost)
    x, y = np.meshgrid(*(np.arange(side, dtype=np.float32) for side in image.shape[1::-1]))
    reads = [still.read(x + np.float32(dx), y + np.float32(dy)) for dx in SHIFTS for dy in SHIFTS]
    return float(np.mean([_sharpness(read) for read in reads]))


def _sharpness(image: Image) -> float:
    """Return the variance of the luma's Laplacian away from the border."""
    luma = np.asarray(cv2.cvtColor(image, cv2.COLOR_RGB2GRAY), np.float32)
    return float(cv2.Laplacian(luma, cv2.CV_32F)[2:-2, 2:-2].var())


def _between(pixels: np.ndarray, kernel: Floats) -> np.ndarray:
    """Return what lies on the way to the next pixel along a kernel's direction, uint8 like ``pixels``."""
    down, across = (size // 2 - 1 if size > 1 else 0 for size in kernel.shape)
    between = cv2.filter2D(pixels, -1, kernel, anchor=(across, down), borderType=cv2.BORDER_REPLICATE)
    near = np.ones((4, 1) if down else (1, 4), np.uint8)
    anchor = (0, 1) if down else (1, 0)
    low, high = cv2.erode(pixels, near, anchor=anchor), cv2.dilate(pixels, near, anchor=anchor)
    room = cv2.addWeighted(high, OVERSHOOT, low, -OVERSHOOT, 0)
    bounded = np.asarray(cv2.min(cv2.max(between, cv2.subtract(low, room)), cv2.add(high, room)))
    last = (slice(-1, None), slice(None)) if down else (slice(None), slice(-1, None))
    bounded[last] = pixels[last]
    return bounded
