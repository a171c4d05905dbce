"""The still, made ready to be read between its pixels many times."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import cv2
import numpy as np

from lipsync_colab.engines.viseme.floats import Floats
from lipsync_colab.engines.viseme.scratch import Scratch
from lipsync_colab.types import Image

FINEST, COARSEST = 5, 3
"""How many times finer the still is kept, at most and at least. At twice, the linear step between its pixels lost a
fifth of the middle frequencies a quarter of a pixel away from either, and a drifting head grew softer and sharper by
turns; at three times a native picture's sharpness still swings by a quarter over a pixel, at four by a seventh, at five
by a twelfth."""
ROOM = 13_000_000
"""Pixels of the finer still up to which it is finer than :data:`COARSEST`, which is five times at 720 squared: beyond,
building it and reading it cost too much, and sources are seldom as sharp as their pixels."""
TAPS = 14
HIGHEST = 0.85
"""Of the highest frequency: what lies beyond cannot be moved by part of a pixel without loss."""
MOST = 0.4
"""The strongest :func:`fitting_boost`: more would ring."""
SAMPLE, ACROSS, MARGIN = 64, 3, TAPS // 2 + 1
"""Sharpness is looked at in three rows of three squares of a face, of at most so many pixels, each with a margin, which
what lies beyond it would change."""
SHIFTS = (1 / 12, 3 / 12, 5 / 12)
"""Of a pixel, where it is looked at: the linear step loses there what it loses on average, and beyond the half all is
mirrored."""


def fineness(size: tuple[int, int]) -> int:
    """Return how many times finer a still of a size is kept, in [COARSEST, FINEST].

    Example:
        >>> fineness((720, 720)), fineness((896, 896)), fineness((1080, 1080))
        (5, 4, 3)
    """
    return int(np.clip((ROOM / (size[0] * size[1])) ** 0.5, COARSEST, FINEST))


def _between_taps(part: float, finer: int, boost: float) -> Floats:
    """Return what lies a part of the way from one pixel to the next, from seven on either side, float32 (1, TAPS).

    More than band-limited there, because the linear step after it takes off: least squares over frequencies w for the
    response h at which a read anywhere keeps its power on average. With n = ``finer`` and c = cos(w/n) that is
    h² (2 + (n - 2) (2 + c)) + 2 h c = 3 n - 2: the steps to the two whole pixels cannot be raised on their side.

    Args:
        part: in (0, 1).
        finer: how many steps there are from pixel to pixel.
        boost: by what share the highest frequencies are raised above that a third of the way; a read half-way loses
            most of what lies beyond :data:`HIGHEST`, one on a pixel nothing.
    """
    w = np.linspace(0, HIGHEST * np.pi, 200)
    c = np.cos(w / finer)
    square = 2 + (finer - 2) * (2 + c)
    response = (np.sqrt(c**2 + (3 * finer - 2) * square) - c) / square
    response *= 1 + boost * (np.sin(np.pi * part) / np.sin(np.pi / 3)) ** 2 * (w / np.pi) ** 2
    from_here = np.arange(TAPS) - (TAPS // 2 - 1) - part
    waves = np.concatenate([np.cos(w[:, None] * from_here), np.sin(w[:, None] * from_here)])
    taps = np.linalg.lstsq(waves, np.concatenate([response, np.zeros_like(w)]), rcond=None)[0]
    return np.asarray(taps / taps.sum(), np.float32)[None]


OVERSHOOT = 0.5
"""How far a value between two pixels may lie beyond those beside it, of their difference: more would be ringing."""
ROWS = 48
"""Rows read at a time: their coordinates stay in the cache."""


class Still:
    """A picture at some times its size, of which the picture's own pixels are left as they are.

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
        finer: how many times finer it is kept; by default :func:`fineness` of its size.
    """

    def __init__(self, image: Image, boost: float = 0.0, finer: int | None = None) -> None:
        height, width = image.shape[:2]
        self._times = finer or fineness((width, height))
        self.size = width, height
        self._scratch = Scratch()
        taps = [_between_taps(step / self._times, self._times, boost) for step in range(1, self._times)]
        whole = np.asarray(cv2.cvtColor(image, cv2.COLOR_RGB2RGBA))
        self._finer = np.empty((self._times * height, self._times * width, 4), np.uint8)
        for column, pixels in enumerate((whole, *_between(whole, taps, down=False))):
            self._finer[:: self._times, column :: self._times] = pixels
            for row, between in enumerate(_between(pixels, taps, down=True), start=1):
                self._finer[row :: self._times, column :: self._times] = between

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
        finer = self._scratch.take(name, (places.shape[0], places.shape[1]))
        return np.multiply(places, np.float32(self._times), out=finer)


def fitting_boost(image: Image, outline: Floats) -> float:
    """Return the boost at which a moved face is as sharp as the still's on average, in [0, MOST].

    What a source holds beyond :data:`HIGHEST`, which is nothing where it was enlarged and much where it is native or
    was made smaller, is lost between pixels; a little more of what lies below makes up for it.

    Args:
        image: uint8 (H, W, 3).
        outline: (N, 2), points on or in the face, in pixels; their convex hull is looked at.
    """
    samples = list(_samples(image, outline))
    if not samples:
        return 0.0
    finer = fineness((image.shape[1], image.shape[0]))
    wanted = sum(_detail(part, mask) for part, mask in samples)
    plain, most = (
        sum(_moved_detail(Still(part, boost, finer), mask) for part, mask in samples) for boost in (0.0, MOST)
    )
    return float(np.clip(MOST * (wanted - plain) / max(most - plain, 1e-6), 0.0, MOST))


def _samples(image: Image, outline: Floats) -> Iterator[tuple[Image, np.ndarray]]:
    """Yield squares evenly spread over a face and where it lies in each, without their margins.

    Eyes, cheeks and hair differ in what they hold.
    """
    inside = np.zeros(image.shape[:2], np.uint8)
    cv2.fillConvexPoly(inside, cv2.convexHull(outline.astype(np.float32)).round().astype(np.int32), 1)
    low, high = outline.min(axis=0), outline.max(axis=0)
    half = np.minimum(SAMPLE, (high - low) / ACROSS) / 2 + MARGIN
    for place in np.ndindex(ACROSS, ACROSS):
        middle = low + (high - low) * (np.array(place) + 0.5) / ACROSS
        left, top = np.maximum(np.round(middle - half), 0).astype(int)
        right, bottom = np.maximum(np.round(middle + half), 0).astype(int)
        part, mask = image[top:bottom, left:right], inside[top:bottom, left:right]
        if min(part.shape[:2]) > 2 * TAPS:
            yield part, mask[MARGIN:-MARGIN, MARGIN:-MARGIN]


def _moved_detail(still: Still, mask: np.ndarray) -> float:
    """Return the mean :func:`_detail` of a picture that is read between its pixels."""
    x, y = np.meshgrid(*(np.arange(side, dtype=np.float32) for side in still.size))
    reads = [still.read(x + np.float32(dx), y + np.float32(dy)) for dx in SHIFTS for dy in SHIFTS]
    return float(np.mean([_detail(read, mask) for read in reads]))


def _detail(image: Image, mask: np.ndarray) -> float:
    """Return the sum of the luma's squared Laplacian within the margin where a mask is 1."""
    luma = np.asarray(cv2.cvtColor(image, cv2.COLOR_RGB2GRAY), np.float32)
    return float((cv2.Laplacian(luma, cv2.CV_32F)[MARGIN:-MARGIN, MARGIN:-MARGIN] ** 2 * mask).sum())


def _between(pixels: np.ndarray, taps: Sequence[Floats], down: bool) -> Iterator[np.ndarray]:
    """Yield what lies at each step on the way to the next pixel, to the right or down, uint8 like ``pixels``."""
    near, anchor = (np.ones((4, 1), np.uint8), (0, 1)) if down else (np.ones((1, 4), np.uint8), (1, 0))
    low, high = cv2.erode(pixels, near, anchor=anchor), cv2.dilate(pixels, near, anchor=anchor)
    room = cv2.addWeighted(high, OVERSHOOT, low, -OVERSHOOT, 0)
    low, high = cv2.subtract(low, room), cv2.add(high, room)
    last = (slice(-1, None), slice(None)) if down else (slice(None), slice(-1, None))
    middle = TAPS // 2 - 1
    for kernel in taps:
        shaped, at = (kernel.T, (0, middle)) if down else (kernel, (middle, 0))
        between = cv2.filter2D(pixels, -1, shaped, anchor=at, borderType=cv2.BORDER_REPLICATE)
        bounded = np.asarray(cv2.min(cv2.max(between, low), high))
        bounded[last] = pixels[last]
        yield bounded
