"""The displacement of the lower face: control points, two layers, and their inverse on a coarse grid."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from scipy.ndimage import gaussian_filter
from scipy.spatial.distance import cdist

from lipsync_colab.engines.viseme import landmarks
from lipsync_colab.engines.viseme.anchors import Anchors
from lipsync_colab.engines.viseme.facing import Facing
from lipsync_colab.engines.viseme.floats import Floats
from lipsync_colab.engines.viseme.grid import Grid
from lipsync_colab.engines.viseme.lips import LipContours, Lips
from lipsync_colab.engines.viseme.ramp import smoothstep
from lipsync_colab.engines.viseme.spline import spline_operator
from lipsync_colab.types import Face, Portrait

STILLNESS, FINEST_STILLNESS = 0.05, 0.02
"""Displacements below this many pixels are none; below the second, times the grid's step, in a small picture, where
edges beside flat places stepped when motion began with a tenth of a pixel."""
SEEN = 0.3
"""From this many pixels on they are whole."""
ONSET = 1.0
"""Pixels over which the field's onset is softened: in a small picture the spline, which is bent where skin that stays
meets skin that goes, would go from nothing to a third of a pixel within one."""
COARSE = 0.4
"""Of the grid's step: what is narrower needs no softening there."""
FROM_LIPS = 0.1
"""How far the lips' surroundings, which are left as they are, reach in eye distances."""
INVERSE_STEPS = 10
NO_SECOND_MAP = np.empty(0, np.float32)
"""Both coordinates lie in the first map."""
BESIDE = 0.22
"""How far beside the face the background stays where it is, in eye distances."""
CLEARANCE = 0.25
"""Over how much of an eye distance the field fades towards another person's face."""
CROWDED = 0.04
"""Control points nearer to each other than this, in eye distances, would pull the skin between them to pieces."""
STEEPEST = 0.7
"""So would an anchor that differs from a neighbour's motion by more than this share of their distance."""


def _extremes(amount: float) -> tuple[dict[str, float], ...]:
    """Return the poses that stretch the face most."""
    return (
        {"jaw": amount, "upper": 1.0, "lower": 1.0, "smile": 1.0},
        {"jaw": amount, "round": amount, "upper": 1.0, "lower": 1.0},
        {"round": amount, "press": 1.0},
        {"wide": 1.0, "smile": 1.0, "upper": 1.0, "lower": 1.0},
    )


@dataclass(frozen=True, eq=False)
class _Layer:
    """One layer's operators.

    Attributes:
        kept: which of the lip's 20 points control it.
        resting: where those lie in the picture, (K, 2) in pixels.
        operator: their displacements to the nodes', float32 (nodes, K).
        jaw: the nodes' displacements when the jaw is open, float32 (nodes, 2).
    """

    kept: Floats
    resting: Floats
    operator: Floats
    jaw: Floats


def _shown(across: Floats) -> Floats:
    """Return which of a lip's points, given their places across, are not turned away behind a corner of the mouth.

    The corners come first, then the inner contour, then the outer one.
    """
    order = np.array([0, 10, *range(11, 20), *range(1, 10)])
    within = (across > across[0] + 0.01) & (across < across[10] - 0.01)
    within[[0, 10]] = True
    return order[within[order]]


def _apart(points: Floats, motions: Floats, lip: int) -> Floats:
    """Return the indices of control points that do not contradict those kept before them.

    Args:
        points: (N, 2) in the picture, the lip's first.
        motions: (N, 2), how they move when the jaw is fully open; on a turned face the hidden side's cheek, which
            stays, comes to lie beside the lips, which do not.
        lip: how many are the lip's: those may differ as the lip wants.
    """
    kept: list[int] = []
    for index, point in enumerate(points):
        distance = np.linalg.norm(points[kept] - point, axis=1)
        difference = np.linalg.norm(motions[kept] - motions[index], axis=1)
        if np.all(distance > CROWDED) and (index < lip or np.all(difference < STEEPEST * distance)):
            kept.append(index)
    return np.array(kept)


class MouthField:
    """How the skin between nose and collar follows lips and jaw.

    Two layers share all control points but the lips: the upper one carries the upper lip, the lower one the
    lower lip. Each is a thin-plate spline under a window that is exactly 0 at the region's border.

    Attributes:
        grid: where the field is kept.
        amount: fraction of the jaw's full motion that does not fold the picture here.
    """

    def __init__(self, portrait: Portrait, facing: Facing, lips: Lips) -> None:
        mesh, size = portrait.face.mesh, portrait.size
        self._facing = facing
        step = int(np.clip(2 ** np.floor(np.log2(facing.unit / 18)), 1, 64))
        low, high = self._box(mesh)
        self.grid = Grid.over(low, high, size, step)
        # Where the picture ends below the chin, the chin may leave it.
        self._cut_off = self.grid.rectangle[3] >= size[1]
        self._places = np.dstack(np.meshgrid(*(np.arange(n, dtype=np.float32) for n in self.grid.shape[::-1])))
        anchors = Anchors.of(mesh, facing, np.concatenate([self._border(), self._beside(mesh)]))
        window = (self._window(mesh) * self._away_from(portrait.others)).reshape(-1, 1)
        open_wide = lips.pose({"jaw": 1.0})
        self._layers = [
            self._layer(lip, moved, anchors, window)
            for lip, moved in ((lips.source.upper, open_wide.upper), (lips.source.lower, open_wide.lower))
        ]
        self._shows = self._visible(lips)
        self.amount = self._safe_amount(lips)

    def _layer(self, lip: Floats, moved: Floats, anchors: Anchors, window: Floats) -> _Layer:
        """Return the operators of one lip's layer; ``moved`` is the lip when the jaw is fully open."""
        origin, unit = self._facing.origin[:2], self._facing.unit
        shown = _shown(self._facing.flatten(lip)[:, 0])
        resting = self._facing.picture(lip)
        controls = (np.concatenate([resting[shown], self._facing.picture(anchors.points)]) - origin) / unit
        motions = np.concatenate([self._facing.picture(moved[shown]) - resting[shown], anchors.directions]) / unit
        apart = _apart(controls, motions, len(shown))
        of_lip, of_anchors = np.split(apart, [np.searchsorted(apart, len(shown))])
        nodes = (np.stack(self.grid.nodes(), axis=-1).reshape(-1, 2) - origin) / unit
        operator = self._softened(spline_operator(controls[apart], nodes) * window, lip, window)
        jaw = operator[:, len(of_lip) :] @ anchors.directions[of_anchors - len(shown)]
        kept = shown[of_lip]
        return _Layer(kept, resting[kept], operator[:, : len(of_lip)].astype(np.float32), jaw.astype(np.float32))

    def _softened(self, operator: Floats, lip: Floats, window: Floats) -> Floats:
        """Return the operator, (nodes, N), with softer onsets where the window is open and no lip is near."""
        width = ONSET / self.grid.step
        if width < COARSE:
            return operator
        across, down = self._facing.plane(*self.grid.nodes())
        edge = self._facing.flatten(lip)
        distance = cdist(np.stack([across, down], axis=-1).reshape(-1, 2), edge).min(axis=1)[:, None]
        share = smoothstep((distance - FROM_LIPS) / (2 * FROM_LIPS)) * smoothstep(3 * window)
        planes = operator.reshape(*self.grid.shape, -1)
        soft = gaussian_filter(planes, (width, width, 0), mode="nearest").reshape(operator.shape)
        return operator + (soft - operator) * share

    def _border(self) -> Floats:
        """Return points along the region's edge in face coordinates."""
        left, top, right, bottom = self.grid.rectangle
        across, down = np.linspace(left, right, 9), np.linspace(top, bottom, 9)[1:-1]
        ends = (top,) if self._cut_off else (top, bottom)
        edge = [(x, y) for y in ends for x in across] + [(x, y) for x in (left, right) for y in down]
        plane = self._facing.plane(*np.array(edge, np.float32).T)
        return np.column_stack([*plane, np.zeros(len(edge))]).astype(np.float64)

    def _beside(self, mesh: Floats) -> Floats:
        """Return points in face coordinates beside the face, from the ears to above the chin: background stays."""
        hull = cv2.convexHull(mesh[:468, :2].astype(np.float32))[:, 0]
        out = hull - hull.mean(axis=0)
        places = hull + out / np.linalg.norm(out, axis=1)[:, None] * (BESIDE * self._facing.unit)
        across, down = self._facing.plane(*places.astype(np.float32).T)
        chin = self._facing.local(mesh[landmarks.CHIN].astype(np.float64))[1]
        level = (down > -0.5) & (down < chin - 0.15)
        return np.column_stack([across, down, np.zeros_like(down)])[level].astype(np.float64)

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

    def _away_from(self, others: tuple[Face, ...]) -> Floats:
        """Return the factor, (rows, columns), that keeps other people's faces still."""
        if not others:
            return np.ones(self.grid.shape)
        taken = np.zeros(self.grid.shape, np.uint8)
        for other in others:
            outline = cv2.convexHull(other.landmarks[:468].astype(np.float32))[:, 0]
            nodes = (outline - (self.grid.left, self.grid.top)) / self.grid.step
            cv2.fillConvexPoly(taken, np.round(nodes).astype(np.int32), 1)
        distance = np.minimum(cv2.distanceTransform(1 - taken, cv2.DIST_L2, 5), 1e6) * self.grid.step
        return smoothstep((distance - self.grid.step) / (CLEARANCE * self._facing.unit))

    def _safe_amount(self, lips: Lips) -> float:
        """Return how much of the jaw's motion keeps the widest opening free of folds."""
        for amount in (1.0, 0.9, 0.8, 0.7, 0.6, 0.5, 0.4, 0.3):
            fields = [self.forward(lips.pose(pose), pose.get("jaw", 0.0)) for pose in _extremes(amount)]
            if min(self.smallest_jacobian(pair) for pair in fields) > 0.20:
                return amount
        return 0.2

    def forward(self, shape: LipContours, jaw: float) -> tuple[Floats, Floats]:
        """Return where the nodes go, float32 (rows, columns, 2) in pixels, for the upper and the lower layer."""
        fields = []
        for lip, layer in zip((shape.upper, shape.lower), self._layers, strict=True):
            moved = (self._facing.picture(lip[layer.kept]) - layer.resting).astype(np.float32)
            field = layer.operator @ moved + np.float32(jaw) * layer.jaw
            fields.append(self._quiet(field.reshape(*self.grid.shape, 2)))
        return fields[0], fields[1]

    def _quiet(self, field: Floats) -> Floats:
        """Bring displacements that nobody sees to exactly 0, smoothly."""
        length = cv2.magnitude(field[..., 0], field[..., 1])
        least = min(STILLNESS, FINEST_STILLNESS * self.grid.step)
        return field * smoothstep((length - least) / np.float32(SEEN - least))[..., None].astype(np.float32)

    def inverse(self, field: Floats) -> Floats:
        """Return the displacement to subtract from picture coordinates, float32 like ``field``.

        Damped fixed-point iteration: d(x) = field(x - d(x)).
        """
        scale = -1 / self.grid.step
        inverse = field
        for _ in range(INVERSE_STEPS):
            places = cv2.scaleAdd(inverse, scale, self._places)
            there = cv2.remap(field, places, NO_SECOND_MAP, cv2.INTER_LINEAR, borderMode=cv2.BORDER_CONSTANT)
            inverse = cv2.addWeighted(inverse, 0.25, there, 0.75, 0)
        return inverse

    def smallest_jacobian(self, fields: tuple[Floats, Floats]) -> float:
        """Return the smallest factor by which forward fields stretch an area that shows; at most 0 is a fold."""
        return min(
            float(jacobian(field, self.grid.step)[shows].min(initial=1.0))
            for field, shows in zip(fields, self._shows, strict=True)
        )

    def _visible(self, lips: Lips) -> tuple[Floats, Floats]:
        """Return masks of the nodes that each layer shows: all, but what lies beyond the other lip's edge."""
        across, down = self._facing.plane(*self.grid.nodes())
        masks = []
        for contour, side in ((lips.source.inner_upper, 1), (lips.source.inner_lower, -1)):
            edge = self._facing.flatten(contour)
            beyond = side * (down - np.interp(across, edge[:, 0], edge[:, 1])) > 0.01
            masks.append(~(beyond & (across > edge[0, 0]) & (across < edge[-1, 0])))
        return masks[0], masks[1]


def jacobian(field: Floats, step: int) -> Floats:
    """Return by how much a forward field (rows, columns, 2) stretches the area at each node."""
    down, across = np.gradient(field, step, axis=(0, 1))
    return (1 + across[..., 0]) * (1 + down[..., 1]) - across[..., 1] * down[..., 0]
