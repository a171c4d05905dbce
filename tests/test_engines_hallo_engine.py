"""Hallo from a portrait and a voice to a video: made-up files in the released layouts, small networks."""

from __future__ import annotations

import dataclasses
import json
import threading
from collections.abc import Callable, Iterator
from fractions import Fraction
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
import soundfile
from golden import PARITY
from hub_server import Entry, HubServer
from material import frames_of, hopper
from viseme_portraits import portrait

torch = pytest.importorskip("torch")
pytest.importorskip("diffusers")
pytest.importorskip("transformers")

import hallo_release  # noqa: E402
from hallo_release import NET, SIZE, released  # noqa: E402

from lipsync_colab import network_costs  # noqa: E402
from lipsync_colab.audio.load import load_speech  # noqa: E402
from lipsync_colab.cli.main import main  # noqa: E402
from lipsync_colab.engines.hallo import engine as engine_module  # noqa: E402
from lipsync_colab.engines.hallo import loading  # noqa: E402
from lipsync_colab.engines.hallo.engine import HalloEngine, head_square, native_frame, resumable  # noqa: E402
from lipsync_colab.engines.hallo.leaning import Leaning  # noqa: E402
from lipsync_colab.engines.hallo.sampler import Sampler  # noqa: E402
from lipsync_colab.engines.headmotion.crop import HeadCrop  # noqa: E402
from lipsync_colab.engines.registry import HALLO_ROWS  # noqa: E402
from lipsync_colab.errors import Cancelled, MachineError, WeightsError  # noqa: E402
from lipsync_colab.network_costs import NetworkCost  # noqa: E402
from lipsync_colab.networks import registry as networks  # noqa: E402
from lipsync_colab.pipeline import needed_packages  # noqa: E402
from lipsync_colab.pipeline.frames import frame_stream  # noqa: E402
from lipsync_colab.pipeline.render import render_video  # noqa: E402
from lipsync_colab.pipeline.segments import Segments  # noqa: E402
from lipsync_colab.types import Portrait, RenderPlan, RenderSettings, Speech, frame_count  # noqa: E402
from lipsync_colab.weights import store as store_module  # noqa: E402
from lipsync_colab.weights.manifest import HubHome, Manifest, manifest  # noqa: E402
from lipsync_colab.weights.store import Store  # noqa: E402

RATE = 16_000
QUICK = (("steps", "2"),)
SECONDS = 1.37
"""34.25 frames: two clips, and a third of three frames."""


@pytest.fixture(autouse=True, scope="module")
def one_thread() -> Iterator[None]:
    """Small networks gain nothing from threads, and lose much where other processes keep the cores busy."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture
def hub(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[HubServer]:
    """A Hub on loopback, a small network under the released name, and a store of the test's own."""
    monkeypatch.setenv("LIPSYNC_COLAB_CACHE", str(tmp_path / "a cache"))
    monkeypatch.setattr(engine_module, "SIZE", SIZE)
    monkeypatch.setitem(networks.NETWORKS, "hallo", "hallo_release:network")
    for name in ("hallo", "hallo-coder", "hallo-hearing"):
        monkeypatch.setitem(network_costs.NETWORK_COSTS, name, NetworkCost(1000, 0))
    rows = dict(manifest().rows)
    with HubServer() as server:
        for name in HALLO_ROWS[1:]:
            entry = Entry(released()[name])
            server.entries[f"someone/talks/{name}"] = entry
            home = HubHome("someone/talks", name)
            rows[name] = dataclasses.replace(rows[name], size=len(entry.content), sha256=entry.sha256, homes=(home,))
        monkeypatch.setattr(store_module, "manifest", lambda: Manifest(rows))
        monkeypatch.setenv("HF_ENDPOINT", server.endpoint)
        yield server


@pytest.fixture
def weights(hub: HubServer, tmp_path: Path) -> Store:
    """Everything accepted and present."""
    store = Store()
    store.accept(["hallo"])
    bring(released()[NET], tmp_path, store)
    store.fetch(HALLO_ROWS)
    return store


def bring(content: bytes, folder: Path, store: Store | None = None) -> None:
    """Do what a person does with a file whose hash nobody knows."""
    import hashlib

    path = folder / "downloaded.bin"
    path.write_bytes(content)
    (store or Store()).adopt(NET, path, hashlib.sha256(content).hexdigest())


def spoken(path: Path, seconds: float = SECONDS) -> Path:
    samples, _ = soundfile.read(PARITY / "sadtalker" / "util" / "voice2s.wav", dtype="float32")
    soundfile.write(path, np.tile(samples, 8)[: round(seconds * RATE)], RATE)
    return path


def render(voice: Path, output: Path, *more: str) -> int:
    size = ("--size", "128x150", "--upscale", "none", "--quiet", "--device", "cpu", "--option", "steps=2")
    return main(["render", str(hopper()), str(voice), "-o", str(output), "--engine", "hallo", *size, *more])


def plan_for(speech: Speech, fps: str = "25", segment: int = 250, **changes: Any) -> RenderPlan:
    settings = RenderSettings(engine="hallo", options=QUICK)
    frames = frame_count(speech.seconds, Fraction(fps))
    return RenderPlan(settings, "hallo", "", "", 640, 640, fps, frames, segment, **changes)


@pytest.fixture(scope="module")
def still() -> Portrait:
    return portrait("hopper", 640)


def test_terms_and_files_are_asked_for_in_one_line(
    hub: HubServer, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    voice, output = spoken(tmp_path / "voice.wav", 0.1), tmp_path / "out.mp4"
    assert render(voice, output) == 3
    told = capsys.readouterr().err
    assert "OpenRAIL-M" in told and "weights accept hallo/net.pth antelopev2/glintr100.onnx" in told
    assert not hub.gets() and told.count("\n") == 1
    assert main(["weights", "accept", "hallo"]) == 0
    assert render(voice, output) == 3
    told = capsys.readouterr().err
    assert "weights fetch hallo/net.pth --file" in told and told.count("\n") == 1 and not output.exists()


@pytest.mark.usefixtures("weights")
def test_from_a_portrait_and_a_voice_to_a_video(tmp_path: Path) -> None:
    voice, output = spoken(tmp_path / "voice.wav"), tmp_path / "out.mp4"
    assert render(voice, output) == 0
    frames = frames_of(output)
    assert frames.shape == (35, 150, 128, 3), "every frame of the sound, the last clip's too"
    assert load_speech(output).seconds == pytest.approx(SECONDS, abs=0.05)
    assert np.abs(frames[34].astype(int) - frames[0]).max() > 8
    record = json.loads((tmp_path / "out.mp4.json").read_text())
    assert record["provenance"]["engine"] == "hallo"
    assert set(HALLO_ROWS) <= set(record["provenance"]["weights"])


@pytest.mark.usefixtures("weights")
def test_the_seed_decides_the_heads(still: Portrait) -> None:
    plan = plan_for(Speech(np.zeros(640, np.float32), RATE))
    heads = [
        next(HalloEngine().animate(still, Speech(np.zeros(640, np.float32), RATE), seeded))[0].pixels
        for seeded in (
            dataclasses.replace(plan, settings=dataclasses.replace(plan.settings, seed=seed)) for seed in (4, 4, 5)
        )
    ]
    assert np.array_equal(heads[0], heads[1]) and not np.array_equal(heads[0], heads[2])


def test_a_damaged_network_is_one_line(hub: HubServer, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    voice = spoken(tmp_path / "voice.wav", 0.1)
    assert main(["weights", "accept", "hallo"]) == 0
    bring(released()[NET][:-200], tmp_path)
    assert render(voice, tmp_path / "out.mp4") == 3
    told = capsys.readouterr().err
    assert "net.pth is no readable checkpoint" in told and told.count("\n") == 1


@pytest.mark.usefixtures("weights")
@pytest.mark.parametrize("option", ["steps=0", "guidance=40", "lip=loud"])
def test_an_option_out_of_range_is_one_line(tmp_path: Path, capsys: pytest.CaptureFixture[str], option: str) -> None:
    voice = spoken(tmp_path / "voice.wav", 0.1)
    assert render(voice, tmp_path / "out.mp4", "--option", option) == 2
    told = capsys.readouterr().err
    assert f"--option {option}: choose a" in told and told.count("\n") == 1


def test_missing_packages_are_one_line(
    hub: HubServer, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    real = needed_packages.importlib.util.find_spec
    monkeypatch.setattr(
        needed_packages.importlib.util, "find_spec", lambda name, *more: None if name == "diffusers" else real(name)
    )
    assert render(spoken(tmp_path / "voice.wav", 0.1), tmp_path / "out.mp4") == 4
    told = capsys.readouterr().err
    assert "hallo needs diffusers: pip install 'lipsync-colab[hallo]'" in told and told.count("\n") == 1
    assert not hub.gets()


@pytest.mark.usefixtures("weights")
def test_only_the_patch_changes(still: Portrait) -> None:
    samples, _ = soundfile.read(PARITY / "sadtalker" / "util" / "voice2s.wav", dtype="float32")
    speech = Speech(samples[:8000], RATE)
    crop = head_square(still)
    outside = np.ones((640, 640), bool)
    outside[crop.top : crop.top + crop.side, crop.left : crop.left + crop.side] = False
    assert outside.any()
    changed = 0
    for frame in frame_stream(still, speech, plan_for(speech)):
        assert np.array_equal(frame[outside], still.image[outside])
        changed += not np.array_equal(frame, still.image)
    assert changed == 13


@pytest.mark.usefixtures("weights")
@pytest.mark.parametrize("fps", ["25", "30000/1001", "50"])
def test_any_start_at_any_rate(still: Portrait, fps: str) -> None:
    samples, _ = soundfile.read(PARITY / "sadtalker" / "util" / "voice2s.wav", dtype="float32")
    speech = Speech(samples[: round(0.9 * RATE)], RATE)
    plan = plan_for(speech, fps)
    stream = HalloEngine().animate(still, speech, plan)
    frames = [patch.pixels.tobytes() for (patch,) in stream]
    assert len(frames) == stream.total == frame_count(0.9, Fraction(fps))
    distinct = frame_count(0.9, Fraction(25))
    assert len(set(frames)) == min(distinct, len(frames)), "each frame at 25 a second is shown, and no other"
    late = [patch.pixels.tobytes() for (patch,) in HalloEngine().animate(still, speech, plan, start=len(frames) - 3)]
    assert late == frames[-3:]


@pytest.mark.slow
@pytest.mark.usefixtures("weights")
def test_a_stopped_render_goes_on_where_it_was(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("lipsync_colab.plan.SEGMENT_SECONDS", 0.4)
    voice = spoken(tmp_path / "voice.wav")
    settings = RenderSettings(engine="hallo", size="128x150", upscale="none", device="cpu", options=QUICK)
    whole, out = tmp_path / "whole.mp4", tmp_path / "out.mp4"
    drawn: list[int] = []
    original = engine_module._Clips.draw
    monkeypatch.setattr(
        engine_module._Clips,
        "draw",
        lambda clips, number, heads: drawn.append(number) or original(clips, number, heads),
    )
    render_video(hopper(), voice, whole, settings)
    assert drawn == [0, 1, 2]
    drawn.clear()
    cancel, record = threading.Event(), Segments.record

    def stop_after_the_second(segments: Segments, start: int, *words: Any) -> None:
        record(segments, start, *words)
        if start == 10:
            cancel.set()

    with monkeypatch.context() as patched, pytest.raises(Cancelled):
        patched.setattr(Segments, "record", stop_after_the_second)
        render_video(hopper(), voice, out, settings, cancel=cancel)
    drawn.clear()
    result = render_video(hopper(), voice, out, settings)
    assert result.report["reused_frames"] == 20
    assert drawn == [1, 2], "the clip before the first missing segment is not drawn again"
    assert out.read_bytes() == whole.read_bytes(), "the same bytes, whether it was stopped or not"
    assert not (tmp_path / "work").exists()


@pytest.mark.parametrize(("name", "cut"), [("hopper", 0), ("astronaut", 0), ("hopper", 120), ("hopper", 150)])
def test_the_square_lies_in_the_picture_and_holds_the_face(name: str, cut: int) -> None:
    whole = portrait(name, 640)
    face = whole.face.moved(np.array([[1, 0, -cut], [0, 1, 0]], np.float32))
    picture = Portrait(whole.image[:, cut : 640 - cut or None], face)
    crop = head_square(picture)
    width, height = picture.size
    marks = crop.locate(face.landmarks[:468], 512)
    assert marks.min() > 10 and marks.max() < 501
    if cut < 150:
        assert 0 <= crop.left <= width - crop.side and 0 <= crop.top <= height - crop.side
        assert crop.side == min(HeadCrop.of_face(face).side, width, height)
    else:
        assert width < np.ptp(face.landmarks[:468, 1]) < crop.side < HeadCrop.of_face(face).side


def test_segments_and_frames_find_their_clips() -> None:
    plan = plan_for(Speech(np.zeros(30 * RATE, np.float32), RATE))
    assert resumable(plan) == {250 // 16 - 1, 500 // 16 - 1}
    assert [native_frame(frame, Fraction(50)) for frame in range(4)] == [0, 1, 1, 2]
    assert native_frame(29, Fraction(30)) == 24


@pytest.mark.parametrize("opened", [lambda: loading.open_coder("cpu", "float32"), lambda: loading.open_hearing("cpu")])
def test_a_description_of_no_network_is_one_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, opened: Callable[[], Any]
) -> None:
    (tmp_path / "config.json").write_text("{")
    monkeypatch.setattr(loading, "path_of", lambda _: tmp_path / "config.json")
    with pytest.raises(WeightsError, match=r"config\.json describes no such network"):
        opened()


@pytest.mark.usefixtures("weights")
def test_the_files_are_read_whole() -> None:
    """Every tensor of the released layouts arrives, in the number format that is asked for."""
    for dtype in ("float16", "float32"):
        network = loading.open_network("cpu", dtype)
        assert {value.dtype for value in network.state_dict().values()} == {getattr(torch, dtype)}
        assert not any(value.is_meta or value.requires_grad for value in network.parameters())
    for opened, made in (
        (loading.open_coder("cpu", "float32"), hallo_release.coder()),
        (loading.open_hearing("cpu"), hallo_release.hearing()),
    ):
        wanted = made.state_dict()
        assert not opened.training and set(opened.state_dict()) == set(wanted)
        for key, value in opened.state_dict().items():
            assert key == "masked_spec_embed" or torch.equal(value, wanted[key]), key


@pytest.mark.usefixtures("weights")
def test_too_little_memory_is_one_line(still: Portrait, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object) -> None:
        raise torch.OutOfMemoryError("CUDA out of memory")

    monkeypatch.setattr(Sampler, "draw", full)
    speech = Speech(np.zeros(640, np.float32), RATE)
    with pytest.raises(MachineError, match="not enough memory for 16 frames"):
        next(HalloEngine().animate(still, speech, plan_for(speech)))


@pytest.mark.slow
@pytest.mark.usefixtures("weights")
def test_half_precision_draws_nearly_the_same(still: Portrait) -> None:
    """What a GPU computes in, here on a processor: every tensor meets its own kind."""
    speech = Speech(np.zeros(640, np.float32), RATE)
    heads = [
        next(HalloEngine().animate(still, speech, plan_for(speech, dtype=dtype)))[0].pixels.astype(int)
        for dtype in ("float32", "float16")
    ]
    assert np.ptp(heads[0]) > 50
    assert np.abs(heads[0] - heads[1]).mean() < 3


@pytest.mark.usefixtures("weights")
def test_stop_is_heard_within_a_clip(still: Portrait, monkeypatch: pytest.MonkeyPatch) -> None:
    engine, steps = HalloEngine(), []
    engine.cancel = threading.Event()
    original = hallo_release.HalloNet.predict

    def counted(*words: Any) -> Any:
        steps.append(1)
        engine.cancel.set()
        return original(*words)

    monkeypatch.setattr(hallo_release.HalloNet, "predict", counted)
    speech = Speech(np.zeros(640, np.float32), RATE)
    with pytest.raises(Cancelled):
        next(engine.animate(still, speech, plan_for(speech)))
    assert len(steps) == 1


@pytest.mark.usefixtures("weights")
def test_progress_counts_the_frames_of_a_clip_while_it_is_drawn(tmp_path: Path) -> None:
    told: list[tuple[str, int, int]] = []
    settings = RenderSettings(engine="hallo", size="128x150", upscale="none", device="cpu", options=(("steps", "4"),))
    voice = spoken(tmp_path / "voice.wav", 0.4)
    render_video(hopper(), voice, tmp_path / "out.mp4", settings, progress=lambda *step: told.append(step))
    frames = [(done, total) for stage, done, total in told if stage == "frames"]
    assert frames == [(done, 10) for done in (2, 5, 7, 8, 9, 10)], "quarters of the ten, then as they are written"


@pytest.mark.usefixtures("weights")
def test_a_restorer_is_told_how_the_head_lies(still: Portrait, monkeypatch: pytest.MonkeyPatch) -> None:
    closed: list[Leaning] = []
    turn, close = np.array([[1, 0, 3], [0, 1, 0]], np.float32), Leaning.close
    monkeypatch.setattr(Leaning, "of", lambda leaning, head: turn)
    monkeypatch.setattr(Leaning, "close", lambda leaning: closed.append(leaning) or close(leaning))
    speech = Speech(np.zeros(640, np.float32), RATE)
    ((patch,),) = HalloEngine().animate(still, speech, plan_for(speech, restore_patch="gfpgan"))
    scale = head_square(still).side / SIZE
    assert np.allclose(patch.motion, [[1, 0, 3 * scale], [0, 1, 0]], atol=1e-3)
    assert len(closed) == 1


def test_how_a_drawn_head_leans_is_seen(still: Portrait) -> None:
    crop = HeadCrop.of_face(still.face)
    head = crop.cut(still.image, 512)
    leaning = Leaning(still.face, crop, 512)
    try:
        turn = cv2.getRotationMatrix2D((256, 256), 8, 1.0)
        motion = leaning.of(cv2.warpAffine(head, turn, (512, 512), borderMode=cv2.BORDER_REPLICATE))
        assert np.abs(motion[:, :2] - turn[:, :2]).max() < 0.03
        middle = np.array([256, 256, 1])
        assert np.abs(motion @ middle - turn @ middle).max() < 8
        assert np.array_equal(leaning.of(np.zeros((512, 512, 3), np.uint8)), motion), "where no face is, the last holds"
        assert np.abs(leaning.of(head) - np.eye(2, 3)).max() < 4
    finally:
        leaning.close()


def test_a_voice_at_another_rate_is_a_mistake(still: Portrait) -> None:
    speech = Speech(np.zeros(800, np.float32), 8000)
    with pytest.raises(ValueError, match="16000"):
        HalloEngine().animate(still, speech, plan_for(speech))
