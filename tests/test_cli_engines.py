"""``lipsync-colab engines``: lists, fetches nothing."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from lipsync_colab.cli.main import main
from lipsync_colab.engines.registry import ENGINES
from lipsync_colab.weights.store import Store


@pytest.fixture(autouse=True)
def empty_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("LIPSYNC_COLAB_CACHE", str(tmp_path))
    return tmp_path


def listing(capsys: pytest.CaptureFixture[str]) -> dict[str, dict]:
    assert main(["engines", "--json"]) == 0
    return {entry["name"]: entry for entry in json.loads(capsys.readouterr().out)}


def test_json_lists_every_engine(capsys: pytest.CaptureFixture[str]) -> None:
    entries = listing(capsys)
    assert list(entries) == list(ENGINES)
    assert entries["wav2lip"]["native"] == [96, 96]
    assert entries["wav2lip"]["commercial"] is False


def test_weights_tell_their_state(capsys: pytest.CaptureFixture[str]) -> None:
    before = {weight["name"]: weight for weight in listing(capsys)["wav2lip"]["weights"]}
    assert before["wav2lip.pth"]["state"] == "missing"
    assert before["wav2lip.pth"]["accepted"] is False
    Store().accept(["wav2lip.pth"])
    after = {weight["name"]: weight for weight in listing(capsys)["wav2lip"]["weights"]}
    assert after["wav2lip.pth"]["accepted"] is True
    assert after["wav2lip_gan.pth"]["accepted"] is False


def test_a_wrong_file_is_called_corrupt(capsys: pytest.CaptureFixture[str], empty_cache: Path) -> None:
    path = Store().inventory.cache.file("wav2lip.pth")
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(b"not a checkpoint")
    weights = {weight["name"]: weight["state"] for weight in listing(capsys)["wav2lip"]["weights"]}
    assert weights["wav2lip.pth"] == "corrupt"


def test_text_for_people(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["engines"]) == 0
    text = capsys.readouterr().out
    assert "no commercial use" in text and "96×96" in text and "licence not accepted" in text
