"""SadTalker's engine on rule-filled weights, from a portrait and a voice to patches."""

from __future__ import annotations

import dataclasses
from fractions import Fraction
from pathlib import Path

import cv2
import numpy as np
import pytest
import soundfile
from golden import PARITY, Golden
from viseme_portraits import portrait

torch = pytest.importorskip("torch")

import filled_networks  # noqa: E402

from lipsync_colab import networks  # noqa: E402
from lipsync_colab.engines.headmotion.loading import tensor_pictures  # noqa: E402
from lipsync_colab.engines.headmotion.track import MotionTrack  # noqa: E402
from lipsync_colab.engines.registry import ENGINES  # noqa: E402
from lipsync_colab.engines.sadtalker import engine as engine_module  # noqa: E402
from lipsync_colab.engines.sadtalker.engine import Choices, SadTalkerEngine  # noqa: E402
from lipsync_colab.engines.sadtalker.facevid2vid import FaceVid2Vid  # noqa: E402
from lipsync_colab.engines.sadtalker.pirenderer import PIRenderer  # noqa: E402
from lipsync_colab.engines.sadtalker.reference import at_native_rate  # noqa: E402
from lipsync_colab.engines.sadtalker.video import check_video, open_video  # noqa: E402
from lipsync_colab.errors import InputError  # noqa: E402
from lipsync_colab.types import Portrait, RenderPlan, RenderSettings, Speech, frame_count  # noqa: E402

RATE = 16_000


@pytest.fixture
def engine(monkeypatch: pytest.MonkeyPatch) -> SadTalkerEngine:
    monkeypatch.setattr(engine_module, "ready", filled_networks.ready)
    return SadTalkerEngine()


@pytest.fixture(scope="module")
def still() -> Portrait:
    return portrait("hopper", 640)


def voice(seconds: float) -> Speech:
    samples, _ = soundfile.read(PARITY / "sadtalker" / "util" / "voice2s.wav", dtype="float32")
    return Speech(samples[: round(seconds * RATE)], RATE)


def plan_for(speech: Speech, fps: str = "25", batch: int = 1, **options: str) -> RenderPlan:
    settings = RenderSettings(engine="sadtalker", options=tuple(sorted(options.items())))
    frames = frame_count(speech.seconds, Fraction(fps))
    return RenderPlan(settings, "sadtalker", "", "", 640, 640, fps, frames, 250, batch=batch)


def test_pirender_from_any_start_at_any_rate(engine: SadTalkerEngine, still: Portrait) -> None:
    speech = voice(0.1)
    plan = plan_for(speech, "30000/1001", batch=2, renderer="pirender")
    stream = engine.animate(still, speech, plan)
    frames = list(stream)
    assert len(frames) == stream.total == 3 and stream.fps == Fraction(30000, 1001)
    for (patch,) in frames:
        assert patch.pixels.shape == (256, 256, 3) and patch.mask.shape == (256, 256)
    assert not np.array_equal(frames[0][0].pixels, frames[2][0].pixels)
    late = list(engine.animate(still, speech, plan, start=1))
    assert [patch.pixels.tobytes() for (patch,) in late] == [patch.pixels.tobytes() for (patch,) in frames[1:]]


@pytest.mark.slow
@pytest.mark.parametrize("renderer", ["facevid2vid", "facevid2vid-crop"])
def test_facevid2vid(engine: SadTalkerEngine, still: Portrait, renderer: str) -> None:
    speech = voice(0.04)
    frames = list(engine.animate(still, speech, plan_for(speech, renderer=renderer, yaw="10,10")))
    assert len(frames) == 1 and frames[0][0].pixels.shape == (256, 256, 3)


@pytest.mark.slow
def test_facevid2vid_draws_the_released_frames() -> None:
    """Source picture and coefficient windows to frames, against the public implementation."""
    io = dict(np.load(PARITY / "sadtalker" / "e2e_crop" / "io.npz"))
    mapping = Golden("sadtalker/mapping").load_into(networks.build("sadtalker.mapping")).requires_grad_(False)
    with torch.no_grad():
        for layer in (mapping.fc_exp, mapping.fc_t):
            layer.weight *= float(io["head_damp"])
            layer.bias *= float(io["head_damp"])
    still = np.concatenate([io["source_semantics"][0, :, 0], [0, 0, 0]]).astype(np.float32)
    generator = filled_networks.filled("sadtalker.generator")
    detector = filled_networks.filled("sadtalker.kp_extractor")
    renderer = FaceVid2Vid(generator, detector, mapping, head=io["image"], still=still)
    assert np.abs(renderer._source.numpy() - io["kp_source"]).max() < 2e-4
    track = MotionTrack(np.pad(io["track"], ((0, 0), (0, 3))))
    windows = track.windows(io["frames"].astype(np.float64), 13)
    assert np.allclose(windows[:, :70], io["target_semantics"][0], atol=1e-6)
    with torch.inference_mode():
        driving = renderer._keypoints(windows).numpy()
    assert np.abs(driving - io["kp_driving"][0]).max() < 2e-4
    drawn = renderer.draw(windows[:1])[0].astype(int)
    released = tensor_pictures(torch.from_numpy(io["prediction_f16"][0].astype(np.float32)))[0].astype(int)
    assert np.abs(drawn - released).max() <= 2


def test_pirender_draws_the_released_frame() -> None:
    golden = Golden("pirender")
    renderer = PIRenderer(filled_networks.filled("pirender"), head=golden.io["image"])
    released = tensor_pictures((golden.tensor("fake0_f16") + 1) / 2)[0].astype(int)
    drawn = renderer.draw(golden.io["driving"][:1])[0].astype(int)
    assert np.abs(drawn - released).max() <= 1
    with pytest.raises(InputError, match="facevid2vid"):
        renderer.draw(golden.io["driving"][:1], {"yaw": np.zeros(1, np.float32)})


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"renderer": "fomm"}, "facevid2vid or facevid2vid-crop or pirender"),
        ({"renderer": "pirender", "head": "512"}, "256"),
        ({"renderer": "pirender", "pitch": "3"}, "pirender takes no yaw"),
        ({"head": "128"}, "256 or 512"),
        ({"style": "46"}, "0 to 45"),
        ({"style": "-1"}, "0 to 45"),
        ({"roll": "north"}, "degrees"),
    ],
)
def test_choices_that_are_refused(options: dict[str, str], message: str) -> None:
    with pytest.raises(InputError, match=message):
        Choices.of(RenderSettings(options=tuple(sorted(options.items()))))


def test_rows_of_the_choices() -> None:
    info = ENGINES["sadtalker"]
    settings = RenderSettings(options=(("head", "512"), ("renderer", "pirender")))
    pirender = "epoch_00190_iteration_000400000_checkpoint.pt"
    assert info.rows(settings) == (pirender, "SadTalker_V0.0.2_512.safetensors")
    assert "mapping_00109-model.pth.tar" in info.rows(RenderSettings())


def test_a_reference_that_is_no_video(engine: SadTalkerEngine, still: Portrait, tmp_path: Path) -> None:
    speech = voice(0.04)
    (tmp_path / "note.mp4").write_text("no video")
    for name, message in (("absent.mp4", "no such file"), ("note.mp4", "not a video")):
        with pytest.raises(InputError, match=message):
            engine.animate(still, speech, plan_for(speech, reference_pose=str(tmp_path / name)))
        with pytest.raises(InputError, match=message):
            ENGINES["sadtalker"].check(RenderSettings(options=(("reference_blink", str(tmp_path / name)),)))
    check_video("")


def test_a_video_is_read_at_the_native_rate(tmp_path: Path) -> None:
    path = str(tmp_path / "a clip.avi")
    writer = cv2.VideoWriter(path, cv2.VideoWriter_fourcc(*"MJPG"), 50, (64, 48))
    for level in range(20):
        writer.write(np.full((48, 64, 3), level * 10, np.uint8))
    writer.release()
    fps, frames = open_video(path)
    levels = np.array([[frame.mean()] for frame in frames], np.float32)
    assert fps == 50 and len(levels) == 20
    native = at_native_rate(levels, fps)
    assert len(native) == 10 and np.allclose(native, levels[::2])


def test_motion_of_a_video(
    engine: SadTalkerEngine, still: Portrait, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    small = cv2.resize(still.image, (320, 320), interpolation=cv2.INTER_AREA)[..., ::-1]
    path = str(tmp_path / "nod.avi")
    writer = cv2.VideoWriter(path, cv2.VideoWriter_fourcc(*"MJPG"), 25, (320, 320))
    for angle in (0, 4, 8):
        writer.write(cv2.warpAffine(small, cv2.getRotationMatrix2D((160, 160), angle, 1), (320, 320)))
    writer.release()
    reader = engine_module.CoefficientReader(filled_networks.filled("sadtalker.face_3drecon"))
    pose = engine_module.read_reference(path, reader, "pose")
    assert pose.shape == (3, 6) and np.ptp(pose, axis=0).max() > 0
    assert engine_module.read_reference(path, reader, "blink").shape == (3, 64)


def test_the_release_layouts_carry_every_network(tmp_path: Path) -> None:
    """One safetensors file with prefixes: only the asked network is read, by its released keys."""
    from safetensors.torch import save_file

    from lipsync_colab import networks
    from lipsync_colab.weights.load import load_into

    golden = Golden("sadtalker/audio2exp")
    state = golden.checkpoint() | {"generator.first.conv.weight": torch.zeros(1)}
    save_file(state, tmp_path / "released.safetensors")
    network = load_into(networks.build("sadtalker.audio2exp"), tmp_path / "released.safetensors", "audio2exp")
    golden.check("exp", network(golden.tensor("mel")[0], golden.tensor("ref"), golden.tensor("ratio")), 2e-4)
    mapping = Golden("sadtalker/mapping")
    torch.save({"mapping": mapping.checkpoint(), "optimizer": {"state": {}}}, tmp_path / "mapping.pth.tar")
    loaded = load_into(networks.build("sadtalker.mapping"), tmp_path / "mapping.pth.tar", "mapping")
    mapping.check("yaw", loaded(mapping.tensor("semantics"))["yaw"], 3e-5)


def test_a_voice_at_another_rate_is_a_mistake(engine: SadTalkerEngine, still: Portrait) -> None:
    speech = dataclasses.replace(voice(0.04), rate=8000)
    with pytest.raises(ValueError, match="16000"):
        engine.animate(still, speech, plan_for(speech))
