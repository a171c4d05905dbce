"""What a choice costs: dearer choices cost more, and what does not fit is refused in words."""

from __future__ import annotations

import dataclasses

import pytest

from lipsync_colab.device import Machine
from lipsync_colab.errors import InputError
from lipsync_colab.estimate import Estimate, estimate, refusal_of
from lipsync_colab.plan import SEGMENT_SECONDS
from lipsync_colab.types import RenderSettings

CPU = Machine("cpu", "two cores", 2, 12 << 30, 0, 50 << 30, True)
T4 = dataclasses.replace(CPU, device="cuda", name="Tesla T4", device_memory=15 << 30)


def of(machine: Machine = CPU, **changes: object) -> Estimate:
    return estimate(RenderSettings(**{"upscale": "none", **changes}), machine)  # type: ignore[arg-type]


def test_more_pixels_frames_and_motion_cost_more() -> None:
    plain = of(still=True)
    assert of().per_second > plain.per_second
    assert 3 * of().per_second < of(size="2160p").per_second < 4 * of().per_second
    assert of(fps="50").per_second == pytest.approx(2 * of().per_second)
    assert of(size="2160p").memory > of().memory


def test_networks_are_much_faster_on_a_gpu_and_lie_there() -> None:
    slow, fast = of(engine="sadtalker"), of(T4, engine="sadtalker")
    assert slow.per_second > 10 * fast.per_second
    assert slow.device_memory == 0 and fast.device_memory >= 3_000_000_000
    assert of(T4).device_memory == 0 and slow.memory > of().memory + 1_000_000_000


def test_a_restorer_costs_each_frame_only_where_the_engine_draws_small_faces() -> None:
    embedded, drawn = of(restore="gfpgan"), of(engine="wav2lip", restore="gfpgan")
    assert embedded.once > of().once and embedded.per_second == of().per_second
    assert drawn.per_second > 5 * of(engine="wav2lip").per_second


def test_the_total_is_what_comes_once_and_the_rest_by_length() -> None:
    one = of()
    assert one.total(SEGMENT_SECONDS) == pytest.approx(one.once + SEGMENT_SECONDS * one.per_second)


def test_what_does_not_fit_is_refused_with_both_figures() -> None:
    small = dataclasses.replace(CPU, memory=2 << 30)
    assert of(small).refusal == ""
    assert "2.1 GB are free" in of(small, engine="sadtalker").refusal
    assert "GPU memory" in of(dataclasses.replace(T4, device_memory=1 << 30), engine="sadtalker").refusal
    assert of(T4, engine="sadtalker", restore="codeformer", size="2160p").refusal == ""
    assert "PyTorch" in of(dataclasses.replace(CPU, torch=False), engine="wav2lip").refusal


def test_a_diffusion_engine_costs_what_its_options_ask_for() -> None:
    plain = of(T4, engine="hallo")
    assert plain.refusal == "", "Colab's 12.7 GB and a T4 hold it"
    fewer = of(T4, engine="hallo", options=(("steps", "20"),))
    alone = of(T4, engine="hallo", options=(("guidance", "1"),))
    assert 1.8 * fewer.per_second < plain.per_second < 2.2 * fewer.per_second
    assert fewer.per_second == pytest.approx(alone.per_second, rel=0.1)
    assert plain.per_second > 10 * of(T4, engine="sadtalker").per_second
    with pytest.raises(InputError, match="steps"):
        of(T4, engine="hallo", options=(("steps", "0"),))


def test_what_would_take_hours_on_a_processor_is_refused_until_it_is_asked_for() -> None:
    large = dataclasses.replace(CPU, memory=64 << 30)
    assert "hours" in of(large, engine="hallo").refusal and "T4" in of(large, engine="hallo").refusal
    assert of(large, engine="hallo", device="cpu").refusal == ""
    assert of(large, engine="hallo", options=(("guidance", "1"), ("steps", "1"))).refusal == ""
    assert of(large, engine="sadtalker").refusal == ""


def test_settings_that_contradict_themselves_are_a_refusal_too() -> None:
    assert "choose" in refusal_of(RenderSettings(fps="0"), CPU)


def test_an_upscaler_of_our_choice_gives_way_to_memory_and_says_so() -> None:
    settings = RenderSettings(size="2160p")
    names = ("realesrgan-x4plus", "realesrgan-x2plus")
    rich = estimate(settings, dataclasses.replace(CPU, memory=64 << 30, cores=16), None, names)
    poor = estimate(settings, dataclasses.replace(CPU, memory=2 << 30, cores=16), None, names)
    assert rich.steps.upscale_still in names and not rich.lowered
    assert poor.steps.upscale_still == "none" and not poor.refusal
    assert any("memory does not hold it" in reason for reason in poor.lowered)
