"""What a hostile file, job or server can do: read nothing, reach nothing, learn no token."""

from __future__ import annotations

import ast
import http.server
import os
import subprocess
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from batch_lists import SMALL, small_jobs, write_list
from material import hopper

from lipsync_colab import encode
from lipsync_colab.audio.ffmpeg import ffmpeg_executable
from lipsync_colab.cli.main import main
from lipsync_colab.encode import Encoding, can_copy, join_segments
from lipsync_colab.errors import InputError, LipSyncError, RenderError
from lipsync_colab.marks.record import read_record
from lipsync_colab.narrate.storyboard import parse_storyboard
from lipsync_colab.panel.pictures import preview_sound
from lipsync_colab.report.video import open_video

PACKAGE = Path(__file__).parents[1] / "lipsync_colab"
TOKEN = "hf_ThisTokenMustNeverBeSeenAnywhere"
MODULES = sorted(PACKAGE.rglob("*.py"))


def calls(tree: ast.AST) -> Iterator[tuple[str, ast.Call]]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Call):
            yield ast.unparse(node.func), node


def test_nothing_runs_a_shell_or_text_as_code() -> None:
    refused = {"os.system", "os.popen", "eval", "exec", "tempfile.mktemp", "subprocess.getoutput", "os.spawnlp"}
    for path in MODULES:
        for name, call in calls(ast.parse(path.read_text(encoding="utf-8"))):
            assert name not in refused, f"{path.name}:{call.lineno} calls {name}"
            assert all(word.arg != "shell" for word in call.keywords), f"{path.name}:{call.lineno} names a shell"
            if name in ("subprocess.run", "subprocess.Popen"):
                assert not isinstance(call.args[0], ast.Constant | ast.JoinedStr), f"{path.name}:{call.lineno}"


def test_every_file_for_ffmpeg_is_opened_through_the_whitelist() -> None:
    """An ``-i`` outside ``audio/ffmpeg.py`` may only read our own pipe."""
    for path in MODULES:
        if path == PACKAGE / "audio" / "ffmpeg.py":
            continue
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            for words in (node.elts,) if isinstance(node, ast.List | ast.Tuple) else ():
                texts = [word.value if isinstance(word, ast.Constant) else None for word in words]
                for place, text in enumerate(texts):
                    if text == "-i":
                        assert texts[place + 1] == "pipe:0", f"{path.name}:{node.lineno} opens a file without it"


@pytest.fixture()
def server() -> Iterator[tuple[str, list[str]]]:
    """A server that notes who asks, and answers with what it was told in the headers."""
    asked: list[str] = []

    class Echo(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            asked.append(f"{self.path} {self.headers.get('Authorization', '')}")
            body = f"no entry for {self.headers.get('Authorization', '')}".encode()
            self.send_response(401)
            self.send_header("X-Error-Message", body.decode())
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        do_HEAD = do_GET  # noqa: N815 - the server looks for this name

        def log_message(self, *_: object) -> None: ...

    running = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Echo)
    thread = threading.Thread(target=running.serve_forever, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{running.server_port}", asked
    running.shutdown()
    running.server_close()
    thread.join()


def ffmpeg(*words: object) -> None:
    line = [ffmpeg_executable(), "-nostdin", "-y", "-loglevel", "error", *map(str, words)]
    subprocess.run(line, check=True, stdin=subprocess.DEVNULL)


def segment(path: Path) -> Path:
    ffmpeg("-f", "lavfi", "-i", "color=red:s=64x64:r=5:d=1", "-c:v", "libx264", "-f", "mp4", path)
    return path


def playlists(folder: Path, address: str) -> list[Path]:
    """Playlists in disguise: of a server, and of a file that lies where no job names it."""
    secret = folder / "secret.ts"
    ffmpeg("-f", "lavfi", "-i", "sine=d=1", "-f", "lavfi", "-i", "color=red:s=64x64:r=5:d=1", "-f", "mpegts", secret)
    found = []
    for place, name in enumerate((f"{address}/a.ts", str(secret))):
        texts = {
            "m3u8": f"#EXTM3U\n#EXT-X-TARGETDURATION:1\n#EXTINF:1,\n{name}\n#EXT-X-ENDLIST\n",
            "mp4": f"#EXTM3U\n#EXTINF:1,\n{name}\n#EXT-X-ENDLIST\n",
            "wav": f"ffconcat version 1.0\nfile '{name}'\n",
        }
        for ending, text in texts.items():
            path = folder / f"list-{place}.{ending}"
            path.write_text(text, encoding="utf-8")
            found.append(path)
    return found


def test_playlists_lead_no_reader_anywhere(tmp_path: Path, server: tuple[str, list[str]]) -> None:
    """The voice's own reader has this test in ``test_audio_load.py``; these are the others."""
    address, asked = server
    good = segment(tmp_path / "good.mp4")
    for path in playlists(tmp_path, address):
        with pytest.raises(InputError):
            open_video(path)
        with pytest.raises(InputError):
            read_record(path)
        with pytest.raises(RenderError):
            preview_sound(path)
        assert not can_copy(path, Encoding())
        with pytest.raises(RenderError):
            join_segments([good], path, Encoding(), tmp_path / "out.mp4")
        assert not (tmp_path / "out.mp4").exists()
    assert asked == []


def test_a_segment_that_was_exchanged_for_a_playlist_is_not_followed(
    tmp_path: Path, server: tuple[str, list[str]]
) -> None:
    address, asked = server
    good = segment(tmp_path / "good.mp4")
    join_segments([good, good], None, Encoding(), tmp_path / "whole.mp4")
    for path in playlists(tmp_path, address):
        with pytest.raises(LipSyncError):
            join_segments([path], None, Encoding(), tmp_path / "out.mp4")
    assert asked == []


def test_a_storyboard_names_no_output(tmp_path: Path) -> None:
    scene = {"portrait": "p.jpg", "text": "Hello."}
    for board in ({"scenes": [scene], "output": "/tmp/o.mp4"}, {"scenes": [scene | {"output": "../o.mp4"}]}):
        with pytest.raises(InputError, match="unknown key 'output'"):
            parse_storyboard(board, tmp_path)


def test_a_video_of_absurd_size_is_refused_before_a_frame_is_read(tmp_path: Path) -> None:
    path = tmp_path / "wide.mkv"
    ffmpeg("-f", "lavfi", "-i", "color=red:s=16000x16:r=1:d=1", "-c:v", "ffv1", path)
    with pytest.raises(InputError, match="at most 8192 a side"):
        open_video(path)


def test_temporary_files_are_private(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Even where everything that a person makes is open to everybody."""
    good, modes = segment(tmp_path / "good.mp4"), []
    real = encode.concat_listing

    def listing(segments: list[Path]) -> str:
        folders = (tmp_path / "private").iterdir()
        modes.extend(folder.stat().st_mode & 0o777 for folder in folders)
        return real(segments)

    (tmp_path / "private").mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path / "private"))
    monkeypatch.setattr(encode, "concat_listing", listing)
    before = os.umask(0)
    try:
        join_segments([good], None, Encoding(), tmp_path / "out.mp4")
    finally:
        os.umask(before)
    assert modes == [0o700]
    assert not list((tmp_path / "private").iterdir())


@pytest.mark.slow
def test_no_token_is_said_or_written(
    tmp_path: Path, server: tuple[str, list[str]], monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    """Plans, reports, records, summaries and refusals, with a server that sends the token back in its errors."""
    address, _ = server
    (row,) = small_jobs(tmp_path, 1)
    jobs = write_list(tmp_path, [row, row | {"output": "torch.mp4", "engine": "wav2lip"}])
    size = ["--size", SMALL["size"], "--fps", SMALL["fps"]]
    voice, video = tmp_path / row["audio"], tmp_path / "video.mp4"
    render = ["render", hopper(), voice, "-o", video, *size]
    main([*map(str, [*render, "--quiet"])])
    monkeypatch.setenv("HF_TOKEN", TOKEN)
    monkeypatch.setenv("HF_ENDPOINT", address)
    monkeypatch.setenv("LIPSYNC_COLAB_CACHE", str(tmp_path / "cache"))
    lines = [
        [*render, "--plan-only", "--json"],
        ["doctor"],
        ["weights", "list"],
        ["weights", "fetch", "realesrgan-x2plus"],
        ["report", video, "--json"],
        ["verify", video],
        ["batch", jobs, "--workers", 1],
    ]
    for line in lines:
        main([str(word) for word in line])
    told = capfd.readouterr()
    assert TOKEN not in told.out + told.err
    for path in tmp_path.rglob("*"):
        if path.is_file():
            assert TOKEN.encode() not in path.read_bytes(), path


def test_tokens_are_sent_to_nobody_but_the_hub_that_was_chosen(server: tuple[str, list[str]]) -> None:
    address, asked = server
    with pytest.raises(InputError):
        open_video(Path(f"{address}/video.mp4"))
    assert asked == []


def test_soundfile_is_given_no_pipe(tmp_path: Path) -> None:
    """A named pipe that nobody writes to would be waited for without end."""
    from lipsync_colab import load_portrait, load_speech

    os.mkfifo(tmp_path / "voice.wav")
    for reader in (load_speech, load_portrait, open_video, read_record):
        with pytest.raises(LipSyncError):
            reader(tmp_path / "voice.wav")
