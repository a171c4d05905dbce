"""From nothing to a 1080p video: the checkpoint in its released layout is fetched, checked, accepted and rendered."""

from __future__ import annotations

import dataclasses
import functools
import io
import json
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import soundfile
from golden import PARITY, Golden
from hub_server import Entry, HubServer
from material import hopper
from PIL import Image as Picture

torch = pytest.importorskip("torch")

from lipsync_colab import networks  # noqa: E402
from lipsync_colab.cli.main import main  # noqa: E402
from lipsync_colab.engines.wav2lip.detector import FaceFinder  # noqa: E402
from lipsync_colab.engines.wav2lip.loading import load_detector  # noqa: E402
from lipsync_colab.pipeline.finishing import finish_still  # noqa: E402
from lipsync_colab.pipeline.frames import frame_stream  # noqa: E402
from lipsync_colab.pipeline.render import prepare, silent  # noqa: E402
from lipsync_colab.report.video import open_video  # noqa: E402
from lipsync_colab.types import RenderSettings  # noqa: E402
from lipsync_colab.weights import store as store_module  # noqa: E402
from lipsync_colab.weights.manifest import HubHome, Manifest, manifest  # noqa: E402

OPTIONS = ("--engine", "wav2lip", "--upscale", "none", "--quiet")
LAYOUTS = {"wav2lip.pth": "wav2lip", "s3fd.pth": "s3fd"}


@functools.cache
def checkpoint(name: str) -> bytes:
    """A rule-filled network as its release stores it: one wrapped with its optimiser, the other bare."""
    tensors = Golden(LAYOUTS[name]).checkpoint()
    released = tensors if name == "s3fd.pth" else {"state_dict": tensors, "optimizer": None, "global_step": 1}
    file = io.BytesIO()
    torch.save(released, file)
    return file.getvalue()


@pytest.fixture
def hub(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[HubServer]:
    """A Hub on loopback with the two files, and a manifest that knows their hashes; this machine has none of them."""
    entries = {f"someone/lips/{name}": Entry(checkpoint(name)) for name in LAYOUTS}
    rows = dict(manifest().rows)
    for name in LAYOUTS:
        entry = entries[f"someone/lips/{name}"]
        home = HubHome("someone/lips", name)
        rows[name] = dataclasses.replace(rows[name], size=len(entry.content), sha256=entry.sha256, homes=(home,))
    monkeypatch.setattr(store_module, "manifest", lambda: Manifest(rows))
    with HubServer() as server:
        server.entries.update(entries)
        monkeypatch.setenv("HF_ENDPOINT", server.endpoint)
        yield server


@pytest.fixture
def voice(tmp_path: Path) -> Path:
    """0.42 s of the golden sentence, then as much silence."""
    samples, rate = soundfile.read(PARITY.parent / "audio" / "golden_2s_16k.wav", dtype="float32")
    soundfile.write(tmp_path / "voice.wav", np.concatenate([samples[:6720], np.zeros(6720, np.float32)]), rate)
    return tmp_path / "voice.wav"


def render(voice: Path, output: Path, *more: str) -> int:
    return main(["render", str(hopper()), str(voice), "-o", str(output), *OPTIONS, *more])


def test_from_nothing_to_a_video(
    hub: HubServer, voice: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    output = tmp_path / "out.mp4"
    assert render(voice, output) == 3
    message = capsys.readouterr().err
    assert "weights accept wav2lip.pth" in message and "commercial" in message.lower()
    assert not hub.gets(), "nothing is fetched before the licence is accepted"
    assert [path.name for path in tmp_path.iterdir()] == ["voice.wav"], "and nothing is left behind"
    assert render(voice, output, "--option", "lag=soon") == 2
    assert "lag" in capsys.readouterr().err

    assert main(["weights", "accept", "wav2lip.pth"]) == 0
    assert render(voice, output) == 0
    assert len([path for path in hub.requests if path[0] == "GET"]) >= 1
    video = open_video(output)
    assert min(video.size) == 1080 and video.sound
    assert sum(1 for _ in video.frames()) == 21
    record = json.loads((tmp_path / "out.mp4.json").read_text())
    assert record["provenance"]["engine"] == "wav2lip"
    assert "wav2lip.pth" in record["provenance"]["weights"]

    fetched = len(hub.requests)
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    assert render(voice, tmp_path / "again.mp4", "--size", "300x352") == 0
    assert len(hub.requests) == fetched, "the second render asks nobody"


def test_s3fd_comes_from_its_release(hub: HubServer) -> None:
    assert main(["weights", "accept", "s3fd.pth"]) == 0
    image = np.asarray(Picture.open(hopper()))[:256, :256]
    found = load_detector("s3fd.pth", "cpu").boxes(image)
    expected = FaceFinder(Golden("s3fd").load_into(networks.build("s3fd"))).boxes(image)
    assert len(found) and np.array_equal(found, expected)


def test_frames_outside_the_mouth_are_the_still(hub: HubServer, voice: Path, tmp_path: Path) -> None:
    assert main(["weights", "accept", "wav2lip.pth"]) == 0
    job = prepare(hopper(), voice, tmp_path / "o.mp4", RenderSettings(engine="wav2lip", size="300x352", upscale="none"))
    still = finish_still(job.portrait, job.plan, silent).portrait
    frames = [frame.copy() for frame in frame_stream(still, job.speech, job.plan)]
    changed = [(frame != still.image).any(axis=2) for frame in frames]
    left, top, right, bottom = (round(edge) for edge in still.face.box)
    everywhere = np.any(changed, axis=0)
    assert everywhere.any()
    everywhere[(top + bottom) // 2 : bottom + (bottom - top) // 12, left:right] = False
    assert not everywhere.any()
    assert not changed[-1].any(), "in the silence at the end the still is back"
    late = [frame.tobytes() for frame in frame_stream(still, job.speech, job.plan, start=7)]
    assert late == [frame.tobytes() for frame in frames[7:]]
