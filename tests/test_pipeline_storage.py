"""Work folders that fail under a render: full, gone, or a Drive that shows late what it took."""

from __future__ import annotations

import errno
import os
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from material import hopper, tone

from lipsync_colab.errors import MachineError, RenderError
from lipsync_colab.pipeline import storage
from lipsync_colab.pipeline.render import render_video
from lipsync_colab.pipeline.storage import plain_failures, wait_for
from lipsync_colab.types import RenderSettings

SMALL = RenderSettings(size="128x150", head_motion=0.0)


@pytest.fixture(autouse=True)
def short_segments(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("lipsync_colab.plan.SEGMENT_SECONDS", 0.4)


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, bytes]:
    """A voice, and the video that an undisturbed render makes of it."""
    folder = tmp_path_factory.mktemp("whole")
    voice, out = tone(folder / "v.wav", 1.5), folder / "whole.mp4"
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("lipsync_colab.plan.SEGMENT_SECONDS", 0.4)
        render_video(hopper(), voice, out, SMALL)
    return voice, out.read_bytes()


class LateDrive:
    """A mounted folder that is slow and eventually consistent.

    What is renamed in it can be seen only after several looks, and its listings go on naming files that are gone.
    """

    LOOKS = 3

    def __init__(self, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.folder, self.waiting, self.late = folder, {}, 0  # type: ignore[var-annotated]
        self._replace, self._stat, self._glob = Path.replace, Path.stat, Path.glob
        monkeypatch.setattr(Path, "replace", lambda path, target: self.rename(path, Path(target)))
        monkeypatch.setattr(Path, "stat", lambda path, **words: self.look(path, **words))  # noqa: PLW0108 - a method of Path
        monkeypatch.setattr(Path, "glob", lambda path, pattern: self.list(path, pattern))  # noqa: PLW0108
        monkeypatch.setattr(storage.time, "sleep", lambda seconds: None)

    def rename(self, path: Path, target: Path) -> Path:
        if self.folder not in target.parents or target.suffix != ".mp4":
            return self._replace(path, target)
        hidden = target.with_name(f".{target.name}")
        self._replace(path, hidden)
        self.waiting[target] = (hidden, self.LOOKS)
        return target

    def look(self, path: Path, **words: Any) -> os.stat_result:
        if path in self.waiting:
            hidden, left = self.waiting[path]
            if left > 0:
                self.waiting[path] = (hidden, left - 1)
                self.late += 1
                raise FileNotFoundError(errno.ENOENT, "not there yet", str(path))
            self._replace(hidden, path)
            del self.waiting[path]
        return self._stat(path, **words)

    def list(self, path: Path, pattern: str) -> Iterator[Path]:
        found = list(self._glob(path, pattern))
        ghost = [path / "00000000.mp4.part"] if self.folder in path.parents and pattern == "*.part" else []
        return iter(found + ghost)


def test_a_drive_that_shows_files_late_loses_nothing(
    tmp_path: Path, whole: tuple[Path, bytes], monkeypatch: pytest.MonkeyPatch
) -> None:
    voice, expected = whole
    drive = LateDrive(tmp_path / "drive", monkeypatch)
    out = tmp_path / "out.mp4"
    render_video(hopper(), voice, out, SMALL, work=tmp_path / "drive" / "work")
    assert drive.late >= 4 * LateDrive.LOOKS, "the drive was late with every segment"
    assert out.read_bytes() == expected


def test_a_drive_that_never_shows_a_file_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    waits: list[float] = []
    monkeypatch.setattr(storage.time, "sleep", waits.append)
    (tmp_path / "half.mp4").write_bytes(b"1234")
    with pytest.raises(MachineError, match="--work"):
        wait_for(tmp_path / "half.mp4", 8)
    assert sum(waits) >= storage.PATIENCE


def disturbed(monkeypatch: pytest.MonkeyPatch, at: int, harm: Any) -> Any:
    """Return a progress that does harm at a frame."""

    def progress(stage: str, done: int, total: int) -> None:
        if stage == "frames" and done == at:
            harm()

    return progress


def test_a_drive_that_vanishes_is_told_and_the_render_goes_on_when_it_is_back(
    tmp_path: Path, whole: tuple[Path, bytes], monkeypatch: pytest.MonkeyPatch
) -> None:
    voice, expected = whole
    drive, away, out = tmp_path / "drive", tmp_path / "away", tmp_path / "out.mp4"
    drive.mkdir()
    progress = disturbed(monkeypatch, 23, lambda: drive.rename(away))
    with pytest.raises(MachineError, match=r"gone; mount the drive again"):
        render_video(hopper(), voice, out, SMALL, work=drive / "work", progress=progress)
    assert not out.exists()
    assert not drive.exists(), "nothing was written where the drive was mounted"
    away.rename(drive)
    result = render_video(hopper(), voice, out, SMALL, work=drive / "work")
    assert result.report["reused_frames"] == 20
    assert out.read_bytes() == expected


def test_a_drive_that_vanishes_before_the_join_is_told(
    tmp_path: Path, whole: tuple[Path, bytes], monkeypatch: pytest.MonkeyPatch
) -> None:
    from lipsync_colab.pipeline import render as rendering

    work = tmp_path / "drive"
    original = rendering.encode.join_segments

    def joined(*words: Any) -> None:
        shutil.rmtree(work)
        original(*words)

    monkeypatch.setattr(rendering.encode, "join_segments", joined)
    with pytest.raises(MachineError, match="gone"):
        render_video(hopper(), whole[0], tmp_path / "out.mp4", SMALL, work=work)
    assert not (tmp_path / "out.mp4").exists()


def test_a_disk_that_fills_while_it_renders_keeps_what_is_finished(
    tmp_path: Path, whole: tuple[Path, bytes], small_disk: Path
) -> None:
    voice, expected = whole
    filler, work, out = small_disk / "filler", small_disk / "work", tmp_path / "out.mp4"

    def fill() -> None:
        free = os.statvfs(small_disk)
        filler.write_bytes(b"0" * free.f_bavail * free.f_frsize)

    progress = disturbed(pytest.MonkeyPatch(), 12, fill)
    with pytest.raises(MachineError, match="no room left"):
        render_video(hopper(), voice, out, SMALL, work=work, progress=progress)
    assert not out.exists() and not list(small_disk.rglob("*.part"))
    filler.unlink()
    result = render_video(hopper(), voice, out, SMALL, work=work)
    assert result.report["reused_frames"] == 10
    assert out.read_bytes() == expected


def test_an_ffmpeg_that_dies_is_told_and_keeps_what_is_finished(
    tmp_path: Path, whole: tuple[Path, bytes], monkeypatch: pytest.MonkeyPatch
) -> None:
    from lipsync_colab import encode

    voice, expected = whole
    writers: list[encode.SegmentWriter] = []
    original = encode.SegmentWriter.__enter__
    monkeypatch.setattr(encode.SegmentWriter, "__enter__", lambda self: writers.append(self) or original(self))
    progress = disturbed(monkeypatch, 13, lambda: writers[-1]._process.kill())  # noqa: PLW0108 - looked up then
    out = tmp_path / "out.mp4"
    with pytest.raises(RenderError, match="ffmpeg failed"):
        render_video(hopper(), voice, out, SMALL, progress=progress)
    assert not out.exists() and not list(tmp_path.rglob("*.part"))
    result = render_video(hopper(), voice, out, SMALL)
    assert result.report["reused_frames"] == 10
    assert out.read_bytes() == expected


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (OSError(errno.ENOSPC, "No space left on device"), "no room left"),
        (OSError(errno.EDQUOT, "Disk quota exceeded"), "no room left"),
        (OSError(errno.ENOTCONN, "Transport endpoint is not connected"), "cannot be reached"),
        (MemoryError(), "memory ran out"),
    ],
)
def test_failures_of_the_machine_exit_4_in_a_sentence(error: Exception, said: str, tmp_path: Path) -> None:
    with pytest.raises(MachineError, match=said), plain_failures(tmp_path):
        raise error


def test_a_full_device_exits_4_in_a_sentence(tmp_path: Path) -> None:
    torch = pytest.importorskip("torch")
    with pytest.raises(MachineError, match="memory ran out"), plain_failures(tmp_path):
        raise torch.OutOfMemoryError("CUDA out of memory")


def test_other_failures_stay_what_they_are(tmp_path: Path) -> None:
    for error in (PermissionError(errno.EACCES, "denied"), RuntimeError("a bug"), RenderError("ffmpeg failed")):
        with pytest.raises(type(error)) as told, plain_failures(tmp_path):
            raise error
        assert told.value is error
