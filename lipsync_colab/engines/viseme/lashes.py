"""The lashes of a painted lid: as dark, as thick, as sharp and as coloured along it as the source's own."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from scipy.ndimage import gaussian_filter, gaussian_filter1d, median_filter

from lipsync_colab.engines.viseme.eye_surroundings import WING, Surroundings
from lipsync_colab.engines.viseme.light import LUMA
from lipsync_colab.engines.viseme.ramp import smoothstep
from lipsync_colab.types import Array

LENGTH = 0.046  # eye distances
COUNT = 34
FAINTEST, DENSEST = 0.35, 0.90
"""How much of the skin the line of the lashes covers."""
OPAQUE = 0.45
"""Contrast to the skin, as a share of its brightness, from which lashes let none of it through."""
THINNEST, THICKEST = 0.006, 0.022
"""Of the lash line, in eye distances."""
COLOURED = 0.08
"""Eye distances along the lid over which its lashes share a colour."""
SEARCHED = (-0.034, 0.004)
"""Distance of the darkest lashes from the open margin in eye distances: below that the iris begins."""
INNER, OUTER = 0.52, 0.57
"""The line ends this far from the eye's middle towards the nose and towards the temple, in widths of the eye."""


@dataclass(frozen=True, eq=False)
class Lashes:
    """What hangs on the lid's margin, on rows from far above it to the tips.

    Attributes:
        line: float32 (height, columns), how much of the margin's line covers.
        hairs: the same of single lashes.
        colours: float32 (columns, 3), along the lid.
    """

    line: Array
    hairs: Array
    colours: Array

    @classmethod
    def of(cls, around: Surroundings, height: int, tips: int, blur: float) -> Lashes:
        """Measure the lashes of an open eye and draw those of the lid.

        Args:
            around: the eye's surroundings.
            height: rows of the drawing.
            tips: rows of it below the margin.
            blur: of the picture, in pixels.
        """
        density, thickness, colours = _measured(around)
        line = _line(around, density, thickness, height, tips, blur)
        hairs = _hairs(len(around.s), height, tips, around.opening.unit, around.opening.outward, blur)
        return cls(line, hairs * density.astype(np.float32), colours)


def _measured(around: Surroundings) -> tuple[Array, Array, Array]:
    """Return how dense the lashes are, in [0, 1], how thick their line is, in pixels, and their colour, by column."""
    unit = around.opening.unit
    skin = around.between(around.upper - 0.09 * unit, around.upper - 0.05 * unit)
    reference = np.percentile(around.luma[skin], 70) if skin.any() else around.skin @ LUMA
    bright = max(float(reference), 1.0)
    band = around.between(around.upper + SEARCHED[0] * unit, around.upper + SEARCHED[1] * unit)
    # A small picture may have no row of pixels there.
    band |= np.abs(around.rows[:, None] - around.upper) <= 0.5
    darkest = np.where(band, around.luma, np.inf).argmin(axis=0)
    columns = np.arange(len(around.s))
    deepest = around.luma[darkest, columns]
    half = (deepest + bright) / 2
    index = np.arange(len(around.rows))[:, None]
    bright_above = (around.luma > half) & (index <= darkest)
    last = np.where(bright_above, index, -1).max(axis=0)
    thick = np.where(last >= 0, darkest - last, np.inf)
    even = max(1.0, 0.012 * unit)
    contrast = gaussian_filter1d(1 - median_filter(deepest, 5, mode="nearest") / bright, even)
    density = np.clip(DENSEST * contrast / OPAQUE, FAINTEST, DENSEST)
    thick = np.clip(median_filter(thick, 9, mode="nearest"), THINNEST * unit, THICKEST * unit)
    # Where lashes are thin their colour is that of the skin or the white behind them: the dense ones' counts.
    weight = np.maximum(contrast, 0.01)[:, None] ** 2
    colours = gaussian_filter1d(around.pixels[darkest, columns] * weight, COLOURED * unit, axis=0)
    colours /= gaussian_filter1d(weight, COLOURED * unit, axis=0)
    colours = np.minimum(colours, 0.5 * around.skin)
    return density, gaussian_filter1d(thick, 2 * even), colours.astype(np.float32)


def _line(around: Surroundings, density: Array, thick: Array, height: int, tips: int, blur: float) -> Array:
    """Return the line of the margin, float32 (height, columns): it thins and fades towards the corners."""
    taper = _taper(around)
    half = thick * (0.25 + 0.75 * taper) / 2
    above = np.arange(height, dtype=np.float32)[::-1, None] - tips
    covered = np.clip(half + 0.5 - np.abs(above - 0.3 * half), 0, 1)
    soft = gaussian_filter1d(covered, blur, axis=0)
    return np.asarray(soft * density * np.sqrt(taper), np.float32)


def _taper(around: Surroundings) -> Array:
    """Return how full the lashes are along the eye, (columns,) in [0, 1]: they begin a little way from the nose."""
    out = around.s * around.opening.outward / around.opening.width
    return smoothstep((out + INNER) / 0.30) * smoothstep((OUTER - out) / 0.24)


def _hairs(columns: int, height: int, tips: int, unit: float, outward: int, blur: float) -> Array:
    """Single lashes, drawn at four times the size: float32 (height, columns) in [0, 1]."""
    random = np.random.default_rng(11)
    scale = 4
    canvas = np.zeros((height * scale, columns * scale), np.uint8)
    base = (height - 1 - tips) * scale
    half = columns * scale / (2 * WING)
    for place in np.linspace(-0.40, 0.47, COUNT):
        root = (place + random.normal(0, 0.008)) * outward
        length = LENGTH * unit * scale * random.uniform(0.65, 1.1) * (0.62 + 0.5 * (place + 0.45))
        lean = outward * (0.15 + 1.1 * (place + 0.3)) + random.normal(0, 0.12)
        steps = np.linspace(0, 1, 7)
        x = columns * scale / 2 + root * half + lean * length * steps**1.6
        y = base + length * steps * (1 - 0.25 * steps * abs(lean))
        stroke = np.round(np.stack([x, y], -1) * 16).astype(np.int32)
        cv2.polylines(canvas, [stroke], False, 255, max(1, round(0.006 * unit * scale)), cv2.LINE_AA, 4)
    fine = cv2.resize(canvas, (columns, height), interpolation=cv2.INTER_AREA).astype(np.float32) / 255
    fade = np.clip((np.arange(height)[:, None] - (height - 1 - tips)) / max(LENGTH * unit, 1), 0, 1)
    return gaussian_filter(fine, blur) * (0.8 - 0.6 * fade).astype(np.float32)
