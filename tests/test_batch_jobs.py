"""Lists of jobs: what is read, what is refused, and that nothing is written outside the list's folder."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from lipsync_colab.batch.jobs import read_jobs
from lipsync_colab.errors import InputError

ROW = {"portrait": "p.jpg", "audio": "v.wav", "output": "o.mp4"}


@pytest.fixture()
def folder(tmp_path: Path) -> Path:
    place = tmp_path / "jobs"
    (place / "below").mkdir(parents=True)
    for name in ("p.jpg", "v.wav"):
        (place / name).write_bytes(b"x")
    (tmp_path / "outside").mkdir()
    return place


def read(folder: Path, *rows: object) -> object:
    path = folder / "jobs.jsonl"
    path.write_text("\n".join(row if isinstance(row, str) else json.dumps(row) for row in rows), encoding="utf-8")
    return read_jobs(path)


def test_reads_paths_and_settings(folder: Path) -> None:
    first, second = read(
        folder,
        ROW | {"size": "720p", "fps": 30, "head_motion": 1, "face": 2, "options": {"renderer": "pirender"}},
        "",
        ROW | {"output": "below/other.mkv", "still": True, "fps": "30000/1001"},
    )
    assert (first.line, second.line) == (1, 3)
    assert first.output == (folder / "o.mp4").resolve()
    assert first.settings.fps == "30" and first.settings.head_motion == 1.0
    assert first.settings.options == (("renderer", "pirender"),)
    assert second.settings.still and second.output.parent.name == "below"
    assert first.key != second.key


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"output": "../outside/o.mp4"}, "outside"),
        ({"output": "/tmp/o.mp4"}, "outside"),
        ({"output": "below/../../o.mp4"}, "outside"),
        ({"output": "link/o.mp4"}, "outside"),
        ({"output": "linked.mp4"}, "is a link"),
        ({"output": "none/o.mp4"}, "does not exist"),
        ({"output": ".."}, "outside|name the output"),
        ({"output": "o\x00.mp4"}, "'output' must be"),
        ({"output": "o.txt"}, "name the output"),
        ({"output": 3}, "'output' must be"),
        ({"portrait": "missing.jpg"}, "is no file"),
        ({"audio": "below"}, "is no file"),
        ({"size": 720}, "'size' must be a text"),
        ({"still": 1}, "'still' must be true or false"),
        ({"seed": True}, "'seed' must be a whole number"),
        ({"fps": "1e999999999"}, "--fps"),
        ({"fps": "1/0"}, "--fps"),
        ({"crf": 99}, "--crf"),
        ({"sise": "720p"}, "unknown key 'sise'"),
        ({"background": "v.jpg"}, "--background"),
        ({"options": ["a"]}, "'options' must be"),
    ],
)
def test_refuses_in_one_line_that_names_the_line(folder: Path, change: dict[str, object], said: str) -> None:
    (folder / "link").symlink_to(folder.parent / "outside")
    (folder / "linked.mp4").symlink_to(folder.parent / "outside" / "o.mp4")
    with pytest.raises(InputError, match=said) as caught:
        read(folder, ROW | {"output": "fine.mp4"}, ROW | change)
    assert str(caught.value).startswith("line 2 of jobs.jsonl") and "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("rows", "said"),
    [
        ([ROW, ROW], "lines 1 and 2 of jobs.jsonl both write 'o.mp4'"),
        ([ROW, ROW | {"output": "below/../o.mp4"}], "both write"),
        ([ROW, ROW | {"output": "o.mp4.json", "container": "mp4"}], "both write"),
        ([ROW | {"output": "v.wav", "container": "mp4"}], "would overwrite 'v.wav'"),
        ([], "holds 0 jobs"),
        (["[1]"], "holds a list"),
        (["{"], "no valid JSON"),
        (['{"portrait": "p.jpg", "portrait": "p.jpg"}'], "a key stands twice"),
        (["[" * 100_000], "100,000 characters|no valid JSON"),
        ([" " * 100_001 + "x"], "100,000 characters"),
    ],
)
def test_refuses_lists(folder: Path, rows: list[object], said: str) -> None:
    with pytest.raises(InputError, match=said):
        read(folder, *rows)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=12),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=6,
)
KEYS = st.sampled_from(["portrait", "audio", "output", "size", "fps", "crf", "face", "background", "text", "options"])
NAMES = st.sampled_from(
    ["p.jpg", "v.wav", "o.mp4", "../o.mp4", "/etc/passwd", "below/o.mp4", "link/o.mp4", ".", "~/o.mp4"]
)


@settings(max_examples=300, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.dictionaries(KEYS, NAMES | JSON, max_size=8), st.booleans())
def test_whatever_a_line_holds_it_is_refused_or_stays_inside(folder: Path, row: dict[str, object], whole: bool) -> None:
    try:
        jobs = read(folder, ROW | row if whole else row)
    except InputError as error:
        assert "\n" not in str(error) or "jobs.jsonl" in str(error)
    else:
        assert all(job.output.resolve().is_relative_to(folder.resolve()) for job in jobs)


@settings(max_examples=200, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.binary(max_size=200))
def test_any_bytes_are_refused_in_one_error(folder: Path, raw: bytes) -> None:
    path = folder / "jobs.jsonl"
    path.write_bytes(raw)
    with pytest.raises(InputError):
        read_jobs(path)
