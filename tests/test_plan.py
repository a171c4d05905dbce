"""The planner: rates, refusals, and what a plan's hash depends on."""

from __future__ import annotations

import dataclasses
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from viseme_portraits import turned

from lipsync_colab.device import Machine
from lipsync_colab.errors import InputError, MachineError
from lipsync_colab.plan import Subject, disk_bytes, make_plan, parse_fps
from lipsync_colab.types import Face, Portrait, RenderSettings, frame_count

CPU = Machine("cpu", "a processor", 2, 8 << 30, 0, 50 << 30, torch=True)
FACE = Face((200.0, 200.0, 420.0, 500.0), np.zeros((478, 3), np.float32))
PORTRAIT = Portrait(np.zeros((800, 600, 3), np.uint8), FACE)
SUBJECT = Subject(PORTRAIT, "p" * 64, "s" * 64, 12.34)


def plan(**changes: object) -> object:
    return make_plan(RenderSettings(**changes), SUBJECT, CPU)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("text", "rate"),
    [
        ("25", Fraction(25)),
        ("29.97", Fraction(30000, 1001)),
        ("23.976", Fraction(24000, 1001)),
        ("59.94", Fraction(60000, 1001)),
        ("30000/1001", Fraction(30000, 1001)),
        ("12.5", Fraction(25, 2)),
    ],
)
def test_rates_are_exact(text: str, rate: Fraction) -> None:
    assert parse_fps(text) == rate


@pytest.mark.parametrize("text", ["", "fast", "0", "-25", "121", "1/0", "nan", "inf"])
def test_rates_refused(text: str) -> None:
    with pytest.raises(InputError, match="--fps"):
        parse_fps(text)


@given(st.floats(0.01, 20_000, allow_nan=False), st.sampled_from(["24000/1001", "25", "30000/1001", "60"]))
def test_frames_cover_the_sound_and_no_more(seconds: float, rate: str) -> None:
    fps = Fraction(rate)
    frames = frame_count(seconds, fps)
    assert frames / fps >= Fraction(seconds) - Fraction(1, 1_000_000)
    assert (frames - 1) / fps < Fraction(seconds) + Fraction(1, 1_000_000)


def test_plan_counts_frames_and_segments() -> None:
    made = make_plan(RenderSettings(fps="29.97"), SUBJECT, CPU)
    assert made.frames == frame_count(12.34, Fraction(30000, 1001)) == 370
    assert made.segment == 300
    assert (made.width, made.height) == (1080, 1440)


def test_same_choices_same_hash_and_other_choices_another() -> None:
    first = make_plan(RenderSettings(), SUBJECT, CPU)
    assert make_plan(RenderSettings(), SUBJECT, CPU).digest == first.digest
    assert dataclasses.replace(first, reasons=("told otherwise",), batch=99).digest == first.digest
    changed = [
        make_plan(RenderSettings(seed=1), SUBJECT, CPU),
        make_plan(RenderSettings(blink=0.5), SUBJECT, CPU),
        make_plan(RenderSettings(), dataclasses.replace(SUBJECT, portrait_digest="q" * 64), CPU),
        make_plan(RenderSettings(), dataclasses.replace(SUBJECT, speech_digest="q" * 64), CPU),
        make_plan(RenderSettings(), dataclasses.replace(SUBJECT, background_digest="b" * 64), CPU),
    ]
    assert len({first.digest, *(plan.digest for plan in changed)}) == len(changed) + 1


@pytest.mark.parametrize(
    ("option", "changes"),
    [
        ("--engine", {"engine": "magic"}),
        ("--restore", {"restore": "polish"}),
        ("--upscale", {"upscale": "x9"}),
        ("--head-motion", {"head_motion": 2.5}),
        ("--expression", {"expression": -0.1}),
        ("--blink", {"blink": float("nan")}),
        ("--strength", {"strength": 2.0}),
        ("--crf", {"crf": 52}),
        ("--bitrate", {"bitrate": "fast"}),
        ("--face", {"face": 0}),
        ("--fps", {"fps": "many"}),
        ("--size", {"size": "huge"}),
        ("--aspect", {"aspect": "2"}),
    ],
)
def test_unknown_values_name_their_option(option: str, changes: dict[str, object]) -> None:
    with pytest.raises(InputError, match=option):
        plan(**changes)


def test_a_full_disk_is_refused_before_work() -> None:
    with pytest.raises(MachineError, match="disk"):
        make_plan(RenderSettings(), SUBJECT, dataclasses.replace(CPU, disk=1000))


def test_an_engine_that_needs_torch_says_how_to_get_it() -> None:
    with pytest.raises(MachineError, match=r"lipsync-colab\[neural\]"):
        make_plan(RenderSettings(engine="wav2lip"), SUBJECT, dataclasses.replace(CPU, torch=False))


def test_disk_estimate_follows_bitrate_and_quality() -> None:
    size = (1080, 1080)
    assert disk_bytes(RenderSettings(bitrate="8M"), size, 60) == int(2 * 60 * 8_200_000 / 8)
    assert disk_bytes(RenderSettings(crf=12), size, 60) > 1.5 * disk_bytes(RenderSettings(crf=18), size, 60)


def test_a_turned_face_is_said_or_refused_before_work() -> None:
    def ask(yaw: float, **changes: object) -> object:
        portrait = Portrait(np.zeros((800, 600, 3), np.uint8), turned(yaw))
        settings = RenderSettings(**changes)  # type: ignore[arg-type]
        return make_plan(settings, dataclasses.replace(SUBJECT, portrait=portrait), CPU)

    assert not any("turned" in reason for reason in ask(20).reasons)
    assert any("turned by 42°" in reason for reason in ask(42).reasons)
    with pytest.raises(InputError, match="turned by 53°"):
        ask(53)
