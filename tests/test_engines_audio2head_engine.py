"""Audio2Head's driver and engine: mechanics on stand-in networks, whole frames on rule-filled weights."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import numpy as np
import pytest
import soundfile
from golden import PARITY, Golden
from viseme_portraits import portrait

torch = pytest.importorskip("torch")

import filled_networks  # noqa: E402

from lipsync_colab import moods  # noqa: E402
from lipsync_colab.engines.audio2head import engine as engine_module  # noqa: E402
from lipsync_colab.engines.audio2head.driver import KeypointTrack  # noqa: E402
from lipsync_colab.engines.audio2head.engine import Audio2HeadEngine  # noqa: E402
from lipsync_colab.engines.audio2head.fomm import FirstOrderRenderer  # noqa: E402
from lipsync_colab.engines.headmotion.amounts import Amounts  # noqa: E402
from lipsync_colab.engines.headmotion.loading import tensor_pictures  # noqa: E402
from lipsync_colab.errors import InputError  # noqa: E402
from lipsync_colab.types import Array, Mood, RenderPlan, RenderSettings, Speech, frame_count  # noqa: E402


class CountingKeypoints:
    """Keypoints that tell what was asked: the sound's mean in x, where the drawn box lies in y."""

    def __init__(self) -> None:
        self.calls = 0

    def __call__(self, audio: torch.Tensor, pose: torch.Tensor, image: torch.Tensor) -> dict[str, torch.Tensor]:
        self.calls += 1
        rows = torch.arange(256.0)[None, None, :, None]
        height = (pose * rows).sum((2, 3)) / pose.sum((2, 3))
        value = torch.stack((audio.mean((2, 3)), height / 256), dim=-1)[:, :, None].expand(1, 64, 10, 2)
        return {"value": value, "jacobian": torch.eye(2).expand(1, 64, 10, 2, 2)}


def nodding(image: torch.Tensor, audio: torch.Tensor) -> torch.Tensor:
    """Poses that go down steadily."""
    poses = torch.zeros(1, audio.shape[1] + 1, 6)
    poses[0, :, 4] = torch.linspace(-0.6, -0.2, audio.shape[1] + 1)
    return poses


def track(frames: int, speaking: float | Array = 1.0, **amounts: Any) -> KeypointTrack:
    audio = np.ones((frames, 4, 41), np.float32)
    share = np.broadcast_to(np.float32(speaking), (frames,))
    keypoints = CountingKeypoints()
    image = torch.zeros(1, 3, 256, 256)
    return KeypointTrack(nodding, keypoints, image=image, audio=audio, speaking=share, amounts=Amounts(**amounts))


@pytest.mark.parametrize("frames", [1, 2, 21, 33, 34, 49, 100])
def test_every_length(frames: int) -> None:
    made = track(frames)
    values = np.stack([made.at(frame) for frame in range(frames)])
    assert values.shape == (frames, 10, 6) and np.isfinite(values).all()
    assert np.allclose(values[..., 0], 1)
    assert frames == 1 or values[-1, 0, 1] > values[0, 0, 1]
    assert np.array_equal(made.at(frames + 5.0), made.at(frames - 1))


def test_windows_are_drawn_once() -> None:
    made = track(100)
    for frame in range(100):
        made.at(frame)
        made.at(frame + 0.5)
    assert made._keypoints.calls == 3


def test_any_order_gives_the_same_keypoints() -> None:
    forward = [track(100).at(frame) for frame in (5, 40, 90)]
    made = track(100)
    assert all(np.array_equal(made.at(frame), value) for frame, value in zip((90, 40, 5), forward[::-1], strict=True))


def test_amounts_are_independent() -> None:
    still_head, no_voice = track(60, head=0.0), track(60, expression=0.0)
    assert np.ptp([still_head.at(frame)[0, 1] for frame in range(60)]) == 0
    assert still_head.at(30)[0, 0] == 1
    assert no_voice.at(30)[0, 0] == 0
    assert np.ptp([no_voice.at(frame)[0, 1] for frame in range(60)]) > 0.05
    assert track(60, expression=0.5).at(30)[0, 0] == pytest.approx(0.5)


def test_an_expression_tag_scales_the_voice_and_the_head_while_it_lasts() -> None:
    usual, tagged = track(60), track(60, moods=(Mood(0.0, 1.0, "sad"),))
    assert tagged.at(5)[0, 0] == pytest.approx(moods.EXPRESSION["sad"] * usual.at(5)[0, 0])
    assert tagged.at(55)[0, 0] == pytest.approx(usual.at(55)[0, 0])
    nods = [made.poses[:15, 4] - made.poses[0, 4] for made in (usual, tagged)]
    assert nods[0][-1] > 1 and np.allclose(nods[1], moods.HEAD["sad"] * nods[0], atol=1e-4)


def test_silence_draws_as_without_sound() -> None:
    share = np.ones(60, np.float32)
    share[20:40] = 0
    made = track(60, share)
    assert made.at(30)[0, 0] == 0 and made.at(10)[0, 0] == 1
    assert made.at(30)[0, 1] != made.at(35)[0, 1]
    silent = track(60, 0.0)
    silent.at(3)
    assert silent._keypoints.calls == 1


def test_the_released_frame() -> None:
    golden = Golden("audio2head/generator")
    detector = filled_networks.filled("audio2head.kp_detector")
    renderer = FirstOrderRenderer(filled_networks.filled("audio2head.generator"), detector, head=golden.io["image"])
    renderer._source = {"value": golden.tensor("kp_source"), "jacobian": golden.tensor("jac_source")}
    driving = np.concatenate([golden.io["kp_driving"], golden.io["jac_driving"].reshape(1, 10, 4)], axis=2)
    released = tensor_pictures(golden.tensor("prediction_f16"))[0].astype(int)
    assert np.abs(renderer.draw(driving)[0].astype(int) - released).max() <= 1


@pytest.mark.slow
def test_from_a_voice_to_patches(monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("pyworld")
    monkeypatch.setattr(engine_module, "ready", filled_networks.ready)
    samples, rate = soundfile.read(PARITY / "sadtalker" / "util" / "voice2s.wav", dtype="float32")
    speech = Speech(samples[: rate // 5], rate)
    fps = "30"
    plan = RenderPlan(
        RenderSettings(), "audio2head", "", "", 640, 640, fps, frame_count(speech.seconds, Fraction(fps)), 250, batch=2
    )
    stream = Audio2HeadEngine().animate(portrait("hopper", 640), speech, plan)
    frames = list(stream)
    assert len(frames) == stream.total == 6
    assert all(patch.pixels.shape == (256, 256, 3) for (patch,) in frames)
    late = list(Audio2HeadEngine().animate(portrait("hopper", 640), speech, plan, start=3))
    assert [patch.pixels.tobytes() for (patch,) in late] == [patch.pixels.tobytes() for (patch,) in frames[3:]]


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        (RenderSettings(options=(("renderer", "pirender"),)), "takes renderer = fomm"),
        (RenderSettings(blink=0.5), "no control of blinks"),
    ],
)
def test_choices_that_are_refused(settings: RenderSettings, message: str) -> None:
    speech = Speech(np.zeros(1600, np.float32), 16_000)
    plan = RenderPlan(settings, "audio2head", "", "", 640, 640, "25", 3, 250)
    with pytest.raises(InputError, match=message):
        Audio2HeadEngine().animate(portrait("hopper", 640), speech, plan)
