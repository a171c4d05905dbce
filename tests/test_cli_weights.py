"""``lipsync-colab weights`` as a person runs it."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest
from hub_server import Entry, HubServer
from weights_fixtures import content_of, hub_home, row_of, store_of

from lipsync_colab.cli import weights
from lipsync_colab.cli.main import main

CONTENT = content_of(200_000)
KEY = "team/model/model.bin"
FREE = row_of("free.safetensors", CONTENT, [hub_home()])
CLOSED = row_of("closed.onnx", content_of(100, 2), [hub_home("x/y")], licence="closed", engines=["other"])
REFUSED = row_of("refused.pth", None, [], format="pickle", engines=["third"])


@pytest.fixture
def hub(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> HubServer:
    """A Hub with one file, and a command line that knows three weights."""
    with HubServer() as server:
        server.entries[KEY] = Entry(CONTENT)
        monkeypatch.setattr(weights, "Store", lambda: store_of(tmp_path, server, FREE, CLOSED, REFUSED))
        yield server


def states(capsys: pytest.CaptureFixture[str]) -> dict[str, str]:
    capsys.readouterr()
    assert main(["weights", "list", "--json"]) == 0
    return {row["name"]: row["state"] for row in json.loads(capsys.readouterr().out)}


def test_list_tells_states_and_fetch_changes_them(
    hub: HubServer, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert states(capsys) == {"free.safetensors": "missing", "closed.onnx": "missing", "refused.pth": "refused"}
    assert main(["weights", "fetch", "engine"]) == 0
    out = capsys.readouterr()
    assert "from team/model@" in out.out
    assert "about 0.2 MB" in out.err
    assert states(capsys)["free.safetensors"] == "present"
    assert main(["weights", "verify"]) == 0
    assert "1 files hashed, 0 wrong" in capsys.readouterr().out
    path = next((tmp_path / "hub").rglob("model.bin"))
    path.write_bytes(b"x" + CONTENT[1:])
    assert states(capsys)["free.safetensors"] == "corrupt"
    assert main(["weights", "verify"]) == 3
    assert "weights fetch free.safetensors" in capsys.readouterr().err
    assert main(["weights", "fetch", "free"]) == 0
    assert states(capsys)["free.safetensors"] == "present"


def test_list_for_people_shows_size_licence_and_what_to_accept(
    hub: HubServer, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["weights", "list", "--terms"]) == 0
    out = capsys.readouterr().out
    assert "0.2 MB" in out
    assert "Research only  accept!" in out
    assert "Nothing may be sold." in out
    assert main(["weights", "accept", "closed.onnx"]) == 0
    assert "closed.onnx: accepted 2" in capsys.readouterr().out
    assert main(["weights", "list", "other"]) == 0
    assert "accepted 2" in capsys.readouterr().out


def test_fetch_stops_for_terms_and_refusals(hub: HubServer, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["weights", "fetch", "closed.onnx"]) == 3
    assert "For research only" in capsys.readouterr().err
    assert main(["weights", "fetch", "third"]) == 3
    assert "pickle with no known sha256" in capsys.readouterr().err
    assert main(["weights", "fetch", "nobody"]) == 3
    assert len(capsys.readouterr().err.strip().splitlines()) == 1


def test_one_bad_file_does_not_keep_the_others(hub: HubServer, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["weights", "accept", "all", "--json"]) == 0
    assert set(json.loads(capsys.readouterr().out)) == {"free.safetensors", "closed.onnx", "refused.pth"}
    assert main(["weights", "fetch", "all", "--json"]) == 3
    out = capsys.readouterr()
    assert [one["name"] for one in json.loads(out.out)] == ["free.safetensors"]
    assert out.err.count("lipsync-colab: ") == 2


def test_much_is_asked_for(hub: HubServer, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr(weights, "CONFIRMED_ABOVE", 100_000)
    assert main(["weights", "fetch", "engine"]) == 2
    assert "say --yes" in capsys.readouterr().err
    assert hub.requests == []
    monkeypatch.setattr("sys.stdin", Terminal("n"))
    assert main(["weights", "fetch", "engine"]) == 130
    monkeypatch.setattr("sys.stdin", Terminal("y"))
    assert main(["weights", "fetch", "engine"]) == 0
    assert main(["weights", "fetch", "engine"]) == 0  # it is here: nothing to ask


def test_yes_does_not_ask(hub: HubServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(weights, "CONFIRMED_ABOVE", 100_000)
    assert main(["weights", "fetch", "engine", "--yes"]) == 0


class Terminal:
    """A person who gives one answer."""

    def __init__(self, answer: str) -> None:
        self.answer = answer

    def isatty(self) -> bool:
        return True

    def readline(self) -> str:
        return self.answer + "\n"


def test_a_mirror_and_back(hub: HubServer, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["weights", "fetch", "engine"]) == 0
    assert main(["weights", "mirror", str(tmp_path / "drive")]) == 0
    assert "1 files copied" in capsys.readouterr().out
    for path in sorted((tmp_path / "hub").rglob("*"), reverse=True):
        path.unlink() if path.is_symlink() or path.is_file() else path.rmdir()
    asked = len(hub.requests)
    assert main(["weights", "fetch"]) == 2
    assert main(["weights", "fetch", "--from", str(tmp_path / "nothing")]) == 3
    assert main(["weights", "fetch", "--from", str(tmp_path / "drive")]) == 0
    assert "from mirror" in capsys.readouterr().out
    assert len(hub.requests) == asked


def test_a_file_that_a_person_brings(hub: HubServer, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    brought = tmp_path / "x.pth"
    brought.write_bytes(CONTENT)
    assert main(["weights", "fetch", "refused", "--file", str(brought)]) == 3
    assert main(["weights", "fetch", "all", "--file", str(brought)]) == 2
    capsys.readouterr()
    assert main(["weights", "fetch", "refused", "--file", str(brought), "--sha256", FREE["sha256"], "--json"]) == 0
    [told] = json.loads(capsys.readouterr().out)
    assert Path(told["path"]).read_bytes() == CONTENT
    assert states(capsys)["refused.pth"] == "present"


@pytest.mark.parametrize("terminal", [True, False])
def test_the_bar_follows_the_stages_on_a_terminal_only(
    terminal: bool, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys.stderr, "isatty", lambda: terminal, raising=False)
    bars = weights.Bars()
    for stage, done in (("a", 1), ("a", 5), ("verify a", 5)):
        bars(stage, done, 5)
    bars.close()
    bars.close()
    shown = capsys.readouterr().err
    assert ("a:" in shown and "verify a:" in shown) is terminal
    assert terminal or shown == ""
