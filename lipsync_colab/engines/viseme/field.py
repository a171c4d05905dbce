"""The displacement of the lower face: control points, two layers, and their inverse on a coarse grid."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from lipsync_colab.engines.viseme import landmarks
from lipsync_colab.engines.viseme.facing import Facing
from lipsync_colab.engines.viseme.floats import Floats
from lipsync_colab.engines.viseme.lips import LipContours, Lips
from lipsync_colab.engines.viseme.ramp import smoothstep
from lipsync_colab.engines.viseme.spline import spline_operator

JAW_DROP = 0.17
"""How far the chin goes down at full opening, in eye distances."""
STILLNESS = 0.05
"""Displacements below this many pixels are none."""
INVERSE_STEPS = 10
NECK = (
    (0.0, 0.30, 0.30),
    (-0.45, 0.30, 0.22),
    (0.45, 0.30, 0.22),
    (0.0, 0.65, 0.06),
    (-0.5, 0.62, 0.04),
    (0.5, 0.62, 0.04),
)
"""Points below the chin (across, down) in eye distances, and how much of the jaw's motion each takes."""


@dataclass(frozen=True, eq=False)
class Grid:
    """Nodes over a rectangle of the picture, ``step`` pixels apart, each at the centre of its cell.

    Attributes:
        left: of the rectangle in pixels.
        top: of the rectangle in pixels.
        step: pixels between nodes.
        shape: nodes, (rows, columns).
    """

    left: int
    top: int
    step: int
    shape: tuple[int, int]

    @classmethod
    def over(cls, low: Floats, high: Floats, size: tuple[int, int], step: int) -> Grid:
        """Return the grid that covers the box from ``low`` to ``high`` as far as the picture goes."""
        left, top = (int(max(0, value) // step * step) for value in low)
        right, bottom = (min(int(np.ceil(value)), limit) for value, limit in zip(high, size, strict=True))
        return cls(left, top, step, (max(2, -((top - bottom) // step)), max(2, (right - left) // step)))

    @property
    def rectangle(self) -> tuple[int, int, int, int]:
        """``(left, top, right, bottom)`` in pixels."""
        rows, columns = self.shape
        return self.left, self.top, self.left + columns * self.step, self.top + rows * self.step

    def nodes(self) -> tuple[Floats, Floats]:
        """Return x and y of every node in pixels, float32 (rows, columns) each."""
        middle = (self.step - 1) / 2
        x = self.left + middle + self.step * np.arange(self.shape[1], dtype=np.float32)
        y = self.top + middle + self.step * np.arange(self.shape[0], dtype=np.float32)
        return np.meshgrid(x, y)

    def sample(self, values: Floats, x: Floats, y: Floats) -> Floats:
        """Interpolate node values at picture coordinates; 0 outside."""
        middle = (self.step - 1) / 2
        column = (x - np.float32(self.left + middle)) * np.float32(1 / self.step)
        row = (y - np.float32(self.top + middle)) * np.float32(1 / self.step)
        return cv2.remap(values, column, row, cv2.INTER_LINEAR, borderMode=cv2.BORDER_CONSTANT)


def _extremes(amount: float) -> tuple[dict[str, float], ...]:
    """Return the poses that stretch the face most."""
    return (
        {"jaw": amount, "upper": 1.0, "lower": 1.0, "smile": 1.0},
        {"jaw": amount, "round": amount, "upper": 1.0, "lower": 1.0},
        {"round": amount, "press": 1.0},
        {"wide": 1.0, "smile": 1.0, "upper": 1.0, "lower": 1.0},
    )


class MouthField:
    """How the skin between nose and collar follows lips and jaw.

    Two layers share all control points but the lips: the upper one carries the upper lip, the lower one the
    lower lip. Each is a thin-plate spline under a window that is exactly 0 at the region's border.

    Attributes:
        grid: where the field is kept.
        amount: fraction of the jaw's full motion that does not fold the picture here.
    """

    def __init__(self, mesh: Floats, facing: Facing, lips: Lips, size: tuple[int, int]) -> None:
        self._facing = facing
        step = int(np.clip(2 ** np.floor(np.log2(facing.unit / 18)), 1, 64))
        low, high = self._box(mesh)
        self.grid = Grid.over(low, high, size, step)
        # Where the picture ends below the chin, the chin may leave it.
        self._cut_off = self.grid.rectangle[3] >= size[1]
        self._columns, self._rows = np.meshgrid(*(np.arange(n, dtype=np.float32) for n in self.grid.shape[::-1]))
        anchors, weights = self._anchors(mesh)
        window = self._window(mesh)
        directions = self._jaw_directions(mesh, anchors) * weights[:, None]
        origin = facing.origin[:2]
        nodes = (np.stack(self.grid.nodes(), axis=-1).reshape(-1, 2) - origin) / facing.unit
        controls = (facing.picture(anchors) - origin) / facing.unit
        self._layers = []
        for lip in (lips.source.upper, lips.source.lower):
            resting = facing.picture(lip)
            every = np.concatenate([controls, (resting - origin) / facing.unit])
            operator = spline_operator(every, nodes) * window.reshape(-1, 1)
            jaw = operator[:, : len(anchors)] @ directions
            self._layers.append((jaw.astype(np.float32), operator[:, len(anchors) :].astype(np.float32), resting))
        self.amount = self._safe_amount(lips)

    def _box(self, mesh: Floats) -> tuple[Floats, Floats]:
        outline = mesh[list(landmarks.JAW_LINE), :2].astype(np.float64)
        chin = self._facing.local(mesh[landmarks.CHIN].astype(np.float64))
        collar = self._facing.picture(chin + np.array([[-0.75, 1.0, 0], [0.75, 1.0, 0]]))
        points = np.concatenate([outline, collar])
        margin = 0.25 * self._facing.unit
        low, high = points.min(axis=0) - margin, points.max(axis=0) + margin
        low[1] = max(low[1], min(mesh[landmarks.NOSE_BRIDGE, 1], points[:, 1].min() + margin))
        high[1] = points[:, 1].max()
        return low, high

    def _anchors(self, mesh: Floats) -> tuple[Floats, Floats]:
        """Return the control points that are not lips, (N, 3) in face coordinates, and their share of the jaw."""
        chin_line = list(landmarks.CHIN_WEIGHTS)
        vertices = [*landmarks.JAW_LINE, *chin_line, *landmarks.FIXED]
        face = self._facing.local(mesh[vertices].astype(np.float64))
        chin = self._facing.local(mesh[landmarks.CHIN].astype(np.float64))
        neck = chin + np.array([(across, down, 0.0) for across, down, _ in NECK])
        weights = [*landmarks.JAW_LINE_WEIGHTS, *landmarks.CHIN_WEIGHTS.values(), *[0.0] * len(landmarks.FIXED)]
        border = self._border()
        every = np.concatenate([face, neck, border])
        return every, np.array([*weights, *(share for *_, share in NECK), *[0.0] * len(border)])

    def _border(self) -> Floats:
        """Return points along the region's edge in face coordinates."""
        left, top, right, bottom = self.grid.rectangle
        across, down = np.linspace(left, right, 9), np.linspace(top, bottom, 9)[1:-1]
        ends = (top,) if self._cut_off else (top, bottom)
        edge = [(x, y) for y in ends for x in across] + [(x, y) for x in (left, right) for y in down]
        plane = self._facing.plane(*np.array(edge, np.float32).T)
        return np.column_stack([*plane, np.zeros(len(edge))]).astype(np.float64)

    def _window(self, mesh: Floats) -> Floats:
        """Return the factor, (rows, columns), that brings the field to 0 at the border and above the nose."""
        left, top, right, bottom = self.grid.rectangle
        x, y = self.grid.nodes()
        unit, step = self._facing.unit, self.grid.step
        sides = smoothstep((np.minimum(x - left, right - x) - step) / (0.22 * unit))
        ends = smoothstep((y - top - step) / (0.22 * unit))
        if not self._cut_off:
            ends = ends * smoothstep((bottom - y - step) / (0.35 * unit))
        _, down = self._facing.plane(x, y)
        bridge = self._facing.local(mesh[landmarks.NOSE_BRIDGE].astype(np.float64))[1]
        return sides * ends * smoothstep((down - bridge) / 0.2)

    def _jaw_directions(self, mesh: Floats, anchors: Floats) -> Floats:
        """Return how each anchor moves in the picture, (N, 2) in pixels, when the jaw opens about the ears' axis."""
        hinge = self._facing.local(mesh[list(landmarks.EARS)].astype(np.float64)).mean(axis=0)
        chin = self._facing.local(mesh[landmarks.CHIN].astype(np.float64)) - hinge
        from_hinge = anchors - hinge
        down, inward = -from_hinge[:, 2], from_hinge[:, 1]
        turned = np.stack(
            [np.zeros(len(anchors)), np.full(len(anchors), -chin[2]), np.clip(inward, 0, chin[1])], axis=1
        )
        turned[:, 1] = np.clip(down, 0.7 * -chin[2], -chin[2])
        return JAW_DROP / -chin[2] * (self._facing.picture(turned) - self._facing.picture(np.zeros(3)))

    def _safe_amount(self, lips: Lips) -> float:
        """Return how much of the jaw's motion keeps the widest opening free of folds."""
        for amount in (1.0, 0.9, 0.8, 0.7, 0.6, 0.5, 0.4, 0.3):
            fields = [self.forward(lips.pose(pose), amount) for pose in _extremes(amount)]
            if min(self.smallest_jacobian(field) for pair in fields for field in pair) > 0.20:
                return amount
        return 0.2

    def forward(self, shape: LipContours, jaw: float) -> tuple[Floats, Floats]:
        """Return where the nodes go, float32 (rows, columns, 2) in pixels, for the upper and the lower layer."""
        fields = []
        for lip, (opening, operator, resting) in zip((shape.upper, shape.lower), self._layers, strict=True):
            moved = (self._facing.picture(lip) - resting).astype(np.float32)
            field = operator @ moved + np.float32(jaw) * opening
            fields.append(self._quiet(field.reshape(*self.grid.shape, 2)))
        return fields[0], fields[1]

    def _quiet(self, field: Floats) -> Floats:
        """Bring displacements that nobody sees to exactly 0, smoothly."""
        length = cv2.magnitude(field[..., 0], field[..., 1])
        return field * smoothstep(length / np.float32(4 * STILLNESS) - 0.25)[..., None].astype(np.float32)

    def inverse(self, field: Floats) -> Floats:
        """Return the displacement to subtract from picture coordinates, float32 like ``field``.

        Damped fixed-point iteration: d(x) = field(x - d(x)).
        """
        scale = np.float32(1 / self.grid.step)
        inverse = field
        for _ in range(INVERSE_STEPS):
            columns = self._columns - inverse[..., 0] * scale
            rows = self._rows - inverse[..., 1] * scale
            there = cv2.remap(field, columns, rows, cv2.INTER_LINEAR, borderMode=cv2.BORDER_CONSTANT)
            inverse = cv2.addWeighted(inverse, 0.25, there, 0.75, 0)
        return inverse

    def smallest_jacobian(self, field: Floats) -> float:
        """Return the smallest factor by which a forward field stretches an area; at most 0 is a fold."""
        down, across = np.gradient(field, self.grid.step, axis=(0, 1))
        return float(((1 + across[..., 0]) * (1 + down[..., 1]) - across[..., 1] * down[..., 0]).min())
