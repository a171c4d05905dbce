"""The planner: rates, refusals, and what a plan's hash depends on."""

from __future__ import annotations

import dataclasses
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from viseme_portraits import turned

from lipsync_colab.device import Machine, Pace
from lipsync_colab.engines.registry import ENGINES
from lipsync_colab.errors import InputError, MachineError
from lipsync_colab.estimate import disk_bytes, estimate
from lipsync_colab.plan import Subject, make_plan, parse_fps, uses_networks
from lipsync_colab.types import Face, Mood, Portrait, RenderSettings, frame_count

CPU = Machine("cpu", "a processor", 2, 8 << 30, 0, 50 << 30, torch=True)
T4 = dataclasses.replace(CPU, device="cuda", name="Tesla T4", memory=12 << 30, device_memory=15 << 30)
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


@pytest.mark.parametrize("engine", sorted(ENGINES))
def test_a_plan_says_what_becomes_of_expression_tags(engine: str) -> None:
    moods = (Mood(0, 3, "happy"), Mood(1, 2, "emphasis"), Mood(3, 9, "neutral", head=0.5))
    settings = RenderSettings(engine=engine)
    machine = T4 if ENGINES[engine].chained else CPU
    said = make_plan(settings, dataclasses.replace(SUBJECT, moods=moods), machine).reasons
    moved = ENGINES[engine].expresses
    assert [reason for reason in said if "happy" in reason] == [
        f"happy, emphasis: the engine {engine} moves {moved}"
        if moved
        else f"happy, emphasis, scenes' head motion: not shown, the engine {engine} moves the mouth by the sound "
        "alone; choose viseme"
    ]
    assert moved or engine == "wav2lip"
    assert not any("emphasis" in reason for reason in make_plan(settings, SUBJECT, machine).reasons)


def test_plan_counts_frames_and_segments() -> None:
    made = make_plan(RenderSettings(fps="29.97"), SUBJECT, CPU)
    assert made.frames == frame_count(12.34, Fraction(30000, 1001)) == 370
    assert made.segment == 300
    slow = make_plan(RenderSettings(engine="hallo"), SUBJECT, T4)
    assert slow.segment == 50, "ten minutes of a T4 are lost with a runtime, not an hour"
    assert any("124 TFLOP for each frame" in reason for reason in slow.reasons)
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
        ("--seed", {"seed": -1}),
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


GB = 1_000_000_000
T4 = Machine("cuda", "Tesla T4", 2, 12 * GB, 15 * GB, 50 * GB, torch=True)
CARDS = {gigabytes: dataclasses.replace(T4, device_memory=gigabytes * GB) for gigabytes in (8, 15, 24)}
HEAVY = RenderSettings(
    engine="sadtalker", restore="codeformer", upscale="realesrgan-x4plus", options=(("head", "512"),)
)


@pytest.mark.parametrize("gigabytes", [8, 15, 24])
def test_a_card_gets_the_batch_that_fits_it(gigabytes: int) -> None:
    made = make_plan(HEAVY, SUBJECT, CARDS[gigabytes])
    assert made.budget is not None
    assert made.budget.device_memory <= gigabytes * GB
    assert (made.batch < 8) == any("would not fit" in reason for reason in made.reasons)
    assert made.dtype == "float16" and not made.budget.measured


def test_a_larger_card_never_gets_a_smaller_batch_nor_another_hash() -> None:
    plans = [make_plan(HEAVY, SUBJECT, CARDS[gigabytes]) for gigabytes in (8, 15, 24)]
    batches = [plan.batch for plan in plans]
    assert batches == sorted(batches) and batches[0] < batches[-1]
    assert len({plan.digest for plan in plans}) == 1


def test_what_cannot_run_names_the_nearest_that_can() -> None:
    small = dataclasses.replace(CPU, memory=2 * GB)
    with pytest.raises(MachineError, match="the nearest that fits: --engine viseme") as told:
        make_plan(RenderSettings(engine="sadtalker"), SUBJECT, small)
    assert told.value.exit_code == 4
    make_plan(RenderSettings(engine="viseme"), SUBJECT, small)
    with pytest.raises(MachineError, match="fits: --restore none"):
        make_plan(RenderSettings(engine="wav2lip", restore="gfpgan"), SUBJECT, small)
    make_plan(RenderSettings(engine="wav2lip", restore="none"), SUBJECT, small)
    with pytest.raises(MachineError, match="nothing smaller fits"):
        make_plan(RenderSettings(), SUBJECT, dataclasses.replace(CPU, memory=GB // 2))


def test_a_full_disk_is_offered_a_bitrate() -> None:
    settings = RenderSettings(size="2160p", crf=0)
    with pytest.raises(MachineError, match="--bitrate 2500k"):
        make_plan(settings, SUBJECT, dataclasses.replace(CPU, disk=60_000_000))


def test_the_plan_and_the_panel_read_the_same_figures() -> None:
    settings = RenderSettings(engine="wav2lip", restore="gfpgan", upscale="realesrgan-x2plus", size="2160p")
    cost = estimate(settings, T4, PORTRAIT, seconds=SUBJECT.seconds)
    made = make_plan(settings, SUBJECT, T4)
    assert made.budget is not None
    assert (made.budget.memory, made.budget.device_memory) == (cost.memory, cost.device_memory)
    assert made.budget.disk == cost.disk and (made.batch, made.tile) == (cost.batch, cost.tile)
    assert made.budget.seconds == pytest.approx(cost.total(made.frames / float(made.rate)), abs=0.1)


def test_a_measured_pace_changes_times_and_no_choice() -> None:
    slow = dataclasses.replace(CPU, pace=Pace(10e9, 0.2, 0.2, probed=True))
    for settings in (RenderSettings(), RenderSettings(engine="wav2lip", restore="gfpgan")):
        table, probed = (make_plan(settings, SUBJECT, machine, ("realesrgan-x4plus",)) for machine in (CPU, slow))
        assert probed.digest == table.digest
        assert probed.budget is not None and table.budget is not None
        assert probed.budget.measured and probed.budget.seconds > 3 * table.budget.seconds


def test_networks_are_known_to_run_or_not() -> None:
    assert not uses_networks(make_plan(RenderSettings(upscale="none"), SUBJECT, CPU))
    assert uses_networks(make_plan(RenderSettings(upscale="none", restore="gfpgan"), SUBJECT, CPU))


@pytest.mark.parametrize("memory", [5 * GB, 8 * GB, 64 * GB])
def test_tiles_follow_memory(memory: int) -> None:
    portrait = Portrait(np.zeros((3000, 3000, 3), np.uint8), FACE)
    subject = dataclasses.replace(SUBJECT, portrait=portrait)
    settings = RenderSettings(size="3840x3840", upscale="realesrgan-x4plus")
    made = make_plan(settings, subject, dataclasses.replace(CPU, memory=memory))
    assert 16 <= made.tile < 3000
    assert made.budget is not None and made.budget.memory < memory
