"""From nothing to a video with a moving head: checkpoints in their released layouts, fetched or brought, accepted."""

from __future__ import annotations

import dataclasses
import functools
import hashlib
import io
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile
from golden import PARITY, Golden
from hub_server import Entry, HubServer
from material import frames_of, hopper
from PIL import Image as Picture

torch = pytest.importorskip("torch")

from lipsync_colab.cli.main import main  # noqa: E402
from lipsync_colab.weights import store as store_module  # noqa: E402
from lipsync_colab.weights.manifest import HubHome, Manifest, manifest  # noqa: E402

SADTALKER = "SadTalker_V0.0.2_256.safetensors"
MAPPING = "mapping_00109-model.pth.tar"
PIRENDER = "epoch_00190_iteration_000400000_checkpoint.pt"
AUDIO2HEAD = "audio2head.pth.tar"
PARTS = ("kp_extractor", "generator", "audio2exp", "audio2pose", "face_3drecon")
RELEASED_BYTES = 725_066_984
"""Of SadTalker's file: the same keys, shapes, types and prefixes give the same size."""


def with_kept(name: str, prefix: str) -> dict[str, Any]:
    """A network's filled tensors under the release's keys, those that keep the constructor's value included."""
    from lipsync_colab import networks

    golden = Golden(name)
    module = golden.load_into(networks.build(name.replace("/", ".")))
    return {f"{prefix}{key}": value.contiguous() for key, value in module.state_dict().items()}


def pickled(values: Any) -> bytes:
    file = io.BytesIO()
    torch.save(values, file)
    return file.getvalue()


@functools.cache
def released(name: str) -> bytes:
    """A checkpoint as its release stores it, rule-filled."""
    from safetensors.torch import save

    if name == SADTALKER:
        tensors: dict[str, Any] = {}
        for part in PARTS:
            tensors |= with_kept(f"sadtalker/{part}", f"{part}.")
        return save(tensors)
    if name == MAPPING:
        return pickled({"mapping": with_kept("sadtalker/mapping_full", ""), "optimizer": {"state": {}}})
    if name == PIRENDER:
        return pickled({"net_G_ema": with_kept("pirender", ""), "net_G": {}, "current_epoch": 190})
    parts = ("kp_detector", "generator", "audio2kp", "audio2pose")
    return pickled({part: with_kept(f"audio2head/{part}", "") for part in parts})


@pytest.fixture
def hub(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[HubServer]:
    """A Hub on loopback with SadTalker's two files; PIRenderer's and Audio2Head's have no known hash."""
    monkeypatch.setenv("LIPSYNC_COLAB_CACHE", str(tmp_path / "a cache"))
    rows = dict(manifest().rows)
    with HubServer() as server:
        for name in (SADTALKER, MAPPING):
            entry = Entry(released(name))
            server.entries[f"someone/heads/{name}"] = entry
            home = HubHome("someone/heads", name)
            rows[name] = dataclasses.replace(rows[name], size=len(entry.content), sha256=entry.sha256, homes=(home,))
        monkeypatch.setattr(store_module, "manifest", lambda: Manifest(rows))
        monkeypatch.setenv("HF_ENDPOINT", server.endpoint)
        yield server


@pytest.fixture
def voice(tmp_path: Path) -> Path:
    samples, rate = soundfile.read(PARITY / "sadtalker" / "util" / "voice2s.wav", dtype="float32")
    path = tmp_path / "a voice.wav"
    soundfile.write(path, samples[: rate // 25], rate)
    return path


def render(voice: Path, output: Path, *more: str, portrait: Path | None = None) -> int:
    size = ("--size", "256x300", "--quiet")
    return main(["render", str(portrait or hopper()), str(voice), "-o", str(output), *size, *more])


def bring(name: str, folder: Path) -> None:
    """Do what a person does with a file whose hash nobody knows."""
    path = folder / "downloaded.bin"
    path.write_bytes(released(name))
    digest = hashlib.sha256(released(name)).hexdigest()
    assert main(["weights", "fetch", name, "--file", str(path), "--sha256", digest]) == 0


@pytest.mark.slow
def test_sadtalker_from_nothing_to_a_video(
    hub: HubServer, voice: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert len(hub.entries[f"someone/heads/{SADTALKER}"].content) == RELEASED_BYTES
    output = tmp_path / "out.mp4"
    assert render(voice, output, "--engine", "sadtalker") == 3
    assert "accept" in capsys.readouterr().err and not output.exists() and not hub.gets()
    for name in (SADTALKER, MAPPING):
        assert main(["weights", "accept", name]) == 0
    assert render(voice, output, "--engine", "sadtalker", "--option", "yaw=5,5") == 0
    assert frames_of(output).shape == (1, 300, 256, 3)
    record = json.loads((tmp_path / "out.mp4.json").read_text())
    assert record["provenance"]["engine"] == "sadtalker"
    assert {SADTALKER, MAPPING} <= set(record["provenance"]["weights"])


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["JPG", "webp"])
def test_pirender_with_a_file_that_a_person_brings(
    hub: HubServer, voice: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], kind: str
) -> None:
    portrait = tmp_path / f"a large portrait.{kind}"
    large = Picture.open(hopper()).convert("RGB").resize((4000, 5000) if kind == "JPG" else (640, 750))
    large.save(portrait)
    output = tmp_path / "a folder" / "out.mp4"
    output.parent.mkdir()
    choice = ("--engine", "sadtalker", "--renderer", "pirender")
    for name in (SADTALKER, PIRENDER):
        assert main(["weights", "accept", name]) == 0
    assert render(voice, output, *choice, portrait=portrait) == 3
    assert "--file" in capsys.readouterr().err
    bring(PIRENDER, tmp_path)
    assert render(voice, output, *choice, portrait=portrait) == 0
    assert len(frames_of(output)) == 1


@pytest.mark.slow
def test_audio2head_with_a_file_that_a_person_brings(hub: HubServer, voice: Path, tmp_path: Path) -> None:
    pytest.importorskip("pyworld")
    assert main(["weights", "accept", AUDIO2HEAD]) == 0
    bring(AUDIO2HEAD, tmp_path)
    assert render(voice, tmp_path / "out.mp4", "--engine", "audio2head") == 0
    frames = frames_of(tmp_path / "out.mp4")
    assert len(frames) == 1 and np.isfinite(frames).all()


def test_renderers_that_do_not_fit_are_refused(voice: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for engine, renderer in (("sadtalker", "fomm"), ("audio2head", "pirender")):
        assert render(voice, tmp_path / "o.mp4", "--engine", engine, "--renderer", renderer) == 2
        assert renderer in capsys.readouterr().err
