"""A portrait with landmarks in known places, for tests that need geometry rather than a detector."""

from __future__ import annotations

import numpy as np

from lipsync_colab.types import Face, Portrait

FIVE = {33: (-27, -14), 133: (-11, -14), 362: (11, -14), 263: (27, -14), 1: (0, 8), 61: (-17, 25), 291: (17, 25)}
"""Vertex of MediaPipe's mesh to place, in hundredths of the face's height from its middle."""


def face_at(centre: tuple[float, float], height: float, turn: float = 0.0) -> Face:
    """Return an oval face: the five points where a mean face has them, all other vertices on its outline."""
    angles = np.linspace(0, 2 * np.pi, 478, endpoint=False)
    mesh = np.column_stack([np.cos(angles) * 0.38, np.sin(angles) * 0.5, np.zeros(478)])
    for index, place in FIVE.items():
        mesh[index, :2] = np.array(place) / 100
    cosine, sine = np.cos(turn), np.sin(turn)
    mesh[:, :2] = mesh[:, :2] @ np.array([[cosine, sine], [-sine, cosine]])
    mesh = (mesh * height + [*centre, 0]).astype(np.float32)
    low, high = mesh[:468, :2].min(axis=0), mesh[:468, :2].max(axis=0)
    return Face((float(low[0]), float(low[1]), float(high[0]), float(high[1])), mesh)


def textured(width: int, height: int, seed: int = 0) -> np.ndarray:
    """Return a smooth coloured picture with some detail, uint8 (height, width, 3)."""
    random = np.random.default_rng(seed)
    y, x = np.mgrid[:height, :width].astype(np.float64)
    waves = [np.sin(x / random.uniform(4, 40) + y / random.uniform(4, 40) + random.uniform(0, 6)) for _ in range(9)]
    picture = np.stack([sum(waves[channel::3]) for channel in range(3)], axis=-1)
    return np.rint(128 + 30 * picture + random.normal(0, 2, picture.shape)).clip(0, 255).astype(np.uint8)


def portrait_of(width: int = 320, height: int = 400, turn: float = 0.0) -> Portrait:
    """Return a made-up portrait whose face is 40 % of its height."""
    return Portrait(textured(width, height), face_at((width / 2, height * 0.45), height * 0.4, turn), "made up")
