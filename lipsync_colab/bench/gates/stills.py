"""Gates on single poses of a portrait: folds, borders, the closed lips' line, sharpness."""

from __future__ import annotations

from collections.abc import Iterator

import cv2
import numpy as np

from lipsync_colab.bench.gates.gate import Gate
from lipsync_colab.bench.gates.poses import EXTREMES, EYES, HEADS, POSES
from lipsync_colab.engines.viseme.field import jacobian
from lipsync_colab.engines.viseme.head import Head
from lipsync_colab.engines.viseme.landmarks import OUTER_LOWER, OUTER_UPPER
from lipsync_colab.engines.viseme.mouth import Mouth
from lipsync_colab.engines.viseme.rig import FaceRig
from lipsync_colab.finish.compose import compose
from lipsync_colab.types import Array, Image, Portrait

ISLAND = 0.2
"""Eye distances: a place that does not change within one that does is no border up to here."""
EDGE = 4
"""Pixels along the picture's own edge, which is a border with or without a motion."""
PEAK = 99.9
"""Percentile of a border's steps."""
ROUNDING = 20 / 12
"""Variance of the Laplacian (whose squared weights sum to 20) of what rounding to whole levels adds to a picture that
is drawn anew: nobody sees it, a dark or smooth face has little more, and up to this much more is no departure."""
GENTLE = {"head_x": 0.004, "head_y": 0.003, "yaw": 0.006, "pitch": 0.005}
"""A head that has hardly moved: its resampling softens most, half a pixel here and there."""


def still_gates(portrait: Portrait, source: str, variation: str) -> list[Gate]:
    """Measure every gate that needs no speech.

    Args:
        portrait: at the size of the output.
        source: its name.
        variation: how it was varied.

    Raises:
        InputError: the face is turned or tilted too far.
    """
    rig, mouth, head = FaceRig(portrait), Mouth(portrait), Head(portrait)
    step, peak = border_steps(portrait, rig)
    figures = {
        "fold": min(mouth.field.smallest_jacobian(mouth.pose(pose).forward) for pose in POSES.values()),
        "head fold": head_fold(head),
        "border step": step,
        "border peak": peak,
        "seam": max(
            seam(mouth, compose(portrait.image, rig.render(POSES[name])), POSES[name]) for name in ("rest", "m")
        ),
        "sharp, head still": softening(portrait, rig, head, {}),
        "sharp, head moving": moving_softening(portrait, rig, head),
    }
    return [Gate(source, variation, name, float(value)) for name, value in figures.items()]


def head_fold(head: Head) -> float:
    """Return the smallest Jacobian of the head's field where it moves furthest."""
    step = head.step
    return min(float(jacobian(-head.field(pose), step).min()) for pose in EXTREMES)


def border_steps(portrait: Portrait, rig: FaceRig) -> tuple[float, float]:
    """Return by how many levels the picture steps more across the border of what changes than the still does there.

    Blinks and glances are left out: a lash line is an edge, and an eye ends at it.

    Returns:
        The mean and the ``PEAK`` percentile over all poses.
    """
    reach = 2 * max(round(ISLAND * portrait.face.eye_distance / 2), 1) + 1  # odd: closing must not shift it
    steps: list[Array] = []
    for life in ({}, EYES["brow"], *HEADS.values()):
        for pose in ("aa", "oo", "ee"):
            frame = compose(portrait.image, rig.render({**POSES[pose], **life}))
            steps += _border_steps(portrait.image, frame, reach)
    every = np.concatenate(steps)
    if not len(every):
        return 0.0, 0.0
    return float(every.mean()), float(np.percentile(every, PEAK))


def _border_steps(still: Image, frame: Image, reach: int) -> Iterator[Array]:
    """Yield by how much steps between a pixel that changed and its neighbour that did not differ from the still's.

    Flat places change nowhere: islands of up to ``reach`` pixels belong to what is around them.
    """
    before, after = (np.asarray(cv2.cvtColor(image, cv2.COLOR_RGB2GRAY)).astype(np.float32) for image in (still, frame))
    changed = np.pad((frame != still).any(axis=2).astype(np.uint8), reach)
    around = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (reach, reach))
    whole = np.asarray(cv2.morphologyEx(changed, cv2.MORPH_CLOSE, around))[reach:-reach, reach:-reach].astype(np.int8)
    inside = np.s_[EDGE:-EDGE, EDGE:-EDGE]
    for axis in (0, 1):
        across = np.diff(whole[inside], axis=axis) != 0
        yield np.abs(np.diff((after - before)[inside], axis=axis))[across]


def seam(mouth: Mouth, frame: Image, pose: dict[str, float]) -> float:
    """Return the brightest pixel on the line of closed lips over the lips' own 99th percentile."""
    opening = mouth.pose(pose).opening
    columns = np.linspace(-0.85, 0.85, 200) * opening.half + opening.centre
    line = np.interp(columns, np.linspace(-0.75, 0.75, len(opening.middle)), opening.middle)
    luma = cv2.cvtColor(frame, cv2.COLOR_RGB2GRAY).astype(np.float32)

    def along(offset: float) -> Array:
        local = np.stack([columns, line + offset, np.zeros_like(columns)], axis=1)
        places = mouth.facing.picture(local).astype(np.float32)
        return np.asarray(cv2.remap(luma, places[None, :, 0], places[None, :, 1], cv2.INTER_LINEAR)[0])

    brightest = max(float(along(offset).max()) for offset in (-0.01, -0.005, 0.0, 0.005, 0.01))
    lips = np.stack([along(offset) for offset in (-0.06, -0.045, 0.045, 0.06, 0.075)])
    return brightest / max(float(np.percentile(lips, 99)), 1.0)


def moving_softening(portrait: Portrait, rig: FaceRig, head: Head) -> float:
    """Return the largest departure of the face's sharpness over several positions of the head."""
    return max(softening(portrait, rig, head, pose) for pose in (GENTLE, *HEADS.values()))


def softening(portrait: Portrait, rig: FaceRig, head: Head, pose: dict[str, float]) -> float:
    """Return by what share the variance of the Laplacian in the face departs from the still's, without the mouth."""
    frame = compose(portrait.image, rig.render(pose))
    mask = face_mask(portrait)
    moved: np.ndarray = mask
    rounding = 0.0
    if head.region(pose) is not None:
        x, y = head.backward((0, 0, *portrait.size), pose)
        moved = np.asarray(cv2.remap(mask, x, y, cv2.INTER_NEAREST))
        rounding = ROUNDING
    before, after = sharpness(portrait.image, mask), sharpness(frame, moved)
    return max(after - rounding - before, before - after, 0.0) / max(before, 1e-6)


def sharpness(image: Image, mask: np.ndarray) -> float:
    """Return the variance of the luma's Laplacian where a mask is not 0."""
    luma = cv2.cvtColor(image, cv2.COLOR_RGB2GRAY).astype(np.float32)
    return float(cv2.Laplacian(luma, cv2.CV_32F)[mask > 0].var())


def face_mask(portrait: Portrait) -> np.ndarray:
    """Return the face without its mouth, uint8 (H, W): where a mouth at rest changes nothing."""
    marks, unit = portrait.face.landmarks, portrait.face.eye_distance
    mask = np.zeros(portrait.image.shape[:2], np.uint8)
    cv2.fillConvexPoly(mask, cv2.convexHull(marks[:468].copy()).astype(np.int32), 1)
    mouth = np.zeros_like(mask)
    lips = marks[[*OUTER_UPPER, *OUTER_LOWER]]
    cv2.fillConvexPoly(mouth, cv2.convexHull(lips.copy()).astype(np.int32), 1)
    around = cv2.dilate(mouth, np.ones((3, 3), np.uint8), iterations=max(round(0.22 * unit), 1))
    mask[around > 0] = 0
    return mask
