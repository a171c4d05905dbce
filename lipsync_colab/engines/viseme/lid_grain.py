"""The grain of a painted lid, laid together from pieces of the skin round the eye."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter, grey_dilation, maximum_filter, uniform_filter

from lipsync_colab.engines.viseme.blur import blurred
from lipsync_colab.engines.viseme.eye_surroundings import Surroundings, fineness_of
from lipsync_colab.engines.viseme.light import LUMA
from lipsync_colab.engines.viseme.ramp import smoothstep
from lipsync_colab.engines.viseme.sampling import sample
from lipsync_colab.types import Array

COARSEST = 0.028
"""Eye distances: what is broader than this is light and shade, not grain."""
PIECE = 0.12
"""Side of a piece in eye distances: strokes and pores stay whole in it, the edge of a bag does not fit."""
LEAST_PIECE = 8  # pixels
NEAREST, FURTHEST, UNDER_GLASSES = 0.05, 0.45, 0.75
"""Eye distances below the lower lid between which lies the skin that gives the grain; glasses leave less of it free."""
USUAL = 0.3
"""Share of all pieces that are weaker than usual skin: much weaker ones are burnt out, much stronger ones creases."""
FEWEST, MOST = 6, 24
"""Pieces that are laid: the better half of those there are."""
HALO = 0.02
"""Eye distances round a rim in which its edge and its reflection spoil the skin."""
HIDDEN, LEAST_FREE = 0.02, 0.05
"""Share of a piece that a rim may hide, and share of all pieces that are chosen from even if more of each is hidden."""
SPOTTED = 3.5
"""Deviations of its strongest place from which on a piece has a mole or an edge in it."""
PEAK = 2.0
"""Deviations of most of the grain, beyond which it grows no stronger."""
BETWEEN = 0.25
"""How far from the middle of a pixel grain is read: the mean of all distances loses as much."""
GAINS = (0.0, 0.5, 1.0, 1.5, 2.0, 3.0, 4.0)
SEED = 7


def grain(around: Surroundings, front: Array, height: int) -> Array:
    """Return grain like that of the skin below the eye, float32 (height, columns, 3) with a mean of 0.

    Noise of the same strength looks like sand on a painting or an old print. Pieces of the skin itself keep its
    strokes, its pores and its weave. Where two overlap their mean would be weaker than either: the weighted sum is
    divided by the root of the summed squares of the weights (Heitz and Neyret, "High-performance by-example noise
    using a histogram-preserving blending operator", 2018).

    Args:
        around: the eye's surroundings.
        front: of what stands before the skin, from :meth:`Surroundings.front`; no rim of it is taken.
        height: rows.
    """
    unit = around.opening.unit
    if not around.rims:  # then it is the brow, and below the eye strokes that are taken for one
        front = np.zeros_like(front)
    front = maximum_filter(front, 2 * round(HALO * unit) + 1)
    side = min(max(LEAST_PIECE, round(PIECE * unit)), min(front.shape) // 2)
    fine = _fine(around.pixels, front, COARSEST * unit)
    corners = _donors(around, front, fine, side)
    step, columns = side * 2 // 3, fine.shape[1]
    window = _window(side)
    total = np.zeros((height + 2 * side, columns + 2 * side, 3), np.float32)
    squares = np.zeros(total.shape[:2], np.float32)
    places = [(top, left) for top in range(0, height + step, step) for left in range(0, columns + step, step)]
    for (top, left), index in zip(places, _shuffled(len(corners), len(places)), strict=True):
        row, column = corners[index]
        target = np.s_[top : top + side, left : left + side]
        total[target] += fine[row : row + side, column : column + side] * window[..., None]
        squares[target] += window**2
    even = total / np.sqrt(np.maximum(squares, 1e-6))[..., None]
    laid = _even(even[side // 2 : side // 2 + height, side // 2 : side // 2 + columns].astype(np.float32))
    return _crisp(laid, around.lost)


def _fine(pixels: Array, front: Array, coarsest: float) -> Array:
    """Return what differs from the colour around, 0 behind rims, whose own colour counts nowhere."""
    shown = 1 - front
    weight = np.maximum(blurred(shown, coarsest), 1e-3)
    around = blurred(pixels * shown[..., None], coarsest) / weight[..., None]
    return np.asarray((pixels - around) * shown[..., None], np.float32)


def _donors(around: Surroundings, front: Array, fine: Array, side: int) -> NDArray[np.intp]:
    """Return the upper left corners (n, 2) of pieces of usual skin, as rows and columns."""
    unit = around.opening.unit
    rows, columns = front.shape
    half = side // 2
    furthest = UNDER_GLASSES if around.rims else FURTHEST
    below = around.between(around.lower + NEAREST * unit + half, around.lower + furthest * unit)
    below[:, np.abs(around.s) > 0.6 * around.opening.width] = False
    inside = np.zeros_like(below)
    inside[half : rows - side + half, half : columns - side + half] = True
    candidates = below & inside
    if not candidates.any():
        candidates = inside
    hidden = uniform_filter(front, side)
    candidates &= hidden <= max(HIDDEN, float(np.quantile(hidden[candidates], LEAST_FREE)))
    luma = fine @ LUMA
    strength = np.maximum(uniform_filter(luma**2, side), 0)
    usual = np.quantile(strength[candidates], USUAL)
    peak = maximum_filter(np.abs(luma), side) / np.sqrt(strength + 0.01)
    unlike = np.abs(np.log((strength + 0.01) / (usual + 0.01))) + np.maximum(peak - SPOTTED, 0)
    unusual = np.where(candidates, unlike, np.inf)
    # The best place of each cell of a lattice: neighbours would repeat one another.
    spread = max(2, side // 3)
    best = -grey_dilation(-unusual, size=spread)
    corners = np.argwhere((unusual == best) & candidates)
    most = int(np.clip(len(corners) // 2, FEWEST, MOST))
    order = np.argsort(unusual[tuple(corners.T)], kind="stable")[:most]
    return corners[order] - half


def _shuffled(kinds: int, count: int) -> NDArray[np.intp]:
    """Return ``count`` indices below ``kinds`` in random order, each as often as the others."""
    random = np.random.default_rng(SEED)
    rounds = [random.permutation(kinds) for _ in range(-(-count // kinds))]
    return np.concatenate(rounds)[:count]


def _window(side: int) -> Array:
    """Return the weight of a piece's pixels, float32 (side, side): whole in the middle, almost 0 along the border."""
    place = np.minimum(np.arange(side), np.arange(side)[::-1]) + 0.5
    ramp = smoothstep(place / (side / 3))
    return np.asarray(ramp[:, None] * ramp, np.float32)


def _even(texture: Array) -> Array:
    """Return grain whose strongest places are brought down, in all channels alike.

    Strokes are everywhere and stay. Single lines on smooth skin are wrinkles, which a lid drawn flat has not.
    """
    luma = np.abs(texture @ LUMA)
    limit = PEAK * 1.4826 * float(np.median(luma)) + 1e-3
    return np.asarray(texture * (np.tanh(luma / limit) / np.maximum(luma / limit, 1e-3))[..., None], np.float32)


def _crisp(texture: Array, lost: float) -> Array:
    """Return grain that stays as fine as it is when it is drawn, and as it was before it was taken.

    It is read between pixels twice, and each time the finest of it is lost.

    Args:
        texture: grain as it was taken.
        lost: how many times as fine it was in the picture itself.
    """
    edge = texture - gaussian_filter(texture, (0.7, 0.7, 0))
    y, x = np.mgrid[: texture.shape[0], : texture.shape[1]].astype(np.float32) + np.float32(BETWEEN)
    drawn, added = (sample(plane @ LUMA, x, y) for plane in (texture, edge))
    found = np.maximum.accumulate([fineness_of(drawn + gain * added) for gain in GAINS])
    gain = np.interp(lost * fineness_of(texture @ LUMA), found, GAINS)
    return np.asarray(texture + gain * edge, np.float32)
