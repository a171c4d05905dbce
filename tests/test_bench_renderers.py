"""The renderers' operations as counted, against what their releases need; times are measured, not asserted."""

from __future__ import annotations

import pytest

torch = pytest.importorskip("torch")

from lipsync_colab.bench.renderers import run  # noqa: E402

LIMITS = {"facevid2vid": (1203, 1030), "pirender": (123.2, 102), "fomm": (107.4, 87)}


@pytest.mark.parametrize("name", [pytest.param("facevid2vid", marks=pytest.mark.slow), "pirender", "fomm"])
def test_fewer_operations_and_the_same_picture(name: str) -> None:
    figures = run((name,), rounds=1)[name]
    release, limit = LIMITS[name]
    assert figures["release_gflop"] == pytest.approx(release, rel=0.01)
    assert figures["gflop"] <= limit
    assert figures["largest_difference"] < 1e-3
