"""The simulated cluster: bounds that no scheduler can break, and stage times out of a summary."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lipsync_colab.batch.simulation import Stages, scaling, simulate, stages_of
from lipsync_colab.errors import InputError

SHORT = st.builds(Stages, st.floats(0.1, 30))


@settings(max_examples=60)
@given(st.lists(SHORT, min_size=1, max_size=40), st.integers(1, 64))
def test_between_the_bounds_of_list_scheduling(stages: list[Stages], workers: int) -> None:
    total, longest = sum(one.clip for one in stages), max(one.clip for one in stages)
    best = max(longest, total / workers)
    assert best - 1e-6 <= simulate(stages, workers) <= total / workers + longest + 1e-6


def test_a_long_clip_scales_by_its_parts() -> None:
    clip = Stages(clip=1.0, segments=60, part=1.0, segment=10.0, join=2.0)
    rows = {int(row["workers"]): row for row in scaling([clip])}
    assert rows[1]["seconds"] == 1 + 2 * 1 + 600 + 2
    assert rows[8]["seconds"] == pytest.approx(1 + 2 * (1 + 4 * 10) + 2, abs=11)
    assert rows[8]["speed_up"] > 6
    # A part has three segments at least: more than 20 workers have nothing to do.
    assert rows[32]["seconds"] == rows[64]["seconds"] == 1 + (1 + 30) + 2


def test_equal_clips_scale_with_the_workers() -> None:
    rows = scaling([Stages(3.0)] * 128)
    assert [row["speed_up"] for row in rows] == [1, 2, 4, 8, 16, 32, 64]


def test_stage_times_of_a_summary() -> None:
    short = {"state": "done", "tasks": [{"kind": "clip", "seconds": 4.0}]}
    tasks = [
        {"kind": "clip", "seconds": 1.0},
        {"kind": "part", "seconds": 31.0, "made": [0, 1, 2], "kept": []},
        {"kind": "part", "seconds": 21.0, "made": [3, 4], "kept": []},
        {"kind": "join", "seconds": 2.0},
    ]
    failed = {"state": "failed", "tasks": [{"kind": "clip", "seconds": 4.0}]}
    resumed = {"state": "done", "tasks": [tasks[0], tasks[1] | {"kept": [1]}, tasks[3]]}
    found = {"state": "found", "tasks": [{"kind": "clip", "seconds": 0.1}], "rendered": tasks}
    jobs = [short, failed, resumed, found, {"state": "done", "tasks": tasks}]
    long = Stages(1.0, 5, 1.0, 10.0, 2.0)
    assert stages_of({"jobs": jobs}) == (Stages(4.0), long, long)
    with pytest.raises(InputError, match="run the batch first"):
        stages_of({"jobs": [failed]})
