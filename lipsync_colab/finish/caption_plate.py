"""Captions in the picture: white letters on a dark plate within the safe area; nothing outside the plate changes."""

from __future__ import annotations

import functools
import unicodedata
from collections.abc import Sequence
from fractions import Fraction
from pathlib import Path

import numpy as np
from PIL import Image as Picture
from PIL import ImageDraw, ImageFont

from lipsync_colab.errors import InputError
from lipsync_colab.types import Caption, Image

LETTERS = 0.05
"""Size of the letters as a share of the picture's short side."""
SMALLEST = 9
"""Pixels, below which nobody reads anything."""
SIDES = 0.09
"""Share of the width on either side that stays free."""
BOTTOM = {"wide": 0.07, "square": 0.06, "tall": 0.17}
"""Share of the height below the plate: phones lay their buttons over the foot of a tall video."""
PLATE = (16, 16, 16)
TOP = 0.06
"""Share of the height above the plate, where it stands at the top."""
LINES = 2
"""Lines of the tallest caption."""
UPPER_LIP, LOWER_LIP, CHIN = 0, 17, 152
"""Points of the face mesh at the middle of the upper lip's edge, the lower lip's edge, and the chin."""
DENSITY = 0.72
"""How much of the plate covers the picture."""
UNSEEN = frozenset("\u200b\u200c\u200d\u2060\ufe0e\ufe0f\u00ad")
"""Characters that only tell how their neighbours are drawn."""


class CaptionLayout:
    """Where and how large captions are in pictures of one size: at the foot, or at the top where that hides the mouth.

    Args:
        size: ``(width, height)`` of the picture.
        landmarks: float (478, 3) face mesh of who speaks, in the picture's pixels; None where nobody is seen.

    Attributes:
        size: ``(width, height)`` of the picture.
        font: DejaVu Sans, as matplotlib ships it.
        limit: the widest line in pixels.
    """

    def __init__(self, size: tuple[int, int], landmarks: np.ndarray | None = None) -> None:
        self.size = size
        width, height = size
        self._letters = max(SMALLEST, round(LETTERS * min(size)))
        self.font = ImageFont.truetype(str(font_path()), self._letters)
        self._pad = round(0.42 * self._letters)
        self.limit = float(max(8, width * (1 - 2 * SIDES) - 2 * self._pad))
        shape = "wide" if width > 1.15 * height else "tall" if height > 1.15 * width else "square"
        self._foot = height - round(BOTTOM[shape] * height)
        self.at_top = landmarks is not None and self._hides(landmarks)

    def _height(self, lines: int) -> int:
        ascent, descent = self.font.getmetrics()
        return min(round(1.24 * self._letters) * (lines - 1) + ascent + descent + self._pad, self.size[1])

    def _hides(self, landmarks: np.ndarray) -> bool:
        """Return whether a plate at the foot would lie over the mouth, which reaches half-way to the chin when open."""
        upper, lower, chin = (float(landmarks[point, 1]) for point in (UPPER_LIP, LOWER_LIP, CHIN))
        return upper < self._foot and (lower + chin) / 2 > self._foot - self._height(LINES)

    def measure(self, line: str) -> float:
        """Return a line's width in pixels."""
        return float(self.font.getlength(line))

    def plate(self, text: str) -> tuple[Image, np.ndarray, tuple[int, int]]:
        """Draw one caption.

        Args:
            text: one or more lines.

        Returns:
            uint8 (h, w, 3) RGB, its opacity float32 (h, w, 1) in [0, 1], and its place (left, top) in the picture.
        """
        lines = text.split("\n")
        step = round(1.24 * self._letters)
        height = self._height(len(lines))
        width = min(round(max(self.measure(line) for line in lines)) + 2 * self._pad, self.size[0])
        letters = Picture.new("L", (width, height), 0)
        draw = ImageDraw.Draw(letters)
        for place, line in enumerate(lines):
            draw.text(((width - self.measure(line)) / 2, self._pad / 2 + place * step), line, font=self.font, fill=255)
        ground = Picture.new("L", (width, height), 0)
        ImageDraw.Draw(ground).rounded_rectangle((0, 0, width - 1, height - 1), self._pad, fill=255)
        ink = np.asarray(letters, np.float32)[..., None] / 255
        opacity = np.maximum(np.asarray(ground, np.float32)[..., None] / 255 * DENSITY, ink)
        # Letters are opaque, so where they cover the plate the colour is theirs alone.
        colour = np.array(PLATE) + (255 - np.array(PLATE)) * (ink / np.maximum(opacity, 1e-6))
        left = (self.size[0] - width) // 2
        top = round(TOP * self.size[1]) if self.at_top else max(0, self._foot - height)
        return np.round(colour).astype(np.uint8), opacity, (left, top)


class CaptionPlate:
    """Draws the captions of one clip into its frames.

    Args:
        size: ``(width, height)`` of the frame.
        captions: in order of time.
        fps: frames per second.
        landmarks: of who speaks, as :class:`CaptionLayout` takes them.
    """

    def __init__(
        self,
        size: tuple[int, int],
        captions: Sequence[Caption],
        fps: Fraction,
        landmarks: np.ndarray | None = None,
    ) -> None:
        layout = CaptionLayout(size, landmarks)
        self._captions, self._fps = captions, fps
        self._drawn = functools.lru_cache(maxsize=2)(layout.plate)

    def draw(self, frame: Image, index: int) -> tuple[int, int, int, int] | None:
        """Lay the caption of a frame into it, in place; a frame shows what stands at its centre.

        Returns:
            ``(left, top, right, bottom)`` of what was drawn over, or None.
        """
        at = (index + 0.5) / float(self._fps)
        text = next((one.text for one in self._captions if one.start <= at < one.end), "")
        if not text:
            return None
        colour, opacity, (left, top) = self._drawn(text)
        height, width = colour.shape[:2]
        under = frame[top : top + height, left : left + width]
        under[:] = np.round(under + (colour.astype(np.float32) - under) * opacity).astype(np.uint8)
        return left, top, left + width, top + height


def font_path() -> Path:
    """Return the font that matplotlib carries."""
    import matplotlib

    return Path(matplotlib.get_data_path()) / "fonts" / "ttf" / "DejaVuSans.ttf"


@functools.cache
def _drawable() -> frozenset[int]:
    from matplotlib.ft2font import FT2Font

    return frozenset(FT2Font(str(font_path())).get_charmap())


def check_drawable(text: str) -> None:
    """Refuse a text that the font cannot show, or that runs from right to left.

    Raises:
        InputError: names the first such character.
    """
    for letter in unicodedata.normalize("NFC", text):
        if letter.isspace() or letter in UNSEEN:
            continue
        name = unicodedata.name(letter, f"U+{ord(letter):04X}").lower()
        if unicodedata.bidirectional(letter) in ("R", "AL", "AN"):
            raise InputError(f"captions in the picture cannot run from right to left ({name}): use --captions srt")
        if ord(letter) not in _drawable():
            raise InputError(f"captions in the picture cannot show {letter!r} ({name}): use --captions srt")


def drawable_text(text: str) -> str:
    """Return a text without the characters that only tell how others are drawn."""
    return "".join(letter for letter in unicodedata.normalize("NFC", text) if letter not in UNSEEN)
