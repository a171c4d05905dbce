"""A face that tests draw themselves: a half ellipsoid with eyes, brows and an outline in their usual places."""

from __future__ import annotations

import cv2
import numpy as np

from lipsync_colab.engines.viseme.eye_opening import BROW_HIGH, BROW_LOW, IRIS, LOWER, UPPER
from lipsync_colab.engines.viseme.head import OVAL
from lipsync_colab.types import Array, Face, Image, Portrait

SKIN, LASHES, WHITE, BROWN = (205, 160, 135), (40, 25, 20), (235, 232, 228), (70, 45, 30)


def _flat() -> tuple[Array, Array]:
    """x and y of the 478 vertices in eye distances from between the eyes."""
    random = np.random.default_rng(1)
    angle, radius = random.uniform(0, 2 * np.pi, 478), np.sqrt(random.uniform(0, 0.95, 478))
    x, y = 1.1 * radius * np.cos(angle), 1.45 * radius * np.sin(angle) + 0.35
    turn = np.arange(len(OVAL)) / len(OVAL) * 2 * np.pi
    x[list(OVAL)], y[list(OVAL)] = 1.15 * np.sin(turn), 0.35 - 1.5 * np.cos(turn)
    for side, centre in enumerate((-0.5, 0.5)):
        across = np.linspace(-0.23, 0.23, 9)
        for indices, height in ((UPPER[side], -0.11), (LOWER[side], 0.08)):
            x[list(indices)] = centre + across
            y[list(indices)] = height * (1 - (across / 0.23) ** 2)
        for indices, height in ((BROW_LOW[side], -0.38), (BROW_HIGH[side], -0.47)):
            x[list(indices)], y[list(indices)] = centre + np.linspace(-0.3, 0.3, 5), height
        x[IRIS[side]], y[IRIS[side]] = centre, -0.01
    x[[6, 168, 197]], y[[6, 168, 197]] = 0.0, (0.05, -0.05, 0.25)
    x[[61, 291]], y[[61, 291]] = (-0.4, 0.4), 1.0
    return x, y


def dome(centre: tuple[float, float], unit: float, yaw: float = 0.0, roll: float = 0.0) -> Face:
    """Return a face: ``centre`` between the eyes and ``unit`` their distance in pixels, angles in radians."""
    x, y = _flat()
    z = -1.5 * np.sqrt(np.clip(1 - (x / 1.15) ** 2 - ((y - 0.35) / 1.5) ** 2, 0, 1))
    x, z = x * np.cos(yaw) - z * np.sin(yaw), x * np.sin(yaw) + z * np.cos(yaw)
    x, y = x * np.cos(roll) - y * np.sin(roll), x * np.sin(roll) + y * np.cos(roll)
    mesh = np.stack([x, y, z], axis=-1) * unit
    mesh[:, :2] += centre
    low, high = mesh[:, :2].min(axis=0), mesh[:, :2].max(axis=0)
    return Face((*low, *high), mesh.astype(np.float32))


def draw(face: Face, size: tuple[int, int], noise: float = 2.0) -> Image:
    """Return a picture of the face: skin with grain, whites, irises, lash lines and brows."""
    image = np.full((size[1], size[0], 3), SKIN, np.uint8)
    marks, unit = face.landmarks, face.eye_distance
    for side in (0, 1):
        outline = np.round(marks[[*UPPER[side], *LOWER[side][::-1]]] * 16).astype(np.int32)
        white = np.zeros(image.shape[:2], np.uint8)
        cv2.fillPoly(white, [outline], 1, cv2.LINE_8, 4)
        eye = np.full_like(image, WHITE)
        cv2.circle(eye, np.round(marks[IRIS[side]]).astype(int).tolist(), round(0.09 * unit), BROWN, -1, cv2.LINE_AA)
        image[white > 0] = eye[white > 0]
        thick = max(1, round(0.025 * unit))
        for indices, colour, width in ((UPPER, LASHES, thick), (BROW_LOW, BROWN, 3 * thick)):
            line = np.round(marks[list(indices[side])] * 16).astype(np.int32)
            cv2.polylines(image, [line], False, colour, width, cv2.LINE_AA, 4)
    grain = np.random.default_rng(0).normal(0, noise, image.shape)
    return np.clip(image + grain, 0, 255).astype(np.uint8)


def portrait(size: tuple[int, int] = (640, 720), unit: float = 80.0, others: tuple[Face, ...] = ()) -> Portrait:
    """Return a drawn portrait with the face in the upper middle."""
    face = dome((size[0] / 2, size[1] * 0.38), unit)
    return Portrait(draw(face, size), face, others=others)
