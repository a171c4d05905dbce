"""Two backends, one model: both agree; faces are found at any size; the pose is right."""

from __future__ import annotations

import dataclasses
import math
import subprocess
import sys
from importlib import metadata
from pathlib import Path

import cv2
import matplotlib
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from skimage import data

from lipsync_colab.errors import WeightsError
from lipsync_colab.portrait import FaceTracker, detect, head_pose, read_picture
from lipsync_colab.portrait import landmarks as landmarks_module
from lipsync_colab.portrait.blazeface import anchors, decode
from lipsync_colab.portrait.landmarks import mediapipe_usable
from lipsync_colab.portrait.loading import portrait_of
from lipsync_colab.portrait.pose import RIGID_POINTS
from lipsync_colab.portrait.search import overlap, views
from lipsync_colab.types import Face, Image

HOPPER = Path(matplotlib.get_data_path()) / "sample_data" / "grace_hopper.jpg"
BACKENDS = ["opencv", "mediapipe"] if mediapipe_usable() else ["opencv"]


def picture(name: str) -> Image:
    if name == "astronaut":
        return np.ascontiguousarray(data.astronaut())
    image = read_picture(HOPPER)
    return {
        "hopper": image,
        "mirrored": np.ascontiguousarray(image[:, ::-1]),
        "turned": np.asarray(cv2.warpAffine(image, cv2.getRotationMatrix2D((256, 260), 25, 0.9), (512, 600)), np.uint8),
        "large": np.asarray(cv2.resize(image, (1440, 1688), interpolation=cv2.INTER_CUBIC), np.uint8),
    }[name]


@pytest.mark.skipif("mediapipe" not in BACKENDS, reason="mediapipe is not installed in a release that stays offline")
@pytest.mark.parametrize("name", ["hopper", "astronaut", "mirrored", "turned", "large"])
def test_both_backends_agree(name: str) -> None:
    image = picture(name)
    ours, theirs = detect(image, "opencv"), detect(image, "mediapipe")
    assert len(ours) == len(theirs) == 1
    apart = np.linalg.norm(ours[0].landmarks - theirs[0].landmarks, axis=1)
    assert apart.max() < 1.0
    assert list(ours[0].blendshapes) == list(theirs[0].blendshapes)
    for shape, score in theirs[0].blendshapes.items():
        assert ours[0].blendshapes[shape] == pytest.approx(score, abs=0.05), shape
    np.testing.assert_allclose(head_pose(ours[0]), head_pose(theirs[0]), atol=1.0)


@pytest.mark.parametrize("backend", BACKENDS)
def test_faces_of_every_size_are_found(backend: str) -> None:
    face = picture("hopper")[100:370, 130:400]
    scene = np.full((1200, 1800, 3), 100, np.uint8)
    for left, top, side in ((60, 60, 640), (1000, 300, 240), (1500, 900, 120)):
        scene[top : top + side, left : left + side] = cv2.resize(face, (side, side), interpolation=cv2.INTER_AREA)
    with FaceTracker(backend) as tracker:
        found = tracker.detect(scene, depth=2)
        again = tracker.detect(scene, depth=2)
    assert len(found) == 3
    assert [round(one.box[0]) // 500 for one in found] == [0, 2, 3]
    assert all(np.array_equal(one.mesh, other.mesh) for one, other in zip(found, again, strict=True))


@pytest.mark.parametrize("backend", BACKENDS)
def test_a_face_is_found_again_near_its_place(backend: str) -> None:
    image = picture("large")
    with FaceTracker(backend) as tracker:
        assert tracker.backend == backend
        face = tracker.detect(image)[0]
        moved = np.roll(image, 12, axis=1)
        again = tracker.detect(moved, near=face)
    assert len(again) == 1
    assert np.abs(again[0].landmarks - face.landmarks - (12, 0)).mean() < 2.5


@pytest.mark.parametrize("backend", BACKENDS)
def test_nothing_is_found_in_nothing(backend: str) -> None:
    assert detect(np.full((300, 500, 3), 128, np.uint8), backend) == ()


def test_a_face_that_left_is_searched_everywhere() -> None:
    image = picture("hopper")
    with FaceTracker() as tracker:
        face = tracker.detect(image)[0]
        gone = face.moved(np.array([[1, 0, 5000], [0, 1, 5000]], np.float32))
        assert np.array_equal(tracker.detect(image, near=gone)[0].mesh, face.mesh)


def test_a_file_that_is_no_model_is_refused(tmp_path: Path) -> None:
    (tmp_path / "face_landmarker.task").write_bytes(b"not a zip")
    with pytest.raises(WeightsError, match="weights verify"):
        FaceTracker("opencv", tmp_path / "face_landmarker.task")


def test_a_release_that_contacts_a_server_is_not_used(monkeypatch: pytest.MonkeyPatch) -> None:
    for release, usable in (("0.10.31", True), ("0.10.32", True), ("0.10.33", False), ("1.2.2", False), ("x", False)):
        monkeypatch.setattr(metadata, "version", lambda name, release=release: release)
        assert mediapipe_usable() is usable


def test_opencv_takes_over_where_mediapipe_is_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(landmarks_module, "mediapipe_usable", lambda: False)
    with FaceTracker() as tracker:
        assert tracker.backend == "opencv"


def test_opencv_takes_over_where_mediapipe_is_broken(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(landmarks_module, "mediapipe_usable", lambda: True)
    monkeypatch.setitem(sys.modules, "lipsync_colab.portrait.mediapipe_faces", None)
    with FaceTracker() as tracker:
        assert tracker.backend == "opencv"
    with pytest.raises(ImportError):
        FaceTracker("mediapipe")


def test_no_native_log_lines_reach_the_terminal() -> None:
    code = (
        "import sys, numpy as np\nfrom lipsync_colab.portrait import FaceTracker, read_picture\n"
        "tracker = FaceTracker()\nprint(len(tracker.detect(read_picture(sys.argv[1]))))"  # and left open at exit
    )
    done = subprocess.run([sys.executable, "-c", code, str(HOPPER)], capture_output=True, text=True, check=True)
    assert (done.stdout.strip(), done.stderr) == ("1", "")


def rotated_model(yaw: float, pitch: float, roll: float) -> Face:
    """The rigid points under yaw (to the picture's right), pitch (up) and roll (clockwise), in degrees."""
    y, p, r = (math.radians(angle) for angle in (yaw, pitch, roll))
    turn = np.array([[math.cos(y), 0, math.sin(y)], [0, 1, 0], [-math.sin(y), 0, math.cos(y)]])
    lift = np.array([[1, 0, 0], [0, math.cos(p), math.sin(p)], [0, -math.sin(p), math.cos(p)]])
    lean = np.array([[math.cos(r), math.sin(r), 0], [-math.sin(r), math.cos(r), 0], [0, 0, 1]])
    table = np.array(RIGID_POINTS)
    mesh = np.zeros((478, 3), np.float32)
    points = table[:, 1:4] @ (lean @ turn @ lift).T
    mesh[table[:, 0].astype(int)] = points * (20, -20, -20) + (300, 300, 0)
    return Face((0, 0, 1, 1), mesh)


@given(yaw=st.floats(-70, 70), roll=st.floats(-80, 80))
def test_pose_of_a_turned_head(yaw: float, roll: float) -> None:
    pose = head_pose(rotated_model(yaw, 0, roll))
    # Without pitch, leaning turns the nose's horizontal part into both angles; the total is what must hold.
    nose = math.degrees(math.acos(math.cos(math.radians(pose.yaw)) * math.cos(math.radians(pose.pitch))))
    assert nose == pytest.approx(abs(yaw), abs=0.2)
    if abs(roll) < 1e-6:
        assert pose.yaw == pytest.approx(yaw, abs=0.1)


@given(pitch=st.floats(-60, 60), roll=st.floats(-90, 90))
def test_pose_signs(pitch: float, roll: float) -> None:
    assert head_pose(rotated_model(0, pitch, 0)).pitch == pytest.approx(pitch, abs=0.1)
    assert head_pose(rotated_model(0, 0, roll)).roll == pytest.approx(roll, abs=0.1)


def test_pose_follows_the_picture() -> None:
    upright, mirrored, turned = (head_pose(detect(picture(name))[0]) for name in ("hopper", "mirrored", "turned"))
    assert abs(upright.yaw) < 8 and abs(upright.roll) < 8
    assert mirrored.yaw == pytest.approx(-upright.yaw, abs=3)
    assert mirrored.roll == pytest.approx(-upright.roll, abs=3)
    assert turned.roll == pytest.approx(upright.roll - 25, abs=4)  # OpenCV's positive angles turn anticlockwise


@pytest.mark.parametrize(("yaw", "refused"), [(50, False), (-50, False), (60, True), (-60, True)])
def test_profiles_are_refused(yaw: float, refused: bool) -> None:
    face = dataclasses.replace(rotated_model(yaw, 0, 0), box=(0, 0, 200, 200))
    image = np.zeros((400, 400, 3), np.uint8)
    if not refused:
        assert portrait_of(image, (face,), None, "p.png").face is face
        return
    side = "right" if yaw > 0 else "left"
    with pytest.raises(Exception, match=f"p.png is turned 60° to the {side} .* more frontal picture"):
        portrait_of(image, (face,), None, "p.png")


def test_anchors_are_the_centres_of_their_cells() -> None:
    centres = anchors()
    assert centres.shape == (896, 2)
    np.testing.assert_allclose(centres[:3], [(1 / 32, 1 / 32)] * 2 + [(3 / 32, 1 / 32)])
    np.testing.assert_allclose(centres[512:518], [(1 / 16, 1 / 16)] * 6)


def test_overlapping_detections_become_their_weighted_mean() -> None:
    regressors = np.zeros((896, 16), np.float32)
    logits = np.full(896, -50, np.float32)
    for index, (shift, logit) in {100: (0.0, 2.0), 101: (4.0, 1.0), 800: (0.0, 3.0)}.items():
        regressors[index, :4] = (shift, 0, 32, 32)
        logits[index] = logit
    best, mean = decode(regressors, logits, anchors())
    weights = 1 / (1 + np.exp(-np.array([2.0, 1.0])))
    assert best.score == pytest.approx(1 / (1 + math.exp(-3)))
    centre = (mean.box[0] + mean.box[2]) / 2
    assert centre == pytest.approx(anchors()[100, 0] + 4 * weights[1] / weights.sum() / 128, abs=1e-5)
    assert decode(regressors, np.full(896, -1e9, np.float32), anchors()) == []


@settings(max_examples=80, deadline=None)
@given(
    width=st.integers(64, 8000),
    height=st.integers(64, 8000),
    across=st.floats(0, 1),
    down=st.floats(0, 1),
    share=st.floats(0.04, 0.12),
)
def test_tiles_cover_the_picture_and_some_tile_sees_a_face_whole(
    *, width: int, height: int, across: float, down: float, share: float
) -> None:
    levels = list(views(width, height))
    for boxes in levels:
        assert all(right > left and bottom > top for left, top, right, bottom in boxes)
    assert sum(map(len, levels)) < 70
    side = share * min(width, height)
    left, top = across * (width - side), down * (height - side)
    for boxes in levels[1:]:
        inner = [box for box in boxes if box[0] >= 0]
        if inner:
            assert any(b[0] <= left and b[1] <= top and b[2] >= left + side and b[3] >= top + side for b in inner)


def test_overlap() -> None:
    assert overlap((0, 0, 10, 10), (0, 0, 10, 10)) == 1
    assert overlap((0, 0, 10, 10), (5, 0, 15, 10)) == pytest.approx(1 / 3)
    assert overlap((0, 0, 10, 10), (10, 0, 20, 10)) == 0


def test_an_opencv_that_cannot_read_the_expressions_still_finds_faces(monkeypatch: pytest.MonkeyPatch) -> None:
    read = cv2.dnn.readNetFromTFLite

    def old(path: str, *engine: int) -> object:
        if "blendshapes" in path:
            raise cv2.error("tensor_shape in function 'parseTensor'")
        return read(path, *engine)

    image = picture("hopper")
    expected = detect(image, "opencv")[0]
    monkeypatch.setattr(cv2.dnn, "readNetFromTFLite", old)
    face = detect(image, "opencv")[0]
    assert face.blendshapes == {}
    assert np.array_equal(face.mesh, expected.mesh)
