"""How the head and the chest move: one smooth field over the still, exactly zero where nothing should move."""

from __future__ import annotations

from collections.abc import Mapping

import cv2
import numpy as np
from scipy.interpolate import LinearNDInterpolator
from scipy.ndimage import distance_transform_edt, gaussian_filter

from lipsync_colab.engines.viseme.area import Rectangle
from lipsync_colab.engines.viseme.field import jacobian
from lipsync_colab.engines.viseme.floats import Floats
from lipsync_colab.engines.viseme.ramp import smoothstep
from lipsync_colab.engines.viseme.scratch import Scratch
from lipsync_colab.types import Array, Face, Portrait

MOTIONS = ("head_x", "head_y", "pitch", "yaw", "roll", "breath")
OVAL = (
    *(10, 338, 297, 332, 284, 251, 389, 356, 454, 323, 361, 288, 397, 365, 379, 378, 400, 377),
    *(152, 148, 176, 149, 150, 136, 172, 58, 132, 93, 234, 127, 162, 21, 54, 103, 67, 109),
)
"""The outline of the face in MediaPipe's mesh, clockwise from the top of the forehead."""
FOREHEAD, CHIN, LEFT_EAR, RIGHT_EAR, NOSE_BRIDGE = 10, 152, 234, 454, 6

THRESHOLD = 0.01  # of the nodes' distance, 0.02 to 0.04 pixels: a smaller displacement cannot be seen
FINEST, SMALL = 2, 100_000  # pixels between nodes in pictures of at most so many pixels, where each counts
HAIR_ABOVE, HAIR_BESIDE = 0.75, 0.25  # what lies beyond the face's outline and moves with it whole, eye distances
FALLOFF = 1.0  # from full motion to none, eye distances
BORDER = 0.5  # the fade towards the picture's borders and other faces, eye distances
SHORTEST_BORDER = 24  # the same in pixels, at least: within fewer, neighbours move too differently
BREATH_SHOWS = (0.1, 0.4)  # pixels: edges flicker in a breath that lifts the chest by less, and nothing is seen to move
STEEPEST = 2.0  # the slope of depth: beyond it a turned face's far eye is squeezed until it looks too sharp
LEAST_ROOM = 0.25  # of a pixel's area, which no motion squeezes further: beyond it a picture folds
HEAD_LIFT = 0.35  # how much of the chest's rise the head follows


MOST = np.array([0.045, 0.035, 0.08, 0.08, 0.04, 0.01])
"""The furthest that :mod:`lipsync_colab.engines.viseme.sway` goes, in the order of ``MOTIONS``."""


class Head:
    """The displacement of every pixel as the sum of six precomputed fields on a coarse grid.

    Each field is that of a rigid motion in three dimensions (the mesh gives the face its depth and its axes),
    times a falloff that keeps hair, hat and ears with the face and leaves background and collar where they are.

    Attributes:
        step: pixels between the grid's nodes.

    Example:
        >>> from lipsync_colab.types import Face, Portrait
        >>> mesh = np.random.default_rng(0).uniform(40, 80, (478, 3)).astype(np.float32)
        >>> Head(Portrait(np.zeros((120, 120, 3), np.uint8), Face((40, 40, 80, 80), mesh))).region({}) is None
        True
    """

    def __init__(self, portrait: Portrait) -> None:
        self._size = portrait.size
        face = portrait.face
        self._unit = face.eye_distance
        self._scratch = Scratch()
        self._last: tuple[tuple[float, ...], Array] | None = None
        self.step = FINEST if self._size[0] * self._size[1] <= SMALL else max(4, int(self._unit / 16))
        self._x, self._y = _nodes(self._size, self.step)
        points = np.stack([self._x, self._y], axis=-1)
        room = _room(points, portrait, self._unit)
        near = _nearness(points, face, self.step) * room
        spatial = _spatial(points, face, self.step)
        chest = _chest(points, face) * room
        self._fields = _fields(near, spatial, chest, face, self._unit)
        self._fields *= np.float32(_unfolded_amount(self._fields, self.step))

    def field(self, pose: Mapping[str, float]) -> Array:
        """Return the displacement at the grid's nodes, float32 (rows, columns, 2) in pixels.

        What is too small to be seen is exactly 0, so that regions end on the still itself.
        """
        amounts = tuple(float(pose.get(name, 0.0)) for name in MOTIONS)
        if self._last is None or self._last[0] != amounts:
            moved = np.tensordot(np.array(amounts, np.float32), self._fields, axes=1)
            far = np.maximum(*np.abs(moved.transpose(2, 0, 1)))
            least = THRESHOLD * min(self.step, 4)
            self._last = amounts, np.asarray(moved * smoothstep((far - least) / least)[..., None], np.float32)
        return self._last[1]

    def region(self, pose: Mapping[str, float]) -> Rectangle | None:
        """Return the part of the picture that this pose moves by more than 0.04 px, or None when none does."""
        if not any(pose.get(name, 0.0) for name in MOTIONS):
            return None
        field = self.field(pose)
        moved = (field[..., 0] != 0) | (field[..., 1] != 0)
        if not moved.any():
            return None
        rows, columns = np.flatnonzero(moved.any(axis=1)), np.flatnonzero(moved.any(axis=0))
        # Node i covers the pixels from step * (i - 1) on; one more cell on each side lets the field run out.
        left, right = (columns[0] - 2) * self.step, (columns[-1] + 1) * self.step
        top, bottom = (rows[0] - 2) * self.step, (rows[-1] + 1) * self.step
        width, height = self._size
        return max(0, int(left)), max(0, int(top)), min(width, int(right)), min(height, int(bottom))

    def backward(self, rect: Rectangle, pose: Mapping[str, float]) -> tuple[Array, Array]:
        """Return where in the still each pixel of an output rectangle comes from.

        Args:
            rect: ``(left, top, right, bottom)`` inside the picture.
            pose: channels by name, see :mod:`lipsync_colab.engines.viseme.motion`.

        Returns:
            float32 (bottom - top, right - left) twice: x and y in the still, pixel centres at integers; good
            until the next call.
        """
        left, top, right, bottom = rect
        step = self.step
        first_column, first_row = left // step, top // step
        last_column, last_row = (right - 1) // step + 3, (bottom - 1) // step + 3
        block = (slice(first_row, last_row), slice(first_column, last_column))
        moved = self.field(pose)[block]
        # Coordinates themselves are enlarged, not displacements: linear interpolation keeps them exact and saves
        # an addition per pixel.
        maps: list[Array] = []
        for nodes, axis in ((self._x, 0), (self._y, 1)):
            coarse = np.ascontiguousarray(nodes[block] - moved[..., axis])
            fine = self._scratch.take("xy"[axis], (coarse.shape[0] * step, coarse.shape[1] * step))
            cv2.resize(coarse, fine.shape[::-1], dst=fine, interpolation=cv2.INTER_LINEAR)
            row, column = top - (first_row - 1) * step, left - (first_column - 1) * step
            maps.append(fine[row : row + bottom - top, column : column + right - left])
        return maps[0], maps[1]


def _unfolded_amount(fields: Array, step: int) -> float:
    """Return by how much fields are shrunk so that no motion within the limits folds: 1 but for tight pictures."""
    corners = [np.array([x, y, y, turn, x, 1]) for x in (-1, 1) for y in (-1, 1) for turn in (-1, 1)]
    extremes = [np.tensordot(MOST * corner, fields, axes=1) for corner in corners]
    amount = 1.0
    while min(float(jacobian(amount * moved, step).min()) for moved in extremes) < LEAST_ROOM:
        amount *= 0.9
    return amount


def _nodes(size: tuple[int, int], step: int) -> tuple[Array, Array]:
    """Centres of the cells of a grid that reaches one cell beyond the picture on every side."""
    axes = [(np.arange(-1, -(-length // step) + 1) * step + (step - 1) / 2).astype(np.float32) for length in size]
    x, y = np.meshgrid(*axes)
    return x, y


def _axes(face: Face) -> Array:
    """Unit vectors (right, down, away) of the head in picture coordinates, float (3, 3), rows."""
    mesh = face.mesh.astype(np.float64)
    right = mesh[RIGHT_EAR] - mesh[LEFT_EAR]
    right /= max(np.linalg.norm(right), 1e-6)
    down = mesh[CHIN] - mesh[FOREHEAD]
    down -= right * (down @ right)
    down /= max(np.linalg.norm(down), 1e-6)
    return np.stack([right, down, np.cross(right, down)])


def _upright(face: Face) -> tuple[Array, Array]:
    """Unit vectors in the picture plane: along the eyes, and from the eyes to the chin."""
    points = face.points.astype(np.float64)
    along = (points[1] - points[0]) / max(face.eye_distance, 1e-6)
    return along, np.array([-along[1], along[0]])


def _outline(face: Face) -> Array:
    """The outline of the whole head: the face's own, grown above the eyes for hair or hat and beside them for ears."""
    along, down = _upright(face)
    oval = face.landmarks[list(OVAL)].astype(np.float64)
    centre = face.landmarks[NOSE_BRIDGE].astype(np.float64)
    unit = face.eye_distance
    across, below = (oval - centre) @ along, (oval - centre) @ down
    half = max(np.abs(across).max(), 1e-6)
    upper = smoothstep(0.5 - below / unit)
    grown = across * (1 + HAIR_BESIDE * unit / half * np.clip(0.4 + upper, 0, 1))
    raised = below - HAIR_ABOVE * unit * upper * np.sqrt(np.clip(1 - (across / half) ** 2, 0.1, 1))
    return centre + grown[:, None] * along + raised[:, None] * down


def _distance(points: Array, polygon: Array, step: int) -> Array:
    """Distance of every node from the convex hull of a polygon in pixels, 0 inside."""
    inside = np.zeros(points.shape[:2], np.uint8)
    origin = points[0, 0]
    cv2.fillConvexPoly(inside, cv2.convexHull(np.round((polygon - origin) / step).astype(np.int32)), 1)
    return distance_transform_edt(1 - inside) * step


def _within(points: Array, hull: Array) -> Array:
    """Whether each point (..., 2) lies inside a convex polygon (N, 2), bool (...)."""
    edges = np.roll(hull, -1, axis=0) - hull
    sides = [
        edge[0] * (points[..., 1] - y) - edge[1] * (points[..., 0] - x)
        for edge, (x, y) in zip(edges, hull, strict=True)
    ]
    return (np.min(sides, axis=0) >= 0) | (np.max(sides, axis=0) <= 0)


def _nearness(points: Array, face: Face, step: int) -> Array:
    """1 over the head, falling smoothly to 0 around it and down the neck."""
    unit = face.eye_distance
    distance = _distance(points, _outline(face), step)
    weight = smoothstep(1 - gaussian_filter(distance, 0.12 * unit / step) / (FALLOFF * unit))
    return gaussian_filter(weight, 0.06 * unit / step)


def _room(points: Array, portrait: Portrait, unit: float) -> Array:
    """1 inside the picture, 0 at its borders and over every other face."""
    width, height = portrait.size
    x, y = points[..., 0], points[..., 1]
    edge = np.minimum(np.minimum(x, width - 1 - x), np.minimum(y, height - 1 - y))
    step = float(points[0, 1, 0] - points[0, 0, 0])
    fade = max(BORDER * unit, SHORTEST_BORDER)
    room = smoothstep((edge - step) / fade)
    for other in portrait.others:
        distance = _distance(points, _outline(other), int(step))
        room = room * smoothstep((distance - step) / fade)
    return room


def _spatial(points: Array, face: Face, step: int) -> Array:
    """Node positions in three dimensions relative to the pivot between the ears: float (rows, columns, 3).

    Depth is the mesh's over the face; beyond it, it recedes to the ears' within the width of the hair.
    """
    mesh = face.mesh.astype(np.float64)
    unit = face.eye_distance
    ears = (mesh[LEFT_EAR] + mesh[RIGHT_EAR]) / 2
    _, down = _upright(face)
    pivot = np.append(mesh[CHIN, :2] * 0.5 + ears[:2] * 0.5, ears[2])
    pivot[:2] += down * 0.35 * unit
    # Only where there is mesh: each point outside it costs the interpolator a search of every triangle.
    known = _within(points, cv2.convexHull(mesh[:468, :2].astype(np.float32))[:, 0].astype(np.float64))
    front = np.full(known.shape, np.nan)
    front[known] = LinearNDInterpolator(mesh[:468, :2], mesh[:468, 2])(points[known])
    known = np.isfinite(front)
    if not known.any():
        return np.dstack([points - pivot[:2], np.zeros(points.shape[:2])])
    distance, nearest = distance_transform_edt(~known, return_indices=True)
    depth = front[tuple(nearest)] - pivot[2]
    depth = depth * smoothstep(1 - distance * step / (0.8 * unit))
    depth = _gentle(depth, STEEPEST * step)
    return np.dstack([points - pivot[:2], gaussian_filter(depth, 0.05 * unit / step)])


def _gentle(heights: Floats, climb: float) -> Floats:
    """Return heights that change by at most ``climb`` to the next node: midway between the envelopes on both sides."""
    return (_under(heights, climb) - _under(-heights, climb)) / 2


def _under(heights: Floats, climb: float) -> Floats:
    """Return the highest surface below some heights that climbs no faster than ``climb`` per node."""
    lowest = heights
    while True:
        around = np.pad(lowest, 1, mode="edge")
        sides = [around[:-2, 1:-1], around[2:, 1:-1], around[1:-1, :-2], around[1:-1, 2:]]
        reached: Floats = np.minimum(lowest, np.min(sides, axis=0) + climb)
        if np.array_equal(reached, lowest):
            return reached
        lowest = reached


def _chest(points: Array, face: Face) -> Array:
    """1 at the shoulders, 0 at the chin, beside them and further down."""
    unit = face.eye_distance
    below = (points[..., 1] - face.landmarks[CHIN, 1]) / unit
    beside = np.abs(points[..., 0] - face.landmarks[CHIN, 0]) / unit
    return smoothstep((below - 0.2) / 1.0) * smoothstep((2.4 - below) / 1.1) * smoothstep((2.1 - beside) / 1.3)


def _fields(near: Array, spatial: Array, chest: Array, face: Face, unit: float) -> Array:
    """The displacement in pixels per unit of each of ``MOTIONS``: float32 (6, rows, columns, 2)."""
    right, down, away = _axes(face)
    ones, zeros = np.full(near.shape, unit), np.zeros(near.shape)
    turns = [np.cross(axis, spatial)[..., :2] * near[..., None] for axis in (right, -down, away)]
    sideways = np.stack([ones * near, zeros], axis=-1)
    downwards = np.stack([zeros, ones * near], axis=-1)
    least, whole = BREATH_SHOWS
    shows = smoothstep((MOST[-1] * unit - least) / (whole - least))
    rise = np.stack([zeros, -unit * shows * (chest + HEAD_LIFT * near * (1 - chest))], axis=-1)
    return np.stack([sideways, downwards, *turns, rise]).astype(np.float32)
