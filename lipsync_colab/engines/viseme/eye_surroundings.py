"""The skin, hair and rims round one eye, laid straight to be measured."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter, gaussian_filter1d, median_filter

from lipsync_colab.engines.viseme.blur import blurred
from lipsync_colab.engines.viseme.eye_opening import SAMPLES, EyeOpening
from lipsync_colab.engines.viseme.light import LUMA
from lipsync_colab.engines.viseme.ramp import smoothstep
from lipsync_colab.engines.viseme.sampling import sample
from lipsync_colab.types import Array, Image

FILLED_UNIT = 64
"""Pixels an eye distance at which the skin behind the eye is worked out: it is smooth."""
FILM_STEPS = 400
BROAD = 0.10
"""Eye distances beyond which what stands before the lid is no rim."""
HIGHEST, UNDER_RIM = 0.10, 0.06
"""How far above the open margin the lid reaches at most, eye distances; rims are close, and grey in a small picture."""
LINER = 0.80
"""Brightness beside the skin's around, below which what joins the lashes goes with them."""
ROUGH = 0.06
"""Notches and flecks in the eye's outline narrower than this, in eye distances, are smoothed away."""
FEATHER = 0.024
"""Softness of the lid's border in eye distances: 5 % of an eye's width."""
FLECK = 0.06
"""Eye distances: what is dark and narrower than this is a fleck or a hair, and gives the lid no colour."""
LEAST_COMPARED = 64  # pixels
TEMPLE = 0.62
"""From here outwards hair may lie beside the eye, in widths of the eye from its middle."""
LIT = 80
"""Percentile of the brightness round an eye that lit skin has; only what is brighter is a reflection."""
WING = 0.95
"""Liner is looked for as far as this from the eye's middle, in widths of the eye."""
TONES = 8
"""Brightnesses at which the skin's colour round an eye is taken."""


class Surroundings:
    """The picture round an eye, straightened: rows along t, columns along s, one pixel apart.

    Args:
        image: uint8 (H, W, 3) RGB.
        opening: of the eye.
        s: float32 (columns,), places along the eye in pixels.
        rows: float32 (rows,), places across it.
        rims: glasses are worn.

    Attributes:
        pixels: float32 (rows, columns, 3).
        luma: float32 (rows, columns).
        skin: float32 (3,), the colour below the eye.
        upper: float32 (columns,), t of the upper lid's margin.
        lower: of the lower lid's.
        brow: of the brow's lower edge.
        rims: glasses are worn.
        lost: how many times as fine the picture is as its straightened pixels, see :func:`fineness_of`.
    """

    def __init__(self, image: Image, opening: EyeOpening, s: Array, rows: Array, rims: bool) -> None:
        self.opening, self.s, self.rows = opening, s, rows
        grid = np.meshgrid(s, rows)
        self._maps = opening.picture(*grid)
        self.pixels = sample(image, *self._maps)
        self.luma = self.pixels @ LUMA
        place = opening.position(s)
        self.upper, self.lower, self.brow = (
            np.interp(place, np.arange(SAMPLES), curve).astype(np.float32)
            for curve in (opening.upper, opening.lower, opening.brow)
        )
        below = self.between(self.lower + 0.05 * opening.unit, self.lower + 0.15 * opening.unit)
        self.skin = np.median(self.pixels[below], axis=0) if below.any() else np.median(self.pixels, axis=(0, 1))
        self.rims = rims
        self.lost = self._lost(image)

    def _lost(self, image: Image) -> float:
        """Compare the skin under the eye as the picture has it and straightened."""
        width, unit = 0.3 * self.opening.width, self.opening.unit
        low, high = float(self.lower.max()) + 0.05 * unit, float(self.lower.max()) + 0.30 * unit
        x, y = self.opening.picture(np.array([-width, width, -width, width]), np.array([low, low, high, high]))
        left, top, right, bottom = (int(value) for value in (x.min(), y.min(), x.max() + 1, y.max() + 1))
        original = image[max(top, 0) : max(bottom, 2), max(left, 0) : max(right, 2)] @ LUMA
        straight = self.luma[(self.rows >= low) & (self.rows < high)][:, np.abs(self.s) < width]
        if original.size < LEAST_COMPARED or straight.size < LEAST_COMPARED:
            return 1.0
        return float(np.clip(fineness_of(original) / max(fineness_of(straight), 0.1), 1.0, 3.0))

    def between(self, low: Array, high: Array) -> NDArray[np.bool_]:
        """Mask of the pixels whose t lies between two curves."""
        return (self.rows[:, None] >= low) & (self.rows[:, None] < high)

    def emptied(self, front: Array) -> tuple[Array, Array]:
        """Return what would be there without the eye, float32 (rows, columns, 3), and where it differs, in [0, 1].

        The eye, its lashes and its liner are filled with the colours around them as a soap film is with heights: no
        edge shows where it ends, and each side keeps its own light.

        Args:
            front: from :meth:`front`; its colours are not skin and do not run into the lid.
        """
        full = self.luma.shape[::-1]
        scale = min(1.0, FILLED_UNIT / self.opening.unit)
        size = (max(8, round(full[0] * scale)), max(8, round(full[1] * scale)))
        eye, shaded = self._eye(front)
        pixels = np.asarray(cv2.resize(self.pixels, size, interpolation=cv2.INTER_AREA), np.float32)
        # Rims are thin and hide the skin; a brow or a deep socket is broad, and the lid runs into its shade.
        width = 2 * round(BROAD * self.opening.unit / 2) + 1
        opened = cv2.morphologyEx(front, cv2.MORPH_OPEN, np.ones((width, width), np.uint8)) if self.rims else front
        broad = np.asarray(opened, np.float32)
        hidden = front * shaded if self.rims else (front - broad) * shaded
        flecks = shaded - cv2.morphologyEx(shaded, cv2.MORPH_OPEN, _disc(FLECK / 2 * self.opening.unit))
        hidden = np.maximum(hidden, flecks)
        unknown = cv2.resize(np.maximum(eye, hidden), size, interpolation=cv2.INTER_AREA) > 0.05
        near = cv2.resize(self._skin_near(front), size, interpolation=cv2.INTER_AREA) > 0.95
        colours = _skin_film(pixels, unknown, near & ~unknown, self.skin)
        filled = cv2.resize(colours, full, interpolation=cv2.INTER_CUBIC)
        cover = smoothstep(1.5 * gaussian_filter(eye, max(0.8, FEATHER * self.opening.unit)))
        # Towards the nose the lid ends at the corner; a wing of liner beyond the other goes with it. Lenses bend and
        # reflect there.
        out = self.s * self.opening.outward / self.opening.width
        inner, outer = (0.56, 0.60) if self.rims else (0.60, WING)
        cover *= smoothstep((inner + out) / 0.14) * smoothstep((outer - out) / 0.14)
        before = np.maximum(front - broad, blurred(broad, 0.035 * self.opening.unit))
        return np.asarray(filled, np.float32), (cover * (1 - before)).astype(np.float32)

    def _skin_near(self, front: Array) -> Array:
        """Mask, float32, of the skin round the eye, lids and all but what stands before it."""
        unit = self.opening.unit
        return (self.between(self.upper - 0.20 * unit, self.lower + 0.20 * unit) & (front < 0.05)).astype(np.float32)

    def _eye(self, front: Array) -> tuple[Array, Array]:
        """Masks, float32: the eye with lashes and what is dark and joins them (liner, the fold); all that is dark."""
        unit = self.opening.unit
        off = np.abs(self.s) / self.opening.width
        inside = smoothstep((0.56 - off) / 0.16).astype(np.float32)
        core = self.between(self.upper - 0.045 * unit * inside, self.lower + 0.025 * unit * inside) & (off < 0.55)
        known = (1 - core) * (1 - front)
        spread = 0.12 * unit
        usual = blurred(self.luma * known, spread) / np.maximum(blurred(known, spread), 1e-3)
        shaded = self.luma < LINER * usual
        roof = self._roof()
        near = self.between(roof, self.lower + 0.045 * unit) & (front < 0.5)
        near &= self.s * self.opening.outward > -0.5 * self.opening.width  # the nose's shadow is no liner
        near &= ~self._hair(shaded)
        dark = core | (near & shaded)
        count, labels = cv2.connectedComponents(dark.astype(np.uint8), connectivity=8)
        kept = np.zeros(count, bool)
        kept[np.unique(labels[core])] = True
        kept[0] = False
        joined = cv2.dilate(kept[labels].astype(np.uint8), _disc(0.012 * unit))
        joined = cv2.morphologyEx(joined, cv2.MORPH_CLOSE, _disc(ROUGH / 2 * unit))
        even = blurred(joined.astype(np.float32), ROUGH / 3 * unit) > 0.3
        even &= self.rows[:, None] >= roof - (0.0 if self.rims else 0.03 * unit)
        core &= self.rows[:, None] >= roof
        return self._before_rims(even | core, front).astype(np.float32), shaded.astype(np.float32)

    def _hair(self, shaded: NDArray[np.bool_]) -> NDArray[np.bool_]:
        """Mask of what is dark beside the eye and goes on past it: hair at the temple, which no lid takes along."""
        unit, out = self.opening.unit, self.s * self.opening.outward / self.opening.width
        count, labels = cv2.connectedComponents((shaded & (out > TEMPLE)).astype(np.uint8), connectivity=8)
        past = ~self.between(self.upper - 0.17 * unit, self.lower + 0.14 * unit) | (out >= out.max())
        kept = np.zeros(count, bool)
        kept[np.unique(labels[past])] = True
        kept[0] = False
        return kept[labels]

    def _roof(self) -> Array:
        """How far up the lid may reach, t along the columns.

        Under a low brow or in a deep socket that is the lightest skin over the lashes: from there on up all is dark.
        """
        unit = self.opening.unit
        up = np.arange(0.02 * unit, 0.30 * unit, dtype=np.float32)
        rows = np.clip(np.rint(self.upper - up[:, None] - self.rows[0]), 0, len(self.rows) - 1).astype(int)
        above = gaussian_filter(self.luma, (0.008 * unit, 0.03 * unit))[rows, np.arange(len(self.s))]
        near = above[up < HIGHEST * unit]
        lightest, light = up[near.argmax(axis=0)], near.max(axis=0)
        room = np.maximum(self.upper - self.brow, lightest + 0.06 * unit)
        between = (up[:, None] >= lightest + 0.03 * unit) & (up[:, None] < room)
        dark = (between & (above < LINER * light)).sum(axis=0) > 0.8 * between.sum(axis=0)
        middle = np.abs(self.s) < 0.45 * self.opening.width
        if self.rims:
            return self.upper - UNDER_RIM * unit
        if dark[middle].mean() < 0.5:
            return self.upper - HIGHEST * unit
        found = median_filter(np.where(dark & middle, lightest, HIGHEST * unit), max(3, round(0.06 * unit)))
        return self.upper - gaussian_filter1d(found, 0.03 * unit)

    def _before_rims(self, eye: NDArray[np.bool_], front: Array) -> NDArray[np.bool_]:
        """The eye without what of its outline lies between the parts of a frame, where no lid can be."""
        if not self.rims:
            return eye
        free = (eye & (front < 0.5)).astype(np.uint8)
        return np.asarray(cv2.morphologyEx(free, cv2.MORPH_OPEN, _disc(0.06 * self.opening.unit)) > 0)

    def front(self) -> Array:
        """Mask of what stands before the lid (rims of glasses, the brow), float32 (rows, columns) in [0, 1].

        It differs clearly from skin, lies outside the opening, and reaches further away than lashes do. Where no
        glasses are worn, what is dark close over the lid is the socket's shade, which the lid runs into.
        """
        unit = self.opening.unit
        reference = float(self.skin @ LUMA)
        local = blurred(self.luma, 0.10 * unit)
        dark = np.minimum(local, reference) - self.luma > 0.24 * reference
        lit = max(reference, float(np.percentile(self.luma, LIT)))
        odd = dark | (self.luma - np.maximum(local, lit) > 0.24 * reference)
        # The corner at the nose may lie behind a rim.
        beyond = np.abs(self.s) > (0.42 if self.rims else 0.5) * self.opening.width
        clear = ~self.between(self.upper - 0.015 * unit, self.lower + 0.012 * unit) | beyond
        count, labels = cv2.connectedComponents((odd & clear).astype(np.uint8), connectivity=8)
        far = ~self.between(self.upper - 0.17 * unit, self.lower + 0.14 * unit)
        kept = np.zeros(count, bool)
        kept[np.unique(labels[far & odd])] = True
        kept[0] = False
        stands = kept[labels] & (far | self.rims)
        mask = gaussian_filter(stands.astype(np.float32), max(0.8, 0.008 * unit))
        return smoothstep(mask * 1.6).astype(np.float32)

    def in_picture(self, mask: Array) -> tuple[Array, tuple[int, int]]:
        """Return a mask (rows, columns) as the picture has it, and the place there of its first pixel."""
        x, y = self._maps
        left, top = int(x.min()), int(y.min())
        columns, rows = np.meshgrid(np.arange(left, int(x.max()) + 2), np.arange(top, int(y.max()) + 2))
        s, t = self.opening.local(columns.astype(np.float32), rows.astype(np.float32))
        scale = (len(self.s) - 1) / (self.s[-1] - self.s[0])
        found = sample(mask.astype(np.float32), (s - self.s[0]) * scale, t - self.rows[0], outside="zero")
        return found, (left, top)


def fineness_of(luma: Array) -> float:
    """Return how strong the finest structure of most of a picture (h, w) is, in levels."""
    return float(np.median(np.abs(luma - gaussian_filter(luma, 1.0))))


def _disc(radius: float) -> NDArray[np.uint8]:
    """A round neighbourhood for OpenCV's morphology."""
    width = 2 * max(1, round(radius)) + 1
    return np.asarray(cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (width, width)), np.uint8)


def _skin_film(pixels: Array, unknown: NDArray[np.bool_], near: NDArray[np.bool_], skin: Array) -> Array:
    """Return pixels (h, w, 3) with the unknown ones filled with skin.

    Colours mixed from a highlight and a shadow would be grey. So brightness runs from side to side, and each
    brightness has the colour that the skin has where it is as bright, with what the sides differ from that.

    Args:
        pixels: float32.
        unknown: (h, w).
        near: (h, w), known skin round the eye.
        skin: (3,), for where nothing at all is known.
    """
    luma = pixels @ LUMA
    levels, tones = _tones(pixels[near], luma[near], skin)

    def toned(brightness: Array) -> Array:
        return np.stack([np.interp(brightness, levels, tone) for tone in tones.T], axis=-1).astype(np.float32)

    planes = np.dstack([luma, pixels - toned(luma)]).astype(np.float32)
    film = _film(planes, unknown, np.array([skin @ LUMA, 0, 0, 0], np.float32))
    filled = np.clip(toned(film[..., 0]) + film[..., 1:], 0, 255)
    return np.where(unknown[..., None], filled, pixels).astype(np.float32)


def _tones(colours: Array, luma: Array, skin: Array) -> tuple[Array, Array]:
    """Return brightnesses (n,), rising, and the skin's colour (n, 3) at each."""
    if len(luma) < 4 * TONES:
        shades = np.array([0.0, 1.0, 2.0])
        return shades * (skin @ LUMA), shades[:, None] * skin
    parts = np.array_split(np.argsort(luma), TONES)
    tones = np.array([colours[part].mean(axis=0) for part in parts])
    return tones @ LUMA, tones


def _film(pixels: Array, unknown: NDArray[np.bool_], skin: Array) -> Array:
    """Return pixels (h, w, n) with the unknown ones at the mean of their neighbours (Laplace's equation, by Jacobi).

    Args:
        pixels: float32.
        unknown: (h, w).
        skin: (n,), for where nothing at all is known.
    """
    kernel = np.array([[0, 1, 0], [1, 0, 1], [0, 1, 0]], np.float32) / 4
    hole = np.repeat(unknown[..., None], pixels.shape[2], axis=2)
    weight = np.float32(1) - unknown
    colours = gaussian_filter(pixels * weight[..., None], (8, 8, 0)) + 1e-3 * skin
    film = np.where(hole, colours / (gaussian_filter(weight, 8) + 1e-3)[..., None], pixels).astype(np.float32)
    for _ in range(FILM_STEPS):
        np.copyto(film, cv2.filter2D(film, -1, kernel, borderType=cv2.BORDER_REPLICATE), where=hole)
    return film
