"""The install cell for real, in a runtime with Colab's versions: run by ``.ci/run colab``, which makes that runtime."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from notebook_runs import run_notebook

SOURCE = os.environ.get("LIPSYNC_COLAB_SOURCE", "")


@pytest.mark.skipif(not SOURCE, reason="installs into this very environment: .ci/run colab makes one for it")
def test_run_all_on_a_fresh_runtime_ends_with_a_video(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    ran = run_notebook("quickstart", "colab", tmp_path, monkeypatch, {"DEMO_SIZE": '"1080p"'}, SOURCE)
    assert (ran.folder / "demo.mp4").stat().st_size > 10_000
    assert "1080×1080" in ran.said["demo"]
    assert "<video" in ran.said["show"]
    marker = [path.name for path in Path(os.environ["HOME"]).iterdir() if path.name.startswith(".lipsync-colab-")]
    assert len(marker) == 1
