"""Which finishing steps are chosen, and that each choice says why."""

from __future__ import annotations

import subprocess
import sys

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lipsync_colab.finish.catalogue import UPSCALERS
from lipsync_colab.finish.steps import Geometry, Speed, choose_steps

CPU = Speed.of("cpu", cores=2)
T4 = Speed.of("cuda")
STILL_512 = Geometry((512, 512), (1080, 1080), 430, 0)
WAV2LIP = Geometry((512, 512), (1080, 1080), 430, 96)


def test_a_small_portrait_is_made_sharp_within_the_budget() -> None:
    steps = choose_steps(STILL_512, CPU)
    assert steps.upscale_still == "realesrgan-x4plus"
    assert 40 < steps.still_seconds < 90
    assert steps.restore_patch == steps.upscale_patch == "none"
    assert any("within 90 s" in reason for reason in steps.reasons)


def test_a_tighter_budget_takes_a_cheaper_network_and_says_so() -> None:
    for budget, name in ((30, "realesrgan-x2plus"), (5, "realesr-general-x4v3")):
        assert choose_steps(STILL_512, CPU, still_seconds=budget).upscale_still == name
    steps = choose_steps(STILL_512, CPU, still_seconds=0.1)
    assert steps.upscale_still == "none"
    assert "more than 0 s" in steps.reasons[0]


def test_only_what_can_be_had_is_chosen() -> None:
    steps = choose_steps(STILL_512, CPU, obtainable=("realesr-general-x4v3",))
    assert steps.upscale_still == "realesr-general-x4v3"
    assert choose_steps(STILL_512, CPU, obtainable=()).upscale_still == "none"


def test_a_network_for_drawings_is_only_taken_for_a_still_that_asks() -> None:
    only = ("realesr-animevideov3",)
    assert choose_steps(STILL_512, CPU, obtainable=only).upscale_still == "none"
    assert choose_steps(STILL_512, CPU, upscale=only[0]).upscale_still == only[0]
    # A mouth of 96 pixels has less to lose than to win.
    assert choose_steps(WAV2LIP, CPU, obtainable=only).upscale_patch == only[0]


def test_a_large_portrait_needs_nothing() -> None:
    steps = choose_steps(Geometry((2000, 2000), (1080, 1080), 430), CPU, upscale="realesrgan-x4plus")
    assert steps.upscale_still == "none"
    assert steps.still_seconds == 0
    assert "2000×2000" in steps.reasons[0]


def test_what_is_asked_is_done_whatever_it_costs() -> None:
    steps = choose_steps(Geometry((1500, 1500), (2160, 2160), 800), CPU, upscale="realesrgan-x4plus")
    assert steps.upscale_still == "realesrgan-x4plus"
    assert steps.still_seconds > 90


def test_without_torch_auto_is_lanczos_and_names_the_remedy() -> None:
    steps = choose_steps(STILL_512, Speed.of("cpu", 2, torch=False))
    assert steps.upscale_still == "none"
    assert "lipsync-colab[enhance]" in steps.reasons[0]


def test_a_restored_patch_covers_1080p_without_an_upscaler() -> None:
    steps = choose_steps(WAV2LIP, T4, restore="gfpgan")
    assert (steps.restore_still, steps.restore_patch, steps.upscale_patch) == ("gfpgan", "gfpgan", "none")
    assert any("covers 77%" in reason for reason in steps.reasons)


def test_an_unrestored_patch_is_enlarged_by_a_cheap_network() -> None:
    steps = choose_steps(WAV2LIP, CPU, frame_seconds=0.2)
    assert steps.upscale_patch in {"realesr-animevideov3", "realesr-general-x4v3"}
    assert steps.patch_scale == pytest.approx(430 / 96)
    assert 0 < steps.frame_seconds <= 0.2


def test_an_engine_that_keeps_the_still_is_not_restored_each_frame() -> None:
    steps = choose_steps(STILL_512, T4, restore="codeformer")
    assert (steps.restore_still, steps.restore_patch) == ("codeformer", "none")
    assert steps.frame_seconds == 0


def test_2160p_enlarges_the_restored_patch() -> None:
    steps = choose_steps(Geometry((512, 512), (2160, 2160), 860, 96), T4, restore="gfpgan")
    assert steps.restore_patch == "gfpgan"
    assert steps.upscale_patch != "none"


@given(
    source=st.integers(64, 4000),
    canvas=st.integers(256, 4320),
    patch=st.sampled_from([0, 96, 256, 512]),
    budget=st.floats(0, 1000),
    cores=st.integers(1, 64),
    upscale=st.sampled_from(["auto", "none", "sd-x4", *UPSCALERS]),
)
@settings(max_examples=80, deadline=None)
def test_auto_keeps_its_budget(
    *, source: int, canvas: int, patch: float, budget: float, cores: int, upscale: str
) -> None:
    geometry = Geometry((source, source), (canvas, canvas), canvas * 0.4, patch)
    steps = choose_steps(geometry, Speed.of("cpu", cores), upscale=upscale, still_seconds=budget, frame_seconds=budget)
    if upscale == "auto":
        assert steps.still_seconds <= budget
        assert steps.frame_seconds <= budget
    if upscale == "none":
        assert (steps.upscale_still, steps.upscale_patch) == ("none", "none")
    assert steps.reasons


def test_the_planner_does_not_load_torch() -> None:
    code = "import sys, lipsync_colab.finish.steps; print(sorted({'torch', 'cv2', 'numpy'} & set(sys.modules)))"
    out = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True)
    assert out.stdout.strip() == "[]"
