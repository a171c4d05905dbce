"""Segments: what counts as finished, and what an interrupted run may leave."""

from __future__ import annotations

from pathlib import Path

import pytest

from lipsync_colab.errors import InputError
from lipsync_colab.pipeline.output import check_output
from lipsync_colab.pipeline.segments import Segments, file_digest
from lipsync_colab.types import RenderPlan, RenderSettings


def make(tmp_path: Path, frames: int = 25) -> Segments:
    plan = RenderPlan(RenderSettings(), "viseme", "p", "s", 64, 64, "25", frames, segment=10)
    segments = Segments(tmp_path / "work" / plan.digest, plan)
    segments.prepare(resume=True)
    return segments


def finish(segments: Segments, start: int) -> Path:
    path = segments.path(start)
    path.write_bytes(b"segment %d" % start)
    segments.record(start, path.stat().st_size)
    return path


def test_the_last_segment_is_shorter(tmp_path: Path) -> None:
    segments = make(tmp_path)
    assert [(start, segments.length(start)) for start in segments.starts] == [(0, 10), (10, 10), (20, 5)]


def test_a_recorded_segment_is_finished_and_survives_a_resume(tmp_path: Path) -> None:
    segments = make(tmp_path)
    finish(segments, 10)
    segments.prepare(resume=True)
    assert [segments.finished(start) for start in segments.starts] == [False, True, False]


@pytest.mark.parametrize("damage", [b"", b"segment 1", b"segment X"])
def test_a_damaged_segment_is_dropped(tmp_path: Path, damage: bytes) -> None:
    segments = make(tmp_path)
    path = finish(segments, 0)
    path.write_bytes(damage)
    assert not segments.finished(0)
    assert not path.exists()


def test_a_segment_without_its_record_is_dropped(tmp_path: Path) -> None:
    segments = make(tmp_path)
    segments.path(0).write_bytes(b"whole, but nobody said so")
    assert not segments.finished(0)
    assert not segments.path(0).exists()


def test_stale_parts_and_unwanted_segments_go(tmp_path: Path) -> None:
    segments = make(tmp_path)
    finish(segments, 0)
    (segments.folder / "00000010.mp4.part").write_bytes(b"half")
    segments.prepare(resume=True)
    assert not list(segments.folder.glob("*.part"))
    segments.prepare(resume=False)
    assert not segments.finished(0)


def test_discard_leaves_no_folder_but_spares_other_plans(tmp_path: Path) -> None:
    segments = make(tmp_path)
    other = tmp_path / "work" / "other"
    other.mkdir()
    segments.discard()
    assert other.is_dir()
    other.rmdir()
    make(tmp_path).discard()
    assert not (tmp_path / "work").exists()


def test_digest_is_sha256(tmp_path: Path) -> None:
    path = tmp_path / "a"
    path.write_bytes(b"abc")
    assert file_digest(path) == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"


def test_output_in_a_missing_folder(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="does not exist"):
        check_output(tmp_path / "no" / "out.mp4", ())


def test_output_that_is_a_folder(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="is a folder"):
        check_output(tmp_path, ())


def test_output_that_is_an_input(tmp_path: Path) -> None:
    voice = tmp_path / "voice.mp4"
    voice.write_bytes(b"x")
    with pytest.raises(InputError, match="also an input"):
        check_output(tmp_path / "." / "voice.mp4", (voice,))


def test_output_where_nothing_can_be_written() -> None:
    with pytest.raises(InputError, match="cannot be written"):
        check_output(Path("/proc/out.mp4"), ())


def test_what_a_cross_fade_takes_is_a_segment_of_its_own(tmp_path: Path) -> None:
    plain = make(tmp_path, frames=45)
    faded = Segments(plain.folder, plain.plan, head=12, tail=8)
    assert [(start, faded.length(start)) for start in faded.starts] == [(0, 12), (12, 8), (20, 10), (30, 7), (37, 8)]
    assert faded.body == (12, 20, 30)
    whole = Segments(plain.folder, plain.plan, head=20, tail=25)
    assert whole.starts == (0, 20) and whole.body == ()
