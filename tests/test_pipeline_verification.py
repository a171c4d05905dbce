"""A video held against its record: what was changed is named, and nothing else."""

from __future__ import annotations

import json
import shutil
import subprocess
from pathlib import Path

import pytest
from material import astronaut, hopper, tone

from lipsync_colab.audio.ffmpeg import ffmpeg_executable
from lipsync_colab.cli.main import main
from lipsync_colab.errors import InputError
from lipsync_colab.marks.record import read_record
from lipsync_colab.pipeline import verification
from lipsync_colab.pipeline.render import render_video
from lipsync_colab.pipeline.verification import verify
from lipsync_colab.types import RenderSettings
from lipsync_colab.weights.inventory import Finding

LANDMARKER = "face_landmarker.task"


@pytest.fixture(scope="module")
def rendered(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("verified")
    settings = RenderSettings(size="256x300", head_motion=0.0, text='a "quoted" = line; # \\ and café')
    render_video(hopper(), tone(folder / "v.wav", 0.3), folder / "out.mp4", settings)
    return folder


@pytest.fixture()
def video(rendered: Path, tmp_path: Path) -> Path:
    for name in ("out.mp4", "out.mp4.json", "v.wav"):
        shutil.copy(rendered / name, tmp_path / name)
    return tmp_path / "out.mp4"


def wrong(video: Path, **inputs: Path) -> set[str]:
    return {check.what for check in verify(video, **inputs) if check.holds is False}


def test_an_untouched_video_holds(video: Path) -> None:
    checks = {check.what: check.holds for check in verify(video, hopper(), video.with_name("v.wav"))}
    assert checks == dict.fromkeys(("mark", "record beside", "plan", "video", "portrait", "speech"), True)


def test_inputs_that_are_not_given_are_not_judged(video: Path) -> None:
    assert {check.what for check in verify(video) if check.holds is None} == {"portrait", "speech"}


def test_other_inputs_are_named(video: Path) -> None:
    assert wrong(video, portrait=astronaut(video.parent), voice=video) == {"portrait", "speech"}


def test_a_changed_video_is_named(video: Path) -> None:
    content = bytearray(video.read_bytes())
    content[content.index(b"mdat") + 40] ^= 1
    video.write_bytes(content)
    assert wrong(video) == {"video"}


def test_a_changed_plan_and_a_changed_record_are_named(video: Path) -> None:
    beside = video.with_name("out.mp4.json")
    record = json.loads(beside.read_text())
    record["plan"]["settings"]["seed"] += 1
    record["provenance"]["engine"] = "another"
    beside.write_text(json.dumps(record))
    assert wrong(video) == {"plan", "record beside"}


def test_without_the_json_the_file_still_speaks_for_itself(video: Path) -> None:
    video.with_name("out.mp4.json").write_text("{")
    checks = {check.what: check.holds for check in verify(video)}
    assert checks["mark"] is True and checks["record beside"] is None and "video" not in checks


def test_a_file_without_our_record_is_refused(video: Path, capsys: pytest.CaptureFixture[str]) -> None:
    bare = video.with_name("bare.mp4")
    command = [ffmpeg_executable(), "-loglevel", "error", "-i", str(video), "-map_metadata", "-1", "-c", "copy"]
    subprocess.run([*command, str(bare)], check=True, stdin=subprocess.DEVNULL)
    assert main(["verify", str(bare)]) == 2
    assert "no record" in capsys.readouterr().err
    with pytest.raises(InputError, match="no file"):
        verify(video.with_name("missing.mp4"))


@pytest.mark.parametrize("right", [True, False])
def test_a_weight_is_hashed_again(video: Path, monkeypatch: pytest.MonkeyPatch, right: bool) -> None:
    row = verification.Store().manifest[LANDMARKER]
    found = Finding(row, video, str(row.sha256), row.sha256)
    monkeypatch.setattr(verification.Store, "verify", lambda store, names: [found])
    record = read_record(video) | {"weights": [LANDMARKER, "gone.pth"]}
    beside = json.loads(video.with_name("out.mp4.json").read_text())
    beside |= {"provenance": record, "weights": [{"name": LANDMARKER, "sha256": row.sha256 if right else "0" * 64}]}
    video.with_name("out.mp4.json").write_text(json.dumps(beside))
    monkeypatch.setattr(verification, "read_record", lambda path: record)
    checks = {check.what: check.holds for check in verify(video)}
    assert checks[LANDMARKER] is right and checks["gone.pth"] is None


def test_the_command_names_what_is_wrong(video: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["verify", str(video), "--portrait", str(hopper())]) == 0
    assert "holds" in capsys.readouterr().out
    assert main(["verify", str(video), "--portrait", str(astronaut(video.parent)), "--json"]) == 2
    out, err = capsys.readouterr()
    assert {row["what"]: row["holds"] for row in json.loads(out)}["portrait"] is False
    assert "portrait" in err and "Traceback" not in err
