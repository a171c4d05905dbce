"""Where a face looks: its own three axes, and the way between face coordinates and the picture."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from lipsync_colab.engines.viseme import landmarks
from lipsync_colab.engines.viseme.floats import Floats
from lipsync_colab.errors import InputError
from lipsync_colab.types import Face

FULL_YAW, FULL_PITCH = 35.0, 25.0
"""Degrees up to which the mouth moves fully."""
LARGEST_YAW, LARGEST_PITCH = 50.0, 40.0
"""Degrees beyond which half of the mouth is hidden and nothing is drawn."""


@dataclass(frozen=True, eq=False)
class Facing:
    """The face's own coordinates: across, down and into the head, in eye distances from between the mouth's corners.

    The camera is taken as orthographic, which is what the mesh's depth is made for.

    Attributes:
        origin: float64 (3,), the middle of the mouth's corners in pixels.
        axes: float64 (3, 3), columns: across (to the picture's right), down, into the head; orthonormal.
        unit: distance between the eye centres in space, in pixels.
    """

    origin: Floats
    axes: Floats
    unit: float

    @classmethod
    def of(cls, face: Face) -> Facing:
        """Measure a face from its mesh."""
        mesh = face.mesh.astype(np.float64)
        across = sum(mesh[right] - mesh[left] for left, right in landmarks.MIRRORED)
        across = across / max(float(np.linalg.norm(across)), 1e-9)
        down = mesh[landmarks.CHIN] - mesh[landmarks.FOREHEAD]
        inward = np.cross(across, down)
        inward /= max(float(np.linalg.norm(inward)), 1e-9)
        axes = np.stack([across, np.cross(inward, across), inward], axis=1)
        (a, b), (c, d) = landmarks.EYE_CORNERS
        unit = np.linalg.norm((mesh[c] + mesh[d] - mesh[a] - mesh[b]) / 2)
        return cls(mesh[list(landmarks.CORNERS)].mean(axis=0), axes, float(unit))

    @property
    def yaw(self) -> float:
        """Degrees turned to the side, positive towards the picture's right."""
        return float(np.degrees(np.arctan2(-self.axes[0, 2], self.axes[2, 2])))

    @property
    def pitch(self) -> float:
        """Degrees tilted, positive downwards."""
        return float(np.degrees(np.arcsin(np.clip(-self.axes[1, 2], -1, 1))))

    @property
    def roll(self) -> float:
        """Degrees leant towards a shoulder, positive clockwise."""
        return float(np.degrees(np.arctan2(self.axes[1, 0], self.axes[0, 0])))

    def local(self, points: Floats) -> Floats:
        """Return mesh points (N, 3) in pixels as face coordinates (N, 3) in eye distances."""
        return (points - self.origin) @ self.axes / self.unit

    def picture(self, local: Floats) -> Floats:
        """Return face coordinates (..., 3) as picture coordinates (..., 2) in pixels."""
        return self.origin[:2] + self.unit * local @ self.axes[:2].T

    def flatten(self, local: Floats) -> Floats:
        """Return face coordinates (..., 3) as the point (..., 2) of the mouth's plane that the camera sees there."""
        slant = np.linalg.solve(self.axes[:2, :2], self.axes[:2, 2])
        return local[..., :2] + local[..., 2:] * slant

    def plane(self, x: Floats, y: Floats) -> tuple[Floats, Floats]:
        """Return picture coordinates, float32 arrays in pixels, as coordinates of the mouth's plane."""
        inverse = np.linalg.inv(self.axes[:2, :2]) / self.unit
        (a, b), (c, d) = inverse.astype(np.float32)
        offset = -inverse @ self.origin[:2]
        return a * x + (b * y + np.float32(offset[0])), c * x + (d * y + np.float32(offset[1]))

    @property
    def amount(self) -> float:
        """How much of the full motion the view allows: 1 within the full range, 0.5 at its end."""
        over = max(
            (abs(self.yaw) - FULL_YAW) / (LARGEST_YAW - FULL_YAW),
            (abs(self.pitch) - FULL_PITCH) / (LARGEST_PITCH - FULL_PITCH),
        )
        return float(1 - 0.5 * np.clip(over, 0, 1))


def check_facing(face: Face) -> str:
    """Return a sentence on what the view of a face costs, or ``""`` when it costs nothing.

    Raises:
        InputError: the face is turned or tilted further than the embedded engine can draw.
    """
    facing = Facing.of(face)
    yaw, pitch = abs(facing.yaw), abs(facing.pitch)
    if yaw > LARGEST_YAW or pitch > LARGEST_PITCH:
        turn = f"turned by {yaw:.0f}°" if yaw > LARGEST_YAW else f"tilted by {pitch:.0f}°"
        raise InputError(
            f"the face is {turn}; the embedded engine draws up to {LARGEST_YAW:.0f}° turned and "
            f"{LARGEST_PITCH:.0f}° tilted: use a picture that shows both corners of the mouth"
        )
    if yaw > FULL_YAW or pitch > FULL_PITCH:
        turn = f"turned by {yaw:.0f}°" if yaw > FULL_YAW else f"tilted by {pitch:.0f}°"
        return f"the face is {turn}: the mouth moves {100 * facing.amount:.0f} % as far"
    return ""
