"""The gates themselves: what is whole passes, and each thing that can be wrong with a picture fails its own gate."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Iterable
from fractions import Fraction
from pathlib import Path

import cv2
import numpy as np
import pytest
from viseme_portraits import portrait

from lipsync_colab.bench.gates.gate import LIMITS, Gate, rows_table
from lipsync_colab.bench.gates.poses import HEADS
from lipsync_colab.bench.gates.run import Scope, run
from lipsync_colab.bench.gates.sources import portraits, scaled, variations, yawed
from lipsync_colab.bench.gates.stills import border_steps, seam, sharpness, softening, still_gates
from lipsync_colab.bench.gates.voices import closures, vowel_frames
from lipsync_colab.engines.viseme.head import Head
from lipsync_colab.engines.viseme.mouth import Mouth
from lipsync_colab.engines.viseme.rig import FaceRig
from lipsync_colab.errors import InputError
from lipsync_colab.types import Patches, Phoneme

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
    assert max(softening(still, rig, head, pose) for pose in HEADS.values()) < 0.15


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
    made = {name: make() for name, make in variations(still, 200)}
    assert {"grey", "dark", "noise", "jpeg 30", "mirrored", "256 px", "roll +20", "yaw -18"} <= made.keys()
    plain = scaled(still.image, 200)
    for name, image in made.items():
        assert image.dtype == np.uint8
        assert name == "256 px" or (image.shape == plain.shape and np.abs(image.astype(int) - plain).mean() > 1)


def test_a_turn_moves_the_nose_and_leaves_the_border() -> None:
    still = portrait("hopper", 320)
    left, right = yawed(still, -18), yawed(still, 18)
    assert np.abs(left[:, 0].astype(int) - still.image[:, 0]).mean() < 3
    x, y = still.face.landmarks[1].round().astype(int)
    around = np.s_[y - 20 : y + 20, x - 20 : x + 20]
    assert np.abs(left[around].astype(int) - right[around]).mean() > 8


def test_a_run_writes_figures_and_a_sheet(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def few(portrait: object, source: str, variation: str) -> Iterable[Gate]:
        return [Gate(source, variation, "fold", 0.1)]

    monkeypatch.setattr("lipsync_colab.bench.gates.run.still_gates", few)
    told: list[str] = []
    found = run(Scope(tmp_path, only=("hopper",), size=256, seconds=0, varied=False), told.append)
    assert not found["passed"]
    assert len(told) == 1 and "fold" in told[0]
    assert json.loads((tmp_path / "gates.json").read_text())["gates"] == found["gates"]
    assert (tmp_path / "hopper_sheet.png").stat().st_size > 10_000
    assert "0.100 !" in rows_table(found["gates"])


def test_an_unknown_source_or_folder_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no source"):
        run(Scope(tmp_path, only=("nobody",), seconds=0))
    with pytest.raises(InputError, match="no folder"):
        portraits(tmp_path / "missing")


@pytest.mark.slow
def test_both_portraits_pass_with_speech(tmp_path: Path) -> None:
    found = run(Scope(tmp_path, size=480, seconds=8, varied=True))
    held = {"fold", "head fold", "border step", "border peak", "seam", "closures", "lips r", "silence", "flicker"}
    assert not found["refused"]
    assert [row for row in found["gates"] if row["name"] in held and not row["passed"]] == []
    assert (tmp_path / "astronaut.mp4").exists()
