"""A contact sheet of a portrait: mouths, eyes and the whole head in poses, for looking at in full size."""

from __future__ import annotations

import itertools
from collections.abc import Iterable

import cv2
import numpy as np

from lipsync_colab.bench.gates.poses import EYES, HEADS, POSES
from lipsync_colab.engines.viseme.rig import FaceRig
from lipsync_colab.finish.compose import compose
from lipsync_colab.types import Image, Portrait

COLUMNS = 4
TILE = 480
"""Pixels, a tile's width."""
SHOWN = 12
"""Frames of a sequence."""
FIRST, EVERY = 20, 2
"""The first of them, and how many frames further each next one lies."""


def sheet(portrait: Portrait) -> Image:
    """Return every pose of a portrait, row by row: mouths, then eyes, then heads.

    Args:
        portrait: at the size of the output.
    """
    rig = FaceRig(portrait)
    points, unit = portrait.face.points, portrait.face.eye_distance
    mouth, eyes = points[3:].mean(axis=0), points[:2].mean(axis=0)
    middle = (mouth + eyes) / 2
    rows: list[Image] = []
    for poses, centre, reach in (
        (POSES, mouth + np.array([0, 0.1 * unit]), (1.0, 0.85)),
        (EYES, eyes, (1.0, 0.45)),
        (HEADS, middle, (2.0, 2.2)),
    ):
        tiles = [
            _tile(compose(portrait.image, rig.render(pose)), name, centre, np.multiply(reach, unit))
            for name, pose in poses.items()
        ]
        blank = np.zeros_like(tiles[0])
        tiles += [blank] * (-len(tiles) % COLUMNS)
        rows += [np.hstack(tiles[start : start + COLUMNS]) for start in range(0, len(tiles), COLUMNS)]
    return np.vstack(rows)


def sequence(frames: Iterable[Image], portrait: Portrait) -> Image:
    """Return successive frames of a clip, row by row: the face alone, to be looked at as a film is.

    Args:
        frames: of the clip.
        portrait: its still.
    """
    points, unit = portrait.face.points, portrait.face.eye_distance
    middle, reach = points.mean(axis=0) + np.array([0, 0.2 * unit]), np.array([1.35, 1.6]) * unit
    shown = itertools.islice(frames, FIRST, FIRST + SHOWN * EVERY, EVERY)
    tiles = [_tile(frame, str(FIRST + EVERY * index), middle, reach) for index, frame in enumerate(shown)]
    tiles += [np.zeros_like(tiles[0])] * (-len(tiles) % COLUMNS)
    return np.vstack([np.hstack(tiles[start : start + COLUMNS]) for start in range(0, len(tiles), COLUMNS)])


def _tile(frame: Image, name: str, centre: np.ndarray, reach: np.ndarray) -> Image:
    """Return a part of a frame, ``TILE`` pixels wide, with its name; black beyond the picture."""
    low, high = np.round(centre - reach).astype(int), np.round(centre + reach).astype(int)
    inside_low, inside_high = np.maximum(low, 0), np.minimum(high, frame.shape[1::-1])
    part = np.zeros((*(high - low)[::-1], 3), np.uint8)
    rows, columns = (slice(inside_low[axis] - low[axis], inside_high[axis] - low[axis]) for axis in (1, 0))
    part[rows, columns] = frame[inside_low[1] : inside_high[1], inside_low[0] : inside_high[0]]
    height = round(TILE * reach[1] / reach[0])
    smaller = part.shape[1] > TILE
    tile = cv2.resize(part, (TILE, height), interpolation=cv2.INTER_AREA if smaller else cv2.INTER_CUBIC)
    cv2.putText(tile, name, (8, 22), cv2.FONT_HERSHEY_SIMPLEX, 0.6, (255, 255, 255), 1, cv2.LINE_AA)
    return np.asarray(tile)
