"""Hallo's parts around the networks against the public implementation: sound, masks, alignment, sampling, options.

The stored arrays were made by the release's own lines (wav2vec 2.0 in transformers 4.46, masks by OpenCV and
torchvision, the sampling loop with ``toy_hallo.ToyHallo`` in the places of its UNets and a small autoencoder).
"""

from __future__ import annotations

import copy
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from fill import fill_module
from golden import PARITY
from viseme_portraits import portrait

torch = pytest.importorskip("torch")
pytest.importorskip("diffusers")
pytest.importorskip("transformers")

from toy_hallo import ToyHallo, inputs  # noqa: E402

from lipsync_colab import moods  # noqa: E402
from lipsync_colab.engines.hallo import voice as voice_module  # noqa: E402
from lipsync_colab.engines.hallo.chain import CLIP  # noqa: E402
from lipsync_colab.engines.hallo.coder import Coder  # noqa: E402
from lipsync_colab.engines.hallo.identity import TEMPLATE, aligned, identity  # noqa: E402
from lipsync_colab.engines.hallo.masks import RegionMasks  # noqa: E402
from lipsync_colab.engines.hallo.options import Choices  # noqa: E402
from lipsync_colab.engines.hallo.sampler import Sampler  # noqa: E402
from lipsync_colab.engines.hallo.voice import HOP, Voice  # noqa: E402
from lipsync_colab.engines.headmotion.amounts import Amounts  # noqa: E402
from lipsync_colab.errors import InputError, WeightsError  # noqa: E402
from lipsync_colab.types import Array, Mood, RenderSettings  # noqa: E402

HEARING = {
    "hidden_size": 16,
    "num_hidden_layers": 3,
    "num_attention_heads": 2,
    "intermediate_size": 24,
    "conv_dim": (8,) * 7,
    "num_conv_pos_embeddings": 16,
    "num_conv_pos_embedding_groups": 4,
    "vocab_size": 8,
}
CODER = {
    "block_out_channels": (8, 8, 16, 16),
    "layers_per_block": 1,
    "latent_channels": 4,
    "norm_num_groups": 4,
    "sample_size": 32,
    "down_block_types": ("DownEncoderBlock2D",) * 4,
    "up_block_types": ("UpDecoderBlock2D",) * 4,
}


def golden(name: str) -> dict[str, np.ndarray]:
    with np.load(PARITY / "hallo" / f"{name}.npz") as stored:
        return dict(stored)


def sound(count: int) -> Array:
    chance = np.random.default_rng(5)
    times = np.arange(count) / 16000
    carrier = np.sin(2 * np.pi * 180 * times) + 0.3 * chance.standard_normal(count)
    return (0.02 + 0.2 * np.sin(2 * np.pi * 3 * times) ** 2 * carrier).astype(np.float32)


@pytest.fixture(scope="module")
def hearing() -> Any:
    from transformers import Wav2Vec2Config, Wav2Vec2Model

    return fill_module(Wav2Vec2Model(Wav2Vec2Config(**HEARING)))


@pytest.mark.parametrize(("name", "samples", "frames"), [("ragged", 23456, 37), ("whole", 32 * HOP, 32)])
def test_a_voice_is_heard_as_the_release_hears_it(hearing: Any, name: str, samples: int, frames: int) -> None:
    released = golden("hearing")
    assert released[f"{name}_length"] == frames
    heard = Voice(sound(samples), frames, hearing)
    assert heard.clips == len(released[name]) // CLIP
    for clip in range(heard.clips):
        found = heard.clip(clip).numpy()
        assert np.abs(found - released[name][clip * CLIP : (clip + 1) * CLIP]).max() < 2e-5


def test_a_long_voice_is_heard_in_pieces_that_fit_together(hearing: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    # Random attention mixes all frames at will; without it a frame is what is heard around it.
    hearing = copy.deepcopy(hearing)
    for layer in hearing.encoder.layers:
        torch.nn.init.zeros_(layer.attention.out_proj.weight)
    samples = sound(15 * CLIP * HOP)
    whole = Voice(samples, 0, hearing)
    ahead = [whole.clip(clip) for clip in range(whole.clips)]
    monkeypatch.setattr(voice_module, "PIECE", 5 * CLIP)
    pieces = Voice(samples, 0, hearing)
    late = pieces.clip(10)
    assert torch.equal(late, pieces.clip(10))
    for clip in (0, 4, 5, 9, 10, whole.clips - 1):
        found = pieces.clip(clip)
        assert found.shape == ahead[clip].shape
        # The first layer's level is that of the piece; a frame too early or too late would be off by a whole step.
        step = (ahead[clip][1:, 2] - ahead[clip][:-1, 2]).abs().mean()
        assert (found - ahead[clip]).abs().mean() < 0.2 * step
    assert torch.equal(pieces.clip(10), late), "a piece is the same whenever it is heard"


def test_the_video_may_be_longer_than_the_sound(hearing: Any) -> None:
    assert Voice(sound(HOP), 17, hearing).clips == 2
    assert Voice(sound(17 * HOP), 1, hearing).clips == 2, "no sound is lost at the end"
    assert torch.isfinite(Voice(np.zeros(HOP, np.float32), 1, hearing).clip(0)).all()


@pytest.mark.parametrize("name", ["middle", "corner"])
def test_masks_are_the_releases(name: str) -> None:
    released = golden("masks")
    masks = RegionMasks.of_marks(released[f"{name}_marks"], 512)
    box = np.unpackbits(released[f"{name}_face"]).reshape(512, 512) * 255
    assert np.array_equal(masks.face, np.repeat(box[..., None], 3, axis=2))
    for region in ("full", "skin", "lips"):
        for level, found in zip((8, 16, 32, 64), getattr(masks, region), strict=True):
            # Another OpenCV may round a blurred level the other way.
            assert np.abs(found * 255 - released[f"{name}_{region}_{level}"]).max() <= 1.01


def test_a_face_that_fills_the_picture_has_a_whole_mask() -> None:
    marks = golden("masks")["middle_marks"]
    masks = RegionMasks.of_marks((marks - marks.mean(axis=0)) * 3 + 256, 512)
    assert masks.face.min() == 255 and masks.face.shape == (512, 512, 3)


def test_alignment_is_insightfaces() -> None:
    transform = pytest.importorskip("skimage.transform")
    still = portrait("hopper", 640)
    turn = transform.SimilarityTransform.from_estimate(still.face.points.astype(np.float64), TEMPLATE)
    warped = cv2.warpAffine(still.image, turn.params[:2], (112, 112), borderValue=0.0)
    assert np.abs(aligned(still.image, still.face).astype(int) - warped).max() <= 1


def test_a_recogniser_that_is_none_is_one_line(tmp_path: Path) -> None:
    still = portrait("hopper", 640)
    path = tmp_path / "glintr100.onnx"
    path.write_bytes(b"no graph")
    with pytest.raises(WeightsError, match=r"glintr100\.onnx is no readable face recogniser"):
        identity(still.image, still.face, path)


@pytest.mark.parametrize(("name", "steps", "guidance"), [("guided", 5, 3.5), ("plain", 3, 1.0)])
def test_the_sampling_loop_is_the_releases(name: str, steps: int, guidance: float) -> None:
    from diffusers import AutoencoderKL

    released, given = golden("loop"), inputs()
    coder = Coder(fill_module(AutoencoderKL(**CODER)))
    box = (given["box"].transpose(1, 2, 0) * 255).astype(np.uint8)
    masks = RegionMasks(box, given["full"], given["skin"], given["lips"])
    choices = Choices(steps, guidance, (1.0, 1.0, 1.0), seed=7)
    sampler = Sampler(ToyHallo(), given["face"], masks, choices, "cpu", "float32")
    heard, before = torch.from_numpy(given["heard"]), coder.encode(given["pictures"])
    watched: list[float] = []
    latents = sampler.draw(2, heard, before, (1.1, 0.9, 0.7), watched.append)
    assert watched == [2 + step / steps for step in range(steps)]
    assert np.abs(latents.numpy() - released[f"{name}_latents"]).max() < 2e-4
    drawn = coder.decode(latents)
    assert drawn.dtype == np.uint8 and np.abs(drawn.astype(int) - released[name]).max() <= 1


def test_seed_and_clip_decide_the_noise() -> None:
    given = inputs()
    box = (given["box"].transpose(1, 2, 0) * 255).astype(np.uint8)
    masks = RegionMasks(box, given["full"], given["skin"], given["lips"])
    before, heard = torch.zeros(3, 4, 4, 4), torch.from_numpy(given["heard"])

    def drawn(seed: int, clip: int) -> Any:
        choices = Choices(2, 3.5, (1.0, 1.0, 1.0), seed)
        return Sampler(ToyHallo(), given["face"], masks, choices, "cpu", "float32").draw(
            clip, heard, before, choices.weights, lambda _: None
        )

    assert torch.equal(drawn(1, 1), drawn(1, 1))
    assert not torch.equal(drawn(1, 1), drawn(1, 2)) and not torch.equal(drawn(1, 1), drawn(2, 1))


@pytest.mark.parametrize(
    "option",
    [
        *(("steps", text) for text in ("0", "2.5", "201", "many", "nan")),
        *(("guidance", text) for text in ("0.5", "21", "inf")),
        *((name, text) for name in ("pose", "face", "lip") for text in ("-0.1", "2.1", "much")),
    ],
)
def test_options_out_of_range_are_one_line(option: tuple[str, str]) -> None:
    with pytest.raises(InputError, match=f"--option {option[0]}={option[1]}: choose a"):
        Choices.of(RenderSettings(options=(option,)))


def test_settings_and_tags_weigh_in_clip_by_clip() -> None:
    options = (("face", "0.5"), ("guidance", "2"), ("lip", "2"), ("pose", "1.5"), ("steps", "10"))
    settings = RenderSettings(options=options, seed=3, head_motion=0.5, expression=0.5)
    choices = Choices.of(settings)
    assert choices == Choices(10, 2.0, (1.5, 0.5, 2.0), 3)
    assert choices.by_clip(Amounts.of(settings), 2) == [(0.75, 0.25, 1.0)] * 2
    plain = Choices.of(RenderSettings())
    assert plain == Choices(40, 3.5, (1.0, 1.0, 1.0), 0)
    assert plain.by_clip(Amounts.of(RenderSettings(still=True)), 1) == [(0.0, 1.0, 1.0)]
    calm = plain.by_clip(Amounts.of(RenderSettings(), (Mood(2.56, 9.0, "angry", head=0.5),)), 9)
    assert calm[0] == (1.0, 1.0, 1.0)
    assert calm[6] == pytest.approx((0.5 * moods.HEAD["angry"], *2 * (moods.EXPRESSION["angry"],)))
