"""The gates themselves: what is whole passes, and each thing that can be wrong with a picture fails its own gate."""

from __future__ import annotations

import dataclasses
import json
from fractions import Fraction
from pathlib import Path

import cv2
import numpy as np
import pytest
from viseme_portraits import portrait

from lipsync_colab.bench.gates.gate import LIMITS, Gate, gates_of, summary, table
from lipsync_colab.bench.gates.people import dips
from lipsync_colab.bench.gates.poses import HEADS
from lipsync_colab.bench.gates.registration import HALF_WIDTH, HEIGHT, JAW, LipStrips
from lipsync_colab.bench.gates.results import Piece, Results
from lipsync_colab.bench.gates.run import Scope, run
from lipsync_colab.bench.gates.sheet import sequence
from lipsync_colab.bench.gates.sources import VARIATIONS, found_face, portraits, scaled, varied, yawed
from lipsync_colab.bench.gates.stills import border_steps, moving_softening, seam, sharpness, softening, still_gates
from lipsync_colab.bench.gates.voices import closures, vowel_frames
from lipsync_colab.engines.viseme.head import Head
from lipsync_colab.engines.viseme.mouth import Mouth
from lipsync_colab.engines.viseme.rig import FaceRig
from lipsync_colab.errors import InputError
from lipsync_colab.finish.compose import compose
from lipsync_colab.portrait import FaceTracker
from lipsync_colab.types import Patches, Phoneme, Portrait, Speech

GEOMETRY = ("fold", "head fold", "border step", "border peak", "seam", "sharp, head still")


@pytest.mark.parametrize("name", ["hopper", "astronaut"])
@pytest.mark.parametrize("roll", [0.0, 20.0])
def test_both_portraits_pass_on_single_poses(name: str, roll: float) -> None:
    gates = still_gates(portrait(name, 480, roll), name, f"roll {roll:g}")
    assert {gate.name for gate in gates} >= set(GEOMETRY)
    assert [gate for gate in gates if gate.name in GEOMETRY and not gate.passed] == []


@pytest.mark.parametrize("name", ["hopper", "astronaut"])
def test_a_moving_head_stays_sharp(name: str) -> None:
    still = portrait(name, 640)
    rig, head = FaceRig(still), Head(still)
    assert max(softening(still, rig, head, pose) for pose in HEADS.values()) < 0.05


@pytest.fixture(scope="module")
def small() -> dict[str, Portrait]:
    """Both whole pictures, made smaller to 256 pixels."""
    with FaceTracker() as tracker:
        return {name: found_face(scaled(image, 256), name, tracker) for name, image in sorted(portraits(None).items())}


@pytest.mark.parametrize("name", ["hopper", "astronaut"])
def test_a_small_picture_is_as_sharp_wherever_a_gentle_motion_takes_it(small: dict[str, Portrait], name: str) -> None:
    still = small[name]
    assert moving_softening(still, FaceRig(still), Head(still)) < 0.05


def test_a_tiny_face_hardly_shows_a_border(small: dict[str, Portrait]) -> None:
    still = small["astronaut"]
    step, peak = border_steps(still, FaceRig(still))
    assert Gate("", "", "border step", step).passed
    assert peak < 10  # eyes 21 pixels apart: skin that moves beside a black collar that does not show it


class _Changed:
    """A rig whose patches are changed by something that is wrong with them."""

    def __init__(self, rig: FaceRig, levels: int = 0, blur: float = 0.0) -> None:
        self._rig, self._levels, self._blur = rig, levels, blur

    def render(self, pose: dict[str, float]) -> Patches:
        found = []
        for patch in self._rig.render(pose):
            pixels = np.clip(patch.pixels.astype(int) + self._levels, 0, 255).astype(np.uint8)
            if self._blur:
                pixels = np.asarray(cv2.GaussianBlur(pixels, (0, 0), self._blur))
            found.append(dataclasses.replace(patch, pixels=pixels))
        return tuple(found)


def test_a_patch_of_another_brightness_shows_its_border() -> None:
    still = portrait("hopper", 320)
    step, peak = border_steps(still, _Changed(FaceRig(still), levels=6))  # type: ignore[arg-type]
    assert not Gate("", "", "border step", step).passed
    assert peak > 3


def test_a_blurred_patch_is_not_sharp() -> None:
    still = portrait("hopper", 320)
    rig = _Changed(FaceRig(still), blur=0.8)
    found = softening(still, rig, Head(still), HEADS["left"])  # type: ignore[arg-type]
    assert not Gate("", "", "sharp, head moving", found).passed


def test_a_tooth_in_the_seam_is_seen() -> None:
    still = portrait("hopper", 480)
    mouth = Mouth(still)
    frame = still.image.copy()
    place = mouth.facing.picture(np.array([mouth.pose({}).opening.centre, mouth.lips.seam, 0.0])).round().astype(int)
    cv2.circle(frame, (int(place[0]), int(place[1])), 3, (255, 255, 255), -1)
    assert seam(mouth, still.image, {}) <= 1 < seam(mouth, frame, {})


def test_sharpness_is_that_of_the_mask() -> None:
    image = np.zeros((40, 40, 3), np.uint8)
    image[::2, :20] = 200
    mask = np.zeros((40, 40), np.uint8)
    mask[5:35, 25:35] = 1
    assert sharpness(image, mask) == 0 < sharpness(image, np.ones((40, 40), np.uint8))


def test_closures_count_the_phonemes_that_close() -> None:
    said = (Phoneme("M", 0.0, 0.08), Phoneme("AA", 0.08, 0.4), Phoneme("P", 0.4, 0.48))
    opening = np.full(20, 0.1, np.float32)
    opening[:2] = 0.01
    assert closures(opening, said, Fraction(25)) == 0.5
    assert np.isnan(closures(opening, said[1:2], Fraction(25)))
    assert vowel_frames(said, Fraction(25), 20).tolist() == list(range(2, 10))


def test_every_limit_can_be_failed() -> None:
    for name, (sign, limit) in LIMITS.items():
        worse = limit + (0.1 if sign.startswith("<") else -0.1)
        assert not Gate("", "", name, worse).passed
        assert not Gate("", "", name, float("nan")).passed


def test_variations_change_the_picture_and_keep_its_face() -> None:
    still = portrait("hopper", 320)
    plain = scaled(still.image, 200)
    for name in VARIATIONS:
        image = varied(still, name, 200)
        assert image.dtype == np.uint8
        assert name == "256 px" or (image.shape == plain.shape and np.abs(image.astype(int) - plain).mean() > 1)


def test_a_turn_moves_the_nose_and_leaves_the_border() -> None:
    still = portrait("hopper", 320)
    left, right = yawed(still, -18), yawed(still, 18)
    assert np.abs(left[:, 0].astype(int) - still.image[:, 0]).mean() < 3
    x, y = still.face.landmarks[1].round().astype(int)
    around = np.s_[y - 20 : y + 20, x - 20 : x + 20]
    assert np.abs(left[around].astype(int) - right[around]).mean() > 8


def test_a_run_writes_figures_and_a_sheet_and_goes_on(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[str] = []

    def few(still: object, source: str, variation: str) -> list[Gate]:
        asked.append(variation)
        return [Gate(source, variation, "fold", 0.1 if variation else 0.4)]

    monkeypatch.setattr("lipsync_colab.bench.gates.run.still_gates", few)
    told: list[str] = []
    scope = Scope(tmp_path, only=("hopper",), parts=("still",), size=256)
    assert run(scope, told.append)["passed"] and not told
    found = run(dataclasses.replace(scope, parts=("still", "grey")), told.append)
    assert not found["passed"]
    assert asked == ["", "grey"]
    assert len(told) == 1 and "fold" in told[0]
    assert json.loads((tmp_path / "gates.json").read_text())["gates"] == found["gates"]
    assert (tmp_path / "hopper_sheet.png").stat().st_size > 10_000
    assert "0.100 !" in table(gates_of(found["gates"]))
    assert "1 of 2" in summary(gates_of(found["gates"]))
    run(dataclasses.replace(scope, again=True), told.append)
    assert asked == ["", "grey", ""]
    assert [row["variation"] for row in run(dataclasses.replace(scope, size=300))["gates"]] == [""]


def test_what_cannot_be_animated_is_told_and_not_asked_again(tmp_path: Path) -> None:
    def refuse() -> list[Gate]:
        raise InputError("no face")

    told: list[str] = []
    results = Results(tmp_path, {}, told.append)
    piece = Piece("nobody", "roll +20")
    assert not results.has(piece)
    results.measure(piece, refuse)
    assert results.has(piece) and not Results(tmp_path, {"size": 1}, told.append).has(piece)
    assert results.gather() == {"gates": [], "refused": {"nobody roll +20": "no face"}, "passed": False}
    assert told == ["nobody roll +20: refused: no face"]


def test_an_unknown_source_part_or_folder_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no source"):
        run(Scope(tmp_path, only=("nobody",)))
    with pytest.raises(InputError, match="no part"):
        run(Scope(tmp_path, parts=("upside down",)))
    with pytest.raises(InputError, match="no folder"):
        portraits(tmp_path / "missing")


@pytest.mark.parametrize("opening", [{"jaw": 0.2, "upper": 0.04}, {"jaw": 0.5, "upper": 0.1}, {"jaw": 0.9}])
def test_strips_of_lip_tell_how_far_they_are_apart(opening: dict[str, float]) -> None:
    still = portrait("hopper", 480)
    mouth, rig = Mouth(still), FaceRig(still)
    strips = LipStrips(still.image, mouth)
    head = {"head_x": 0.02, "head_y": -0.02, "roll": 0.02}
    wanted = mouth.lips.pose(opening).opening
    assert strips.opening(still.image) == pytest.approx(0, abs=0.003)
    assert strips.opening(compose(still.image, rig.render({**opening, **head}))) == pytest.approx(wanted, rel=0.2)


def test_what_a_strip_resembles_beyond_its_reach_is_not_taken_for_it() -> None:
    still = portrait("hopper", 480)
    mouth = Mouth(still)
    lower = float(mouth.lips.source.inner_lower[5, 1])
    corners = np.array([(across, lower + down, 0.0) for across in (-HALF_WIDTH, HALF_WIDTH) for down in (0, HEIGHT)])
    left, top = mouth.facing.picture(corners).min(axis=0).astype(int)
    right, bottom = mouth.facing.picture(corners).max(axis=0).astype(int) + 1
    frame = still.image.copy()
    worn = frame[top:bottom, left:right] + np.random.default_rng(1).normal(0, 90, (bottom - top, right - left, 3))
    beyond = round((JAW[2] + 0.01) * mouth.facing.unit)
    frame[top + beyond : bottom + beyond, left:right] = frame[top:bottom, left:right]
    frame[top:bottom, left:right] = np.clip(worn, 0, 255)
    assert LipStrips(still.image, mouth).opening(frame) == pytest.approx(0, abs=0.02)


def test_a_closure_without_a_dip_is_no_closure() -> None:
    noise = np.random.default_rng(0).normal(0, 0.1, 16000).astype(np.float32)
    press = np.zeros(25, np.float32)
    press[[5, 15]] = 1
    quiet = noise.copy()
    quiet[int(5.3 * 640) : int(5.7 * 640)] *= 0.01
    assert dips(Speech(noise, 16000, None), press, 25.0) == 0
    assert dips(Speech(quiet, 16000, None), press, 25.0) == 0.5
    assert np.isnan(dips(Speech(noise, 16000, None), np.zeros(25, np.float32), 25.0))


def test_a_sequence_shows_twelve_frames() -> None:
    still = portrait("hopper", 240)
    frames = [np.full_like(still.image, index * 4) for index in range(50)]
    shown = sequence(frames, still)
    tiles = [
        shown[y + 200, x + 200, 0] for y in range(0, shown.shape[0], shown.shape[0] // 3) for x in range(0, 1920, 480)
    ]
    assert tiles == [80 + 8 * index for index in range(12)]


@pytest.mark.slow
def test_both_portraits_pass_with_speech(tmp_path: Path) -> None:
    # At 480 the second face's eyes lie 39 pixels apart, and landmarks are off by more than a closure's limit.
    found = run(Scope(tmp_path, size=720, seconds=8, parts=("still", "clip", "machine", "sound")))
    assert not found["refused"]
    assert [row for row in found["gates"] if not row["passed"]] == []
    assert (tmp_path / "astronaut.mp4").exists()
