"""Alignment to the restorers' template."""

from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from portraits import face_at

from lipsync_colab.finish.alignment import (
    MARGIN,
    TEMPLATE,
    compose,
    face_alignment,
    face_mask,
    inverse,
    scale_of,
    similarity,
)

angles = st.floats(-3, 3)
scales = st.floats(0.05, 20)
shifts = st.floats(-3000, 3000)


@given(angle=angles, scale=scales, x=shifts, y=shifts)
@settings(max_examples=50, deadline=None)
def test_similarity_finds_any_rotation_scale_and_shift(angle: float, scale: float, x: float, y: float) -> None:
    matrix = np.array([[np.cos(angle), -np.sin(angle), x / scale], [np.sin(angle), np.cos(angle), y / scale]]) * scale
    moved = TEMPLATE @ matrix[:, :2].T + matrix[:, 2]
    assert np.allclose(similarity(TEMPLATE, moved), matrix, rtol=1e-7, atol=1e-6 * max(1, scale))
    assert np.isclose(scale_of(matrix), scale)
    assert np.allclose(compose(inverse(matrix), matrix), [[1, 0, 0], [0, 1, 0]], atol=1e-6)


def test_similarity_is_the_least_squares_one() -> None:
    random = np.random.default_rng(1)
    target = TEMPLATE * 0.7 + random.normal(0, 6, TEMPLATE.shape)
    best = similarity(TEMPLATE, target)

    def cost(matrix: np.ndarray) -> float:
        return float(((TEMPLATE @ matrix[:, :2].T + matrix[:, 2] - target) ** 2).sum())

    for _ in range(50):
        scale, angle = random.normal(0, 0.02, 2)
        turn = np.array([[1 + scale, -angle], [angle, 1 + scale]])
        other = np.column_stack([best[:, :2] @ turn, best[:, 2] + random.normal(0, 1, 2)])
        assert cost(best) < cost(other)


def test_a_face_comes_to_lie_upright_in_the_middle() -> None:
    face = face_at((700, 300), 250, turn=0.4)
    alignment = face_alignment(face)
    points = face.points @ alignment[:, :2].T + alignment[:, 2]
    assert np.abs(points - TEMPLATE).max() < 40
    assert abs(points[0, 1] - points[1, 1]) < 2


def test_the_face_mask_stays_inside_the_hull_and_off_the_border() -> None:
    face = face_at((700, 300), 250)
    alignment = face_alignment(face)
    mask = face_mask(face, alignment)
    assert mask.shape == (512, 512)
    assert mask.min() == 0 and mask.max() == 1
    assert not mask[:MARGIN].any() and not mask[:, -MARGIN:].any()
    marks = face.landmarks @ alignment[:, :2].T + alignment[:, 2]
    import cv2

    hull = cv2.convexHull(marks[:468].astype(np.float32))
    used = [(float(x), float(y)) for y, x in np.argwhere(mask > 0)[::50]]
    assert min(cv2.pointPolygonTest(hull, point, True) for point in used) > -2
    assert np.abs(np.diff(mask, axis=0)).max() < 0.1
