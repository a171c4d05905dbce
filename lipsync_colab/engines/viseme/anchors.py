"""The control points of the lower face that are not lips: outline, chin, neck, what stays, and the region's edge."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from lipsync_colab.engines.viseme import landmarks
from lipsync_colab.engines.viseme.facing import Facing
from lipsync_colab.engines.viseme.floats import Floats
from lipsync_colab.engines.viseme.lips import JAW_BACK, JAW_DROP

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
class Anchors:
    """Control points and how the jaw moves them.

    Attributes:
        points: (N, 3) in face coordinates.
        directions: (N, 2) in pixels, their displacement when the jaw is fully open.
    """

    points: Floats
    directions: Floats

    @classmethod
    def of(cls, mesh: Floats, facing: Facing, border: Floats) -> Anchors:
        """Place the anchors of a face.

        Args:
            mesh: (478, 3) in pixels.
            facing: of the face.
            border: (B, 3) in face coordinates, points that stay.
        """
        vertices = [*landmarks.JAW_LINE, *landmarks.CHIN_WEIGHTS, *landmarks.FIXED]
        face = facing.local(mesh[vertices].astype(np.float64))
        chin = facing.local(mesh[landmarks.CHIN].astype(np.float64))
        neck = chin + np.array([(across, down, 0.0) for across, down, _ in NECK])
        shares = [*landmarks.JAW_LINE_WEIGHTS, *landmarks.CHIN_WEIGHTS.values(), *[0.0] * len(landmarks.FIXED)]
        every = np.concatenate([face, neck, border])
        weights = np.array([*shares, *(share for *_, share in NECK), *[0.0] * len(border)])
        return cls(every, _opened(every, mesh, facing) * weights[:, None])


def _opened(points: Floats, mesh: Floats, facing: Facing) -> Floats:
    """Return how points move in the picture, (N, 2) in pixels, when the jaw opens about the axis through the ears."""
    hinge = facing.local(mesh[list(landmarks.EARS)].astype(np.float64)).mean(axis=0)
    reach = facing.local(mesh[landmarks.CHIN].astype(np.float64)) - hinge
    from_hinge = points - hinge
    down = np.clip(-from_hinge[:, 2], 0.7 * -reach[2], -reach[2])
    turned = np.stack([np.zeros(len(points)), down, JAW_BACK * down], axis=1)
    return JAW_DROP / -reach[2] * (facing.picture(turned) - facing.picture(np.zeros(3)))
