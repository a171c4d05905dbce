"""The command line: exit codes, one line of help for each kind of bad input, and nothing left behind."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import zlib
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import soundfile
from material import command, hopper, tone
from PIL import Image as Picture

from lipsync_colab.cli.main import main
from lipsync_colab.cli.render import settings_from
from lipsync_colab.pipeline.command_line import command_line
from lipsync_colab.types import RenderSettings


@pytest.fixture()
def voice(tmp_path: Path) -> Path:
    return tone(tmp_path / "voice.wav", 0.6)


def refused(result: subprocess.CompletedProcess[str], code: int, *words: str) -> None:
    """Check the exit code, and that standard error is one line that holds the words."""
    lines = [line for line in result.stderr.splitlines() if line]
    assert result.returncode == code, result.stderr
    assert len(lines) == 1 and lines[0].startswith("lipsync-colab: "), result.stderr
    for word in words:
        assert word in lines[0]


def run_main(capsys: pytest.CaptureFixture[str], *words: object) -> subprocess.CompletedProcess[str]:
    """Run the command line within this process: faster than a process each."""
    code = main([str(word) for word in words])
    out, err = capsys.readouterr()
    return subprocess.CompletedProcess(words, code, out, err)


def huge_png(path: Path) -> Path:
    """A PNG whose header claims 20,000×20,000."""
    body = b"IHDR" + (20000).to_bytes(4, "big") * 2 + bytes([8, 2, 0, 0, 0])
    crc = zlib.crc32(body).to_bytes(4, "big")
    path.write_bytes(b"\x89PNG\r\n\x1a\n" + (13).to_bytes(4, "big") + body + crc)
    return path


def bad_portraits(folder: Path) -> Iterator[tuple[str, Path]]:
    yield "missing", folder / "nobody.png"
    yield "folder", folder
    empty = folder / "empty.png"
    empty.write_bytes(b"")
    yield "empty", empty
    text = folder / "text.png"
    text.write_text("I am no picture")
    yield "text", text
    cut = folder / "cut.jpg"
    cut.write_bytes(hopper().read_bytes()[:4000])
    yield "cut", cut
    moving = folder / "moving.gif"
    pages = [Picture.new("L", (80, 80), shade) for shade in (0, 255)]
    pages[0].save(moving, save_all=True, append_images=pages[1:])
    yield "gif", moving
    dot = folder / "dot.png"
    Picture.new("RGB", (1, 1)).save(dot)
    yield "1x1", dot
    yield "huge", huge_png(folder / "huge.png")
    plain = folder / "plain.png"
    Picture.new("RGB", (300, 300), (120, 160, 90)).save(plain)
    yield "no face", plain


@pytest.mark.parametrize("case", ["missing", "folder", "empty", "text", "cut", "gif", "1x1", "huge", "no face"])
def test_bad_portraits_exit_2(case: str, tmp_path: Path, voice: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = dict(bad_portraits(tmp_path))[case]
    out = tmp_path / "out.mp4"
    refused(run_main(capsys, "render", path, voice, "-o", out), 2)
    assert not list(tmp_path.glob("out*")) and not (tmp_path / "work").exists()


@pytest.mark.parametrize("case", ["missing", "folder", "empty", "text", "no sound", "no samples"])
def test_bad_voices_exit_2(case: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / f"{case}.wav"
    if case == "folder":
        path.mkdir()
    elif case == "empty":
        path.write_bytes(b"")
    elif case == "text":
        path.write_text("I am no sound")
    elif case == "no samples":
        soundfile.write(path, np.zeros(0), 16000)
    elif case == "no sound":
        path = tmp_path / "silent film.mkv"
        make_silent_film(path)
    refused(run_main(capsys, "render", hopper(), path, "-o", tmp_path / "out.mp4"), 2)
    assert not list(tmp_path.glob("out*"))


def make_silent_film(path: Path) -> None:
    from lipsync_colab.audio.ffmpeg import ffmpeg_executable

    source = ["-f", "lavfi", "-i", "color=size=64x64:rate=5:duration=1"]
    subprocess.run([ffmpeg_executable(), "-loglevel", "error", *source, str(path)], check=True)


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--engine", "magic"], "--engine"),
        (["--size", "0x0"], "--size"),
        (["--aspect", "3:1:2"], "--aspect"),
        (["--background", "#12"], "background"),
        (["--fps", "0"], "--fps"),
        (["--restore", "polish"], "--restore"),
        (["--blink", "9"], "--blink"),
        (["--device", "abacus"], "--device"),
        (["--face", "7"], "face"),
        (["--container", "avi"], "container"),
        (["--option", "novalue"], "--option"),
    ],
)
def test_unknown_values_exit_2(
    words: list[str], said: str, tmp_path: Path, voice: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    refused(run_main(capsys, "render", hopper(), voice, "-o", tmp_path / "out.mp4", *words), 2, said)


def test_output_must_have_a_known_ending(tmp_path: Path, voice: Path, capsys: pytest.CaptureFixture[str]) -> None:
    refused(run_main(capsys, "render", hopper(), voice, "-o", tmp_path / "out.avi"), 2, "--container")


def test_output_equal_to_the_voice(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    film = tmp_path / "film.mp4"
    make_silent_film(film)
    before = film.read_bytes()
    refused(run_main(capsys, "render", hopper(), film, "-o", film), 2, "also an input")
    assert film.read_bytes() == before


def test_unknown_command_and_missing_output_are_usage_errors(tmp_path: Path) -> None:
    for words in (["fly"], ["render", "a.png", "b.wav"]):
        with pytest.raises(SystemExit) as stop:
            main(words)
        assert stop.value.code == 2


def test_an_unexpected_error_is_one_line_too(
    tmp_path: Path, voice: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*words: object, **options: object) -> None:
        raise ZeroDivisionError("by\nzero")

    monkeypatch.setattr("lipsync_colab.pipeline.render.load_portrait", broken)
    words = ("render", hopper(), voice, "-o", tmp_path / "out.mp4")
    refused(run_main(capsys, *words), 5, "ZeroDivisionError: by zero")
    monkeypatch.setenv("LIPSYNC_COLAB_DEBUG", "1")
    with pytest.raises(ZeroDivisionError):
        run_main(capsys, *words)


def test_a_reader_that_leaves_early_is_no_error() -> None:
    line = f"{sys.executable} -m lipsync_colab weights list | true"
    done = subprocess.run(["bash", "-o", "pipefail", "-c", line], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")


def test_plan_only_prints_and_writes_nothing(tmp_path: Path, voice: Path, capsys: pytest.CaptureFixture[str]) -> None:
    result = run_main(
        capsys, "render", hopper(), voice, "-o", tmp_path / "out.mp4", "--plan-only", "--json", "--size", "320x240"
    )
    plan = json.loads(result.stdout)
    assert (plan["width"], plan["height"], plan["frames"]) == (320, 240, 15)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["voice.wav"]


def test_plan_only_says_what_it_takes_and_why(tmp_path: Path, voice: Path, capsys: pytest.CaptureFixture[str]) -> None:
    words = ("render", hopper(), voice, "-o", tmp_path / "out.mp4", "--plan-only", "--size", "320x240")
    said = run_main(capsys, *words).stdout
    for part in ("320×240", "engine viseme", "device c", "segment", "memory", "disk", "by a probe of this machine"):
        assert part in said
    budget = json.loads(run_main(capsys, *words, "--json").stdout)["budget"]
    assert budget["measured"] and budget["memory"] > 500_000_000 and budget["seconds"] > 0


def test_an_impossible_plan_exits_4_with_the_nearest_possible_one(
    tmp_path: Path, voice: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("lipsync_colab.device.free_memory", lambda: 2_000_000_000)
    out = tmp_path / "out.mp4"
    words = ("render", hopper(), voice, "-o", out, "--engine", "sadtalker", "--plan-only", "--device", "cpu")
    refused(run_main(capsys, *words), 4, "2.0 GB are free", "the nearest that fits: --engine viseme")
    assert run_main(capsys, *words[:5], "--engine", "viseme", "--plan-only", "--device", "cpu").returncode == 0
    assert not list(tmp_path.glob("out*"))


def test_names_with_spaces_quotes_and_dashes_render(tmp_path: Path) -> None:
    folder = tmp_path / 'it\'s "my" folder; rm -rf é'
    folder.mkdir()
    portrait = folder / "-a portrait's.jpg"
    portrait.write_bytes(hopper().read_bytes())
    voice = tone(folder / "a voice.wav", 0.3)
    out = folder / "out put.mp4"
    result = command("render", f"./{portrait.name}", voice, "-o", out, "--size", "256x300", "--quiet", cwd=folder)
    assert result.returncode == 0, result.stderr
    assert out.stat().st_size > 1000
    assert not (folder / "work").exists()


def test_names_that_are_not_utf8_render(tmp_path: Path) -> None:
    voice = tone(tmp_path / "voice.wav", 0.2)
    odd = tmp_path / b"\xff\xfe.jpg".decode("utf-8", "surrogateescape")
    odd.write_bytes(hopper().read_bytes())
    result = command("render", odd, voice, "-o", tmp_path / "o.mp4", "--size", "256x300", "--quiet")
    assert result.returncode == 0, result.stderr


@pytest.mark.parametrize("stop", [signal.SIGINT, signal.SIGTERM])
def test_stopping_exits_130_and_keeps_nothing_under_the_name(tmp_path: Path, stop: signal.Signals) -> None:
    voice = tone(tmp_path / "voice.wav", 60)
    out = tmp_path / "out.mp4"
    words = ["render", str(hopper()), str(voice), "-o", str(out), "--size", "512x600", "--json"]
    process = subprocess.Popen(
        [sys.executable, "-m", "lipsync_colab", *words],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        # Processes of a background shell ignore it.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),  # noqa: PLW1509
    )
    assert process.stdout is not None
    for line in process.stdout:  # until the first frames are in
        if json.loads(line)["stage"] == "frames":
            break
    process.send_signal(stop)
    _, said = process.communicate(timeout=60)
    assert process.returncode == 130
    assert said.strip() == "lipsync-colab: stopped"
    assert not out.exists()
    assert not list(tmp_path.rglob("*.part"))


def test_a_full_disk_exits_4_and_names_the_remedy(tmp_path: Path, small_disk: Path) -> None:
    voice = tone(tmp_path / "voice.wav", 8)
    out = small_disk / "out.mp4"
    refused(command("render", hopper(), voice, "-o", out, "--size", "512x600", "--quiet"), 4, "disk")
    assert list(small_disk.iterdir()) == []


def test_the_command_line_of_settings_gives_the_settings_back() -> None:
    from lipsync_colab.cli.main import build_parser

    settings = RenderSettings(
        engine="sadtalker", text="it's me", fps="29.97", still=True, blink=0.5, options=(("renderer", "pirender"),)
    )
    import shlex

    words = shlex.split(command_line("a b.png", "c.wav", "o.mp4", settings))
    assert settings_from(build_parser().parse_args(words[1:])) == settings
