"""A row of teeth as a picture in face coordinates: drawn, where the portrait shows none of its own."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from lipsync_colab.engines.viseme.floats import Floats
from lipsync_colab.engines.viseme.light import Light
from lipsync_colab.engines.viseme.ramp import smoothstep

MILLIMETRE = 1 / 63
"""In eye distances: adults' pupils lie 63 mm apart on average (Dodgson, 2004)."""

UPPER_WIDTHS = (8.4, 6.6, 7.0, 5.6, 4.6, 4.0)
LOWER_WIDTHS = (5.2, 5.6, 6.2, 5.8, 5.0, 4.4)
"""Millimetres from the middle outwards, as seen from the front (Wheeler's dental anatomy, foreshortened)."""
HEIGHT = 9.5
"""Of an upper front tooth's crown in millimetres."""


@dataclass(frozen=True, eq=False)
class TeethRow:
    """A row of teeth.

    Attributes:
        pixels: float32 (h, w, 3) RGB in [0, 255].
        alpha: float32 (h, w) in [0, 1].
        scale: pixels per eye distance.
        edge: where the biting edge lies at the middle, downwards in face coordinates.
    """

    pixels: Floats
    alpha: Floats
    scale: float
    edge: float

    def sample(self, across: Floats, down: Floats) -> tuple[Floats, Floats]:
        """Return colour (h, w, 3) and alpha (h, w) at positions from the middle of the biting edge."""
        rows, columns = self.alpha.shape
        column = across * np.float32(self.scale) + np.float32((columns - 1) / 2)
        row = down * np.float32(self.scale) + np.float32((rows - 1) / 2)
        pixels = cv2.remap(self.pixels, column, row, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
        alpha = cv2.remap(self.alpha, column, row, cv2.INTER_LINEAR, borderMode=cv2.BORDER_CONSTANT)
        return pixels, alpha


def drawn_row(light: Light, unit: float, edge: float, upper: bool) -> TeethRow:
    """Draw a row of teeth in a portrait's light.

    Args:
        light: of the portrait.
        unit: pixels per eye distance in the portrait.
        edge: where the biting edge lies, downwards in face coordinates.
        upper: the upper row, or else the lower one.
    """
    scale = unit * 2 if unit < 400 else unit
    across = np.arange(-int(0.62 * scale), int(0.62 * scale) + 1, dtype=np.float32) / np.float32(scale * MILLIMETRE)
    down = np.arange(-int(0.25 * scale), int(0.25 * scale) + 1, dtype=np.float32) / np.float32(scale * MILLIMETRE)
    across, down = np.meshgrid(across, down)
    widths = UPPER_WIDTHS if upper else LOWER_WIDTHS
    index, place = _tooth(across, widths)
    curve = (5.0 if upper else -1.2) * (across / sum(widths)) ** 2
    depth = (-down if upper else down) - curve - _edge(index, place, upper)
    luma = _shade(across, depth, index, place, sum(widths))
    # Enamel is thin at the gum and lets the warmer dentine through.
    warm = np.clip(depth / HEIGHT, 0, 1)[..., None] * np.array([0.0, 0.04, 0.10], np.float32)
    pixels = np.maximum(luma, 0)[..., None] ** light.dusk * light.tinted(light.white) * (1 - light.saturation * warm)
    gum = light.tinted(0.55 * light.lips + 0.15 * light.skin)
    height = HEIGHT * np.where(index == 1, 0.88, 1.0) if upper else np.full_like(depth, HEIGHT - 1.5)
    gingiva = smoothstep(depth - height + 1.2 * place**2 + 0.5)[..., None]
    pixels = pixels * (1 - gingiva) + gum * gingiva
    alpha = smoothstep(depth / 0.35 + 0.5) * smoothstep((sum(widths) - np.abs(across)) / 3.0)
    soft = max(0.4, light.blur * scale / unit * 0.8)
    pixels = cv2.GaussianBlur(pixels.astype(np.float32), (0, 0), soft)
    return TeethRow(pixels, cv2.GaussianBlur(alpha.astype(np.float32), (0, 0), soft), scale, edge)


def _tooth(across: Floats, widths: tuple[float, ...]) -> tuple[Floats, Floats]:
    """Return which tooth each position lies on, 0 at the middle, and where on it, -1 to 1 outwards."""
    borders = np.concatenate([[0], np.cumsum(widths)])
    away = np.abs(across)
    index = np.clip(np.searchsorted(borders, away, side="right") - 1, 0, len(widths) - 1)
    place = 2 * (away - borders[index]) / np.array(widths)[index] - 1
    return index, place


def _edge(index: Floats, place: Floats, upper: bool) -> Floats:
    """Return how far each tooth's biting edge draws back from the row's, in millimetres."""
    rounded = 0.55 * np.abs(place) ** 5 + 0.25 * np.clip(-place, 0, 1) ** 3
    if not upper:
        return 0.6 * rounded
    return rounded + np.where(index == 1, 0.55, 0) + np.where(index == 2, 0.9 * np.abs(place) ** 1.5 - 0.2, 0)


def _shade(across: Floats, depth: Floats, index: Floats, place: Floats, total: float) -> Floats:
    """Return the teeth's brightness, 1 at the front."""
    side = 1.03 - 0.40 * smoothstep(np.abs(across) / total) - 0.05 * (index == 2)
    round_ = 1 - 0.14 * np.abs(place) ** 3 - 0.06 * place * (index > 0)
    gap = 1 - 0.24 * np.exp(-(((1 - np.abs(place)) / 0.07) ** 2))
    edge = 1 - 0.10 * np.exp(-np.maximum(depth, 0) / 0.7)
    gum = 1 - 0.14 * np.clip(depth / HEIGHT, 0, 1.2)
    return (side * round_ * gap * edge * gum).astype(np.float32)
