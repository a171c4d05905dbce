"""Several processes and one weight: two at once, one killed in the middle, a disk that is full."""

from __future__ import annotations

import contextlib
import errno
import json
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
from hub_server import Entry, HubServer
from weights_fixtures import content_of, document_of, hub_home, row_of, store_of

from lipsync_colab.errors import WeightsError
from lipsync_colab.weights import transfer

CONTENT = content_of(3_000_000)
ROW = row_of("model.safetensors", CONTENT, [hub_home()])
KEY = "team/model/model.bin"
CHILD = """
import sys, pathlib
from lipsync_colab.errors import LipSyncError
from lipsync_colab.weights.manifest import read
from lipsync_colab.weights.store import Store
from lipsync_colab.weights.transfer import Patience
store = Store(rows=read(pathlib.Path(sys.argv[1])), patience=Patience(timeout=30, attempts=2, pause=0))
print("ready", flush=True)
sys.stdin.readline()
def told(stage, done, total):
    print("wait" if "wait" in stage else "bytes", done, flush=True)
try:
    [one] = store.fetch(["all"], progress=told)
    print("path", one.path, one.source is not None, flush=True)
except LipSyncError as error:
    print("error", error, flush=True)
    sys.exit(error.exit_code)
"""


def started(
    folder: Path, hub: HubServer, row: Mapping[str, Any] = ROW, certificate: Path | None = None
) -> subprocess.Popen[str]:
    """A process that fetches the row by what its environment says, once it is told to."""
    document = folder / "manifest.json"
    document.write_text(json.dumps(document_of(dict(row))))
    environment = {
        **os.environ,
        "HF_HOME": str(folder / "home"),
        "HF_ENDPOINT": hub.endpoint,
        "LIPSYNC_COLAB_CACHE": str(folder / "own"),
        "PYTHONPATH": os.pathsep.join([str(Path(__file__).parents[1]), os.environ.get("PYTHONPATH", "")]),
    }
    if certificate is not None:  # the names of two generations of the Hub's client
        environment |= {"SSL_CERT_FILE": str(certificate), "REQUESTS_CA_BUNDLE": str(certificate)}
    command = [sys.executable, "-c", CHILD, str(document)]
    child = subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=environment, bufsize=1
    )
    assert child.stdout is not None
    assert child.stdout.readline().strip() == "ready"
    return child


def told(child: subprocess.Popen[str]) -> list[str]:
    """Start the fetch and return the words of the last line."""
    out, _ = child.communicate("\n", timeout=60)
    return out.strip().splitlines()[-1].split(" ", 1)


def until(child: subprocess.Popen[str], word: str, done: int = 0) -> None:
    """Start the fetch and read what the process says until it is so far."""
    assert child.stdin is not None
    assert child.stdout is not None
    child.stdin.write("\n")
    for line in child.stdout:
        if line.startswith(word) and int(line.split()[1]) >= done:
            return
    raise AssertionError(f"the process ended before it said {word}")


def test_two_processes_end_with_one_good_file(tmp_path: Path) -> None:
    with HubServer() as hub:
        hub.entries[KEY] = Entry(CONTENT, ["stall:2000000", ""])
        first, second = started(tmp_path, hub), started(tmp_path, hub)
        until(first, "bytes")
        until(second, "wait")  # it found the lock taken; now the first may go on
        hub.released.set()
        words = [told(child) for child in (first, second)]
        bodies = [wanted for method, path, wanted in hub.requests if method == "GET" and path.startswith("/cdn/")]
        assert bodies.count("") == 1
    assert [word[1].endswith("True") for word in words] == [True, False]
    [path] = {word[1].rsplit(" ", 1)[0] for word in words}
    assert Path(path).read_bytes() == CONTENT
    assert path.startswith(str(tmp_path / "home" / "hub"))


def test_killed_in_the_middle_and_run_again(tmp_path: Path) -> None:
    with HubServer() as hub:
        hub.entries[KEY] = Entry(CONTENT, ["stall:2000000", ""])
        child = started(tmp_path, hub)
        until(child, "bytes", 1_500_000)
        child.send_signal(signal.SIGKILL)
        child.communicate()
        assert child.returncode == -signal.SIGKILL
        names = [path.name for path in (tmp_path / "home" / "hub").rglob("*") if path.is_file()]
        assert all(name.endswith(".incomplete") for name in names)
        word, rest = told(started(tmp_path, hub))
        assert word == "path"
        assert Path(rest.rsplit(" ", 1)[0]).read_bytes() == CONTENT
        resumed = int(hub.gets()[-1].removeprefix("bytes=").rstrip("-"))
        assert resumed >= 1_500_000


def test_exit_code_of_a_failure_is_three(tmp_path: Path) -> None:
    with HubServer() as hub:
        child = started(tmp_path, hub)
        assert told(child)[0] == "error"
        assert child.returncode == 3


@pytest.fixture
def certificate(tmp_path: Path) -> Path:
    """A certificate for this machine with its key, made by OpenSSL's command."""
    if shutil.which("openssl") is None:
        pytest.skip("no openssl command")
    path = tmp_path / "localhost.pem"
    command = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=localhost"]
    command += ["-addext", "subjectAltName=DNS:localhost", "-keyout", str(path), "-out", str(tmp_path / "public.pem")]
    subprocess.run(command, check=True, capture_output=True)
    path.write_bytes(path.read_bytes() + (tmp_path / "public.pem").read_bytes())
    return path


def test_a_link_is_the_second_home(tmp_path: Path, certificate: Path) -> None:
    with HubServer() as hub, HubServer(certificate) as host:
        host.entries["release/model.bin"] = Entry(CONTENT, ["cut:1000000", ""])
        link = {"kind": "link", "url": f"https://localhost:{host.port}/cdn/release/model.bin"}
        row = row_of("model.safetensors", CONTENT, [hub_home(), link])
        word, rest = told(started(tmp_path, hub, row, tmp_path / "public.pem"))
        assert word == "path", rest
        assert Path(rest.rsplit(" ", 1)[0]).read_bytes() == CONTENT
        assert host.gets()[0] == ""
        assert host.gets()[-1].startswith("bytes=")
    assert not list((tmp_path / "own" / "part").iterdir())


@contextlib.contextmanager
def small_disk(folder: Path, size: str) -> Iterator[Path]:
    """A file system of a few bytes; skips where this process may not mount one."""
    folder.mkdir()
    options = ["-t", "tmpfs", "-o", f"size={size}", "tmpfs", str(folder)]
    if not hasattr(os, "geteuid") or os.geteuid() != 0:
        pytest.skip("only root can mount a small disk")
    done = subprocess.run(["mount", *options], check=False, capture_output=True)
    if done.returncode:
        pytest.skip("this machine does not let root mount a small disk")
    try:
        yield folder
    finally:
        subprocess.run(["umount", str(folder)], check=True)


def test_a_disk_that_is_too_small_is_refused_before_the_download(tmp_path: Path) -> None:
    with small_disk(tmp_path / "disk", "1m") as disk, HubServer() as hub:
        hub.entries[KEY] = Entry(CONTENT)
        with pytest.raises(WeightsError, match=r"disk is full: 3,000,000 bytes are needed .* set HF_HOME"):
            store_of(disk, hub, ROW).path_of("model.safetensors")
        assert hub.gets() == []


def test_a_disk_that_fills_up_is_left_usable(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(transfer, "room_for", lambda folder, size, name: None)  # as if another program took the room
    with small_disk(tmp_path / "disk", "1m") as disk, HubServer() as hub:
        hub.entries[KEY] = Entry(CONTENT)
        with pytest.raises(WeightsError, match="disk is full: no space is left"):
            store_of(disk, hub, ROW).path_of("model.safetensors")
        free = os.statvfs(disk)
        assert free.f_bavail * free.f_frsize > 500_000


def test_a_full_disk_without_a_small_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(file: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(transfer, "finish", full)
    with HubServer() as hub:
        hub.entries[KEY] = Entry(CONTENT)
        row = {**ROW, "homes": [hub_home(), hub_home("second/home")]}
        with pytest.raises(WeightsError, match=r"^the disk is full: no space is left for model\.safetensors"):
            store_of(tmp_path, hub, row).path_of("model.safetensors")
    assert not [path for path in (tmp_path / "hub").rglob("*") if path.is_file()]
