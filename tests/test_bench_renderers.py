"""The renderers' operations as counted, against what their releases need; times are measured, not asserted."""

from __future__ import annotations

import pytest

torch = pytest.importorskip("torch")

from lipsync_colab.bench.renderers import count, run  # noqa: E402


@pytest.mark.parametrize(
    ("name", "release", "limit"), [("facevid2vid", 1203, 1030), ("pirender", 123.2, 102), ("fomm", 107.4, 87)]
)
def test_fewer_operations_than_the_release(name: str, release: float, limit: float) -> None:
    figures = count(name)
    assert figures["release_gflop"] == pytest.approx(release, rel=0.01)
    assert figures["gflop"] <= limit


@pytest.mark.slow
@pytest.mark.parametrize("name", ["facevid2vid", "pirender", "fomm"])
def test_the_same_picture(name: str) -> None:
    figures = run((name,))[name]
    assert figures["largest_difference"] < 1e-3
    assert figures["cpu_seconds"] > 0 and figures["release_cpu_seconds"] > 0
