"""SadTalker's arithmetic without weights, against the public implementation's values."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest
import soundfile
from golden import PARITY

torch = pytest.importorskip("torch")

from lipsync_colab.audio.mel import MelSpectrogram  # noqa: E402
from lipsync_colab.engines.headmotion.crop import HeadCrop  # noqa: E402
from lipsync_colab.engines.headmotion.similarity import similarity  # noqa: E402
from lipsync_colab.engines.headmotion.track import MotionTrack  # noqa: E402
from lipsync_colab.engines.sadtalker.alignment import CROP, TEMPLATE, Placement, upward  # noqa: E402
from lipsync_colab.engines.sadtalker.blinks import blink_track  # noqa: E402
from lipsync_colab.engines.sadtalker.camera import camera_path, parse_degrees  # noqa: E402
from lipsync_colab.engines.sadtalker.projection import face_points  # noqa: E402
from lipsync_colab.engines.sadtalker.smoothing import smooth_pose  # noqa: E402
from lipsync_colab.engines.sadtalker.sound import MelWindows, window_start  # noqa: E402
from lipsync_colab.errors import InputError  # noqa: E402
from lipsync_colab.networks.sadtalker.head import expected_degrees, moved_keypoints, rotation_matrix  # noqa: E402
from lipsync_colab.networks.spatial import coordinate_grid, gaussian_maps  # noqa: E402

UTIL = PARITY / "sadtalker" / "util"
FACTS: dict[str, Any] = json.loads((UTIL / "util.json").read_text())


def stored(name: str) -> dict[str, np.ndarray]:
    with np.load(UTIL / f"{name}.npz") as values:
        return dict(values)


def tensors(values: dict[str, np.ndarray], *names: str) -> list[torch.Tensor]:
    return [torch.from_numpy(values[name]) for name in names]


def test_rotations() -> None:
    values = stored("keypoints")
    found = rotation_matrix(*tensors(values, "yaw", "pitch", "roll"))
    assert np.allclose(found.numpy(), values["rot"], atol=1e-6)


@pytest.mark.parametrize("angle", ["yaw", "pitch", "roll"])
def test_scores_to_degrees(angle: str) -> None:
    values = stored("keypoints")
    found = expected_degrees(torch.from_numpy(values[f"logit_{angle}"]))
    assert np.allclose(found.numpy(), values[f"deg_{angle}"], atol=1e-4)


def test_keypoints_of_a_moved_head() -> None:
    values = stored("keypoints")
    motion = {name: torch.from_numpy(values[f"logit_{name}"]) for name in ("yaw", "pitch", "roll")}
    motion |= {"t": torch.from_numpy(values["t"]), "exp": torch.from_numpy(values["exp"])}
    canonical = torch.from_numpy(values["kp"])
    assert np.allclose(moved_keypoints(canonical, motion).numpy(), values["out"], atol=1e-5)
    calm = motion | {"exp": torch.zeros_like(motion["exp"])}
    assert np.allclose(moved_keypoints(canonical, calm).numpy(), values["out_wo_exp"], atol=1e-5)


def test_gaussians_and_grid() -> None:
    grid = coordinate_grid((16, 64, 64), torch.device("cpu"))
    assert np.allclose(grid[5, 21, 42], [42 * 2 / 63 - 1, 21 * 2 / 63 - 1, 5 * 2 / 15 - 1], atol=1e-6)
    maps = gaussian_maps(grid[8, 32, 32].view(1, 1, 3), (16, 64, 64))
    assert maps.argmax() == 8 * 64 * 64 + 32 * 64 + 32


def test_windows_of_sound() -> None:
    values = stored("mel")
    samples, rate = soundfile.read(UTIL / "voice2s.wav", dtype="float32")
    assert rate == 16_000
    # The stored values were made by a librosa that continues the sound with silence.
    spectrogram = MelSpectrogram(samples[: int(values["cropped"])], mirrored=False)
    windows = MelWindows(spectrogram).stack(0, int(values["num_frames"]))[:, 0]
    for frame in (0, 1, 2, 25):
        assert np.allclose(windows[frame], values[f"window_{frame}"], atol=2e-3)
    assert np.allclose(windows[-1], values["window_last"], atol=2e-3)
    assert np.allclose(windows.sum((1, 2)), values["windows_sum"], atol=0.5)
    assert [window_start(frame) for frame in range(40)] == FACTS["mel_start_idx"]["first_40"]
    assert [window_start(frame) for frame in range(50)] == values["start_idx"].tolist()
    apart = MelWindows(spectrogram).stack(20, 3)[:, 0]
    assert np.array_equal(apart, windows[20:23])


@pytest.mark.parametrize("length", [3, 4, 9, 12, 13, 14, 50])
def test_smoothed_pose(length: int) -> None:
    values = stored("savgol")
    assert np.allclose(smooth_pose(values["pose"][0, :length]), values[f"out_{length}"][0], atol=1e-5)


@pytest.mark.parametrize("length", [1, 2])
def test_the_shortest_clips_are_not_smoothed(length: int) -> None:
    pose = stored("savgol")["pose"][0, :length]
    assert np.array_equal(smooth_pose(pose), pose)


@pytest.mark.parametrize("case", FACTS["blink_random"], ids=lambda case: f"{case['n']}-{case['seed']}")
def test_blinks(case: dict[str, Any]) -> None:
    found = blink_track(case["n"], case["seed"])
    expected = np.zeros(case["n"], np.float32)
    # The release stops with an error where no frame is left to choose from; here such a clip has no blink.
    if not isinstance(case["nonzero"], str):
        for frame, value in case["nonzero"]:
            expected[frame] = value
    assert np.array_equal(found, expected)


@pytest.mark.parametrize("frames", ["1", "5", "40"])
def test_windows_of_coefficients(frames: str) -> None:
    track = MotionTrack(np.arange(int(frames), dtype=np.float32)[:, None])
    rows = FACTS["semantic_window_index"][frames]
    first = track.windows(np.zeros(1), 13)[0, 0]
    assert first.tolist() == rows[0]
    every = track.windows(np.arange(int(frames), dtype=np.float64), 13)[:, 0].tolist()
    assert all(row in every for row in rows)


def test_coefficients_that_the_renderer_sees() -> None:
    values = stored("facerender_data")
    still, generated = values["source_coeff"][0], values["generated"]
    track = np.repeat(still[None], len(generated), axis=0)
    track[:, :70] = generated
    assert np.allclose(
        MotionTrack(track).windows(np.arange(5.0), 13), values["full_target"].reshape(-1, 73, 27)[:5], atol=1e-6
    )
    track[:, :64] *= values["crop_target"][0, 0, 0, 0] / generated[0, 0]
    crop = values["crop_target"].reshape(-1, 70, 27)[:5]
    assert np.allclose(MotionTrack(track).windows(np.arange(5.0), 13)[:, :70], crop, atol=1e-6)


@pytest.mark.parametrize("case", range(4))
def test_placement_over_the_mean_face(case: int) -> None:
    values = stored("align")
    placement = Placement.of(values[f"lm5p_{case}"])
    width, height, scale, x, y = values[f"trans_params_{case}"]
    assert np.allclose([placement.scale, placement.x, placement.y], [scale, x, y], rtol=1e-5)
    wide, high, _, _ = placement.corner(int(width), int(height))
    marks = upward(values[f"lm68_{case}"], int(height))
    moved = (marks - [placement.x, placement.y] + np.array([width, height]) / 2) * placement.scale
    moved -= np.array([wide, high]) / 2 - CROP / 2
    assert np.allclose(moved, values[f"lm_new_{case}"], atol=1e-3)


def test_placement_of_the_template_itself() -> None:
    placement = Placement.of(TEMPLATE[:, :2] * 51 + [100, 120])
    assert np.allclose([placement.scale, placement.x, placement.y], [2, 100, 120], atol=1e-6)
    face = np.zeros((256, 256, 3), np.uint8)
    assert placement.crop(face).shape == (CROP, CROP, 3)


@pytest.mark.parametrize("case", FACTS["croper"], ids=lambda case: "x".join(map(str, case["size"])))
def test_head_box(case: dict[str, Any]) -> None:
    marks = np.array(case["lm68"])
    eyes = np.stack([marks[36:42].mean(0), marks[42:48].mean(0)])
    crop = HeadCrop.of_points(eyes, marks[[48, 54]])
    shrunk = case["size"][0] // case["rsize"][0]
    top, bottom, left, right = (value * shrunk for value in case["paste_box_full"])
    width, height = case["size"]
    found = (max(crop.top, 0), min(crop.top + crop.side, height), max(crop.left, 0), min(crop.left + crop.side, width))
    assert np.abs(np.subtract(found, (top, bottom, left, right))).max() <= 1 + 2 * (shrunk - 1)


def test_camera_path() -> None:
    assert camera_path((20.0,), 7).tolist() == [20] * 7
    path = camera_path((-20.0, 30.0, 10.0), 25)
    released = FACTS["gen_camera_pose"][1]["out"][0]
    assert np.allclose(path[: len(released)], released, atol=1e-4)
    assert path[-1] == 10
    assert camera_path((10.0, 10.0), 5).tolist() == [10] * 5
    assert camera_path((0.0, 10.0), 1).tolist() == [0]
    assert np.abs(np.diff(path)).max() < 50 / 15


@pytest.mark.parametrize("text", ["1,,2", "left", "0,91", "nan"])
def test_degrees_that_are_refused(text: str) -> None:
    with pytest.raises(InputError, match="yaw"):
        parse_degrees(text)


def moved_by(**change: float) -> np.ndarray:
    """How the head lies in a crop of 256 pixels after a change of one coefficient."""
    places = {"roll": 66, "x": 67, "y": 68, "z": 69}
    still = np.zeros(73, np.float32)
    still[70] = 224 / 256
    frame = still.copy()
    for name, value in change.items():
        frame[places[name]] += value
    return similarity(face_points(still, 256), face_points(frame, 256))


def test_where_coefficients_put_the_head() -> None:
    assert np.allclose(moved_by(), np.eye(2, 3), atol=1e-5)
    pixels = 101.5 * 256 / 224
    assert np.allclose(moved_by(x=0.1)[:, 2], [0.1 * pixels, 0], atol=0.3)
    assert np.allclose(moved_by(y=0.1)[:, 2], [0, -0.1 * pixels], atol=0.3)
    nearer = moved_by(z=1.0)
    assert nearer[0, 0] == pytest.approx(10 / 9, abs=0.01)
    turned = moved_by(roll=0.2)
    assert np.arctan2(turned[1, 0], turned[0, 0]) == pytest.approx(-0.2, abs=1e-3)
