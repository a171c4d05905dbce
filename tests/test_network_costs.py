"""The committed table of parameters and activations against what is counted and traced now."""

from __future__ import annotations

import pytest

pytest.importorskip("torch")

import torch

from lipsync_colab.bench.memory import SUBJECTS, cost_of
from lipsync_colab.bench.tracer import MemoryTracer
from lipsync_colab.finish.upscale import srvgg_stage, tail_stage, trunk_stage
from lipsync_colab.network_costs import NETWORK_COSTS
from lipsync_colab.networks import build

RESTORERS = ("gfpgan", "restoreformer", "codeformer")


def test_the_tracer_sees_what_lives_together_and_what_ended() -> None:
    one = torch.zeros(1000)
    with MemoryTracer() as tracer:
        two = one + 1  # 4 kB
        three = two * 2  # 8 kB
        del two
        three.add_(1)  # in place: nothing new
        four = three.view(10, 100) + 0  # 8 kB again
        del three
    assert tracer.peak == 8000
    assert tracer.live == 4000
    assert four.shape == (10, 100)


def test_every_network_of_the_table_can_be_traced_again() -> None:
    assert set(SUBJECTS) == set(NETWORK_COSTS)


@pytest.mark.parametrize("name", ["wav2lip", "facevid2vid-256", "fomm", "rrdbnet-trunk", "rrdbnet-tail", "srvgg-x4v3"])
def test_the_table_holds(name: str) -> None:
    cost, known = cost_of(name), NETWORK_COSTS[name]
    assert cost.parameters == known.parameters
    # Another torch may split an operation differently.
    assert cost.item == pytest.approx(known.item, rel=0.1)


@pytest.mark.slow
@pytest.mark.parametrize("name", sorted(set(NETWORK_COSTS)))
def test_the_whole_table_holds(name: str) -> None:
    if name in RESTORERS:
        pytest.importorskip("spandrel_extra_arches" if name == "codeformer" else "spandrel")
    cost, known = cost_of(name), NETWORK_COSTS[name]
    assert cost.parameters == known.parameters
    assert cost.item + cost.once == pytest.approx(known.item + known.once, rel=0.1)


def test_tiles_are_cut_for_no_less_than_was_traced() -> None:
    with torch.device("meta"):
        rrdbnet, srvgg = build("rrdbnet-x4"), build("srvgg-x4v3")
    for stage, name in ((trunk_stage(rrdbnet), "rrdbnet-trunk"), (tail_stage(rrdbnet), "rrdbnet-tail")):
        assert NETWORK_COSTS[name].item <= stage.floats <= 1.5 * NETWORK_COSTS[name].item
    assert NETWORK_COSTS["srvgg-x4v3"].item <= srvgg_stage(srvgg).floats
