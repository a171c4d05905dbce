"""Whole renders, decoded again: length, stillness outside the patch, repetition, resume, memory."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
from material import astronaut, frames_of, hopper, tone

from lipsync_colab import device
from lipsync_colab.errors import Cancelled, MachineError
from lipsync_colab.pipeline import render as rendering
from lipsync_colab.pipeline.finishing import finish_still
from lipsync_colab.pipeline.frames import frame_stream
from lipsync_colab.pipeline.render import prepare, preview, render_video, silent
from lipsync_colab.types import RenderSettings, frame_count

SMALL = RenderSettings(size="256x300", head_motion=0.0)


def test_video_has_every_frame_and_a_record_beside_it(tmp_path: Path) -> None:
    out = tmp_path / "out.mp4"
    result = render_video(hopper(), tone(tmp_path / "v.wav", 1.03), out, SMALL)
    frames = frames_of(out)
    assert frames.shape == (frame_count(1.03, Fraction(25)), 300, 256, 3)
    record = json.loads((tmp_path / "out.mp4.json").read_text())
    assert record["provenance"]["generated"] is True
    assert record["plan"]["frames"] == len(frames) == result.plan.frames
    assert sorted(path.name for path in tmp_path.iterdir()) == ["out.mp4", "out.mp4.json", "v.wav"]


def test_planning_the_embedded_engine_loads_no_torch(tmp_path: Path) -> None:
    code = f"""
import sys
from pathlib import Path
from lipsync_colab import RenderSettings, prepare
from material import hopper, tone
folder = Path({str(tmp_path)!r})
settings = RenderSettings(size="240x240", device="cpu")
job = prepare(hopper(), tone(folder / "v.wav", 1.0), folder / "out.mp4", settings)
print(job.plan.engine, "torch" in sys.modules)
"""
    folders = os.pathsep.join([str(Path(__file__).parent), *sys.path])
    surroundings = {**os.environ, "PYTHONPATH": folders}
    words = [sys.executable, "-c", code]
    out = subprocess.run(words, check=True, capture_output=True, text=True, env=surroundings)
    assert out.stdout.split() == ["viseme", "False"]


def test_a_full_disk_under_the_work_folder_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    full = tmp_path / "full"
    full.mkdir()
    monkeypatch.setattr(device, "free_disk", lambda folder: 1000 if full in (folder, *folder.parents) else 1 << 40)
    with pytest.raises(MachineError, match="disk"):
        prepare(hopper(), tone(tmp_path / "v.wav", 1.0), tmp_path / "o.mp4", SMALL, work=full / "work")
    with pytest.raises(MachineError, match="disk"):
        prepare(hopper(), tmp_path / "v.wav", full / "o.mp4", SMALL, work=tmp_path / "work")


def test_nothing_changes_outside_the_patches(tmp_path: Path) -> None:
    job = prepare(hopper(), tone(tmp_path / "v.wav", 1.0), tmp_path / "o.mp4", SMALL)
    still = finish_still(job.portrait, job.plan, silent).portrait
    frames = [frame.copy() for frame in frame_stream(still, job.speech, job.plan)]
    changed = np.any([np.any(frame != still.image, axis=2) for frame in frames], axis=0)
    assert changed.any()
    top = int(still.face.landmarks[:, 1].min())
    assert not changed[: max(0, top - 10)].any()
    assert changed.mean() < 0.6


def test_same_plan_same_bytes_and_any_start(tmp_path: Path) -> None:
    settings = RenderSettings(size="256x300")
    job = prepare(hopper(), tone(tmp_path / "v.wav", 0.8), tmp_path / "o.mp4", settings)
    still = finish_still(job.portrait, job.plan, silent).portrait
    first = [frame.tobytes() for frame in frame_stream(still, job.speech, job.plan)]
    again = [frame.tobytes() for frame in frame_stream(still, job.speech, job.plan)]
    late = [frame.tobytes() for frame in frame_stream(still, job.speech, job.plan, start=7)]
    assert first == again
    assert late == first[7:]
    assert preview(job, 9).tobytes() == first[9]


def test_a_toothy_portrait_renders_with_head_motion(tmp_path: Path) -> None:
    out = tmp_path / "out.mp4"
    settings = RenderSettings(size="256x256", aspect="1:1", fps="29.97", label=True)
    render_video(astronaut(tmp_path), tone(tmp_path / "v.wav", 0.5), out, settings)
    assert len(frames_of(out)) == frame_count(0.5, Fraction(30000, 1001))


@pytest.fixture()
def short_segments(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("lipsync_colab.plan.SEGMENT_SECONDS", 0.4)


@pytest.mark.usefixtures("short_segments")
def test_a_stopped_render_goes_on_where_it_was(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    voice = tone(tmp_path / "v.wav", 1.5)
    whole = tmp_path / "whole.mp4"
    render_video(hopper(), voice, whole, SMALL)
    cancel, out = threading.Event(), tmp_path / "out.mp4"

    def stop_in_the_third_segment(stage: str, done: int, total: int) -> None:
        if done == 23:
            cancel.set()

    with pytest.raises(Cancelled):
        render_video(hopper(), voice, out, SMALL, progress=stop_in_the_third_segment, cancel=cancel)
    assert not out.exists()
    assert not list(tmp_path.rglob("*.part"))
    asked: list[int] = []
    original = rendering.frame_stream
    monkeypatch.setattr(rendering, "frame_stream", lambda *words: asked.append(words[3]) or original(*words))
    result = render_video(hopper(), voice, out, SMALL)
    assert asked == [20] and result.report["reused_frames"] == 20
    assert out.read_bytes() == whole.read_bytes()


KILLED = """
import os, signal, sys
from pathlib import Path
from lipsync_colab import plan
from lipsync_colab.pipeline.render import render_video
from lipsync_colab.types import RenderSettings
plan.SEGMENT_SECONDS = 0.4
def die(stage, done, total):
    if done == 17:
        os.kill(os.getpid(), signal.SIGKILL)
portrait, voice, out = map(Path, sys.argv[1:4])
render_video(portrait, voice, out, RenderSettings(size="256x300", head_motion=0.0), progress=die)
"""


@pytest.mark.usefixtures("short_segments")
def test_kill_9_loses_at_most_one_segment(tmp_path: Path) -> None:
    voice = tone(tmp_path / "v.wav", 1.5)
    out = tmp_path / "out.mp4"
    died = subprocess.run([sys.executable, "-c", KILLED, hopper(), voice, out], check=False, capture_output=True)
    assert died.returncode == -signal.SIGKILL
    result = render_video(hopper(), voice, out, SMALL)
    assert result.report["reused_frames"] == 10
    whole = tmp_path / "whole.mp4"
    render_video(hopper(), voice, whole, SMALL)
    assert out.read_bytes() == whole.read_bytes()
    assert not (tmp_path / "work").exists()


PEAK = """
import sys
from pathlib import Path
from lipsync_colab.device import peak_memory
from lipsync_colab.pipeline.render import render_video
from lipsync_colab.types import RenderSettings
render_video(Path(sys.argv[1]), Path(sys.argv[2]), Path(sys.argv[3]), RenderSettings(size=sys.argv[4], upscale="none"))
print(peak_memory())
"""


def peak(folder: Path, seconds: float, size: str) -> int:
    """Peak memory of a render in a process of its own, in bytes."""
    voice = tone(folder / f"{seconds}.wav", seconds)
    words = [sys.executable, "-c", PEAK, str(hopper()), str(voice), str(folder / f"{seconds}.mp4"), size]
    return int(subprocess.run(words, check=True, capture_output=True, text=True).stdout)


def test_memory_does_not_grow_with_length(tmp_path: Path) -> None:
    assert peak(tmp_path, 20.0, "256x300") < 1.1 * peak(tmp_path, 4.0, "256x300")


@pytest.mark.slow
def test_memory_of_a_minute_is_that_of_ten_seconds(tmp_path: Path) -> None:
    assert peak(tmp_path, 60.0, "1080x1266") < 1.1 * peak(tmp_path, 10.0, "1080x1266")
