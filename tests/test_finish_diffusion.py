"""Diffusion on the still: pieces without seams, seeds, outpainting, and what happens without weights."""

from __future__ import annotations

import itertools
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from portraits import portrait_of, textured

torch = pytest.importorskip("torch")

from lipsync_colab.errors import InputError, WeightsError  # noqa: E402
from lipsync_colab.finish.canvas import make_canvas  # noqa: E402
from lipsync_colab.finish.diffusion import DiffusionUpscaler, load_pipeline, positions, ramp  # noqa: E402
from lipsync_colab.finish.outpaint import Outpainter, drawing_size, laid_beyond, open_outpaint  # noqa: E402


@given(length=st.integers(1, 3000), tile=st.integers(32, 256), overlap=st.integers(0, 30))
def test_pieces_cover_and_share(length: int, tile: int, overlap: int) -> None:
    starts = positions(length, tile, overlap)
    assert starts[0] == 0
    assert starts[-1] + tile >= length
    for first, second in itertools.pairwise(starts):
        assert first < second <= first + tile - overlap
    if length > tile:
        assert starts[-1] + tile == length


def test_weights_are_full_at_the_pictures_edge() -> None:
    assert ramp(50, 0, 100, 10)[0] == 1
    assert ramp(50, 50, 100, 10)[-1] == 1
    assert 0 < ramp(50, 50, 100, 10)[0] < 0.2


def nearest(**arguments: Any) -> Any:
    """Stands in for a pipeline that invents nothing."""
    large = np.asarray(arguments["image"].resize((512, 512), 0), np.float32) / 255
    for step in range(arguments["num_inference_steps"]):
        arguments["callback"](step, 0, None)
    return SimpleNamespace(images=[large])


@pytest.mark.parametrize("size", [(90, 70), (128, 128), (300, 200)])
def test_pieces_are_put_together_without_a_seam(size: tuple[int, int]) -> None:
    shares: list[tuple[int, int]] = []
    upscaler = DiffusionUpscaler(
        load=lambda device: nearest, steps=2, progress=lambda stage, done, total: shares.append((done, total))
    )
    image = textured(*size)
    assert np.array_equal(upscaler.enlarge(image), np.repeat(np.repeat(image, 4, 0), 4, 1))
    assert shares[-1][0] == shares[-1][1]
    assert upscaler(image, 2).shape == (size[1] * 2, size[0] * 2, 3)


def test_a_saved_upscaler_loads_and_repeats_itself(tmp_path: Path) -> None:
    pytest.importorskip("diffusers")
    from tiny_diffusion import save_upscaler

    folder = save_upscaler(tmp_path, "fp16")
    pipeline = load_pipeline("StableDiffusionUpscalePipeline", folder, "cpu")
    assert next(pipeline.unet.parameters()).dtype == torch.float32
    image = textured(40, 32)
    first, again, other = (
        DiffusionUpscaler(seed=seed, load=lambda device: pipeline, steps=2, tile=32).enlarge(image)
        for seed in (1, 1, 2)
    )
    assert first.shape == (128, 160, 3)
    assert np.array_equal(first, again)
    assert not np.array_equal(first, other)


def test_a_saved_inpainting_pipeline_extends_a_portrait(tmp_path: Path) -> None:
    pytest.importorskip("diffusers")
    from tiny_diffusion import save_inpainting

    folder = save_inpainting(tmp_path)
    assert isinstance(open_outpaint(folder=folder), Outpainter)
    outpaint = Outpainter(load_pipeline("AutoPipelineForInpainting", folder, "cpu"), 3, steps=2, side=64)
    portrait = portrait_of(96, 128)
    blurred = make_canvas(portrait, (224, 128), "blur")
    drawn = make_canvas(portrait, (224, 128), "inpaint", outpaint=outpaint)
    again = make_canvas(portrait, (224, 128), "inpaint", outpaint=outpaint)
    assert np.array_equal(drawn.portrait.image, again.portrait.image)
    same = (drawn.portrait.image == blurred.portrait.image).all(axis=2)
    left = round(float(drawn.transform[0, 2]))
    assert same[:, left + 1 : left + 95].all(), "the picture itself was changed"
    assert not same[:, : left - 8].all()


def test_nothing_missing_draws_nothing() -> None:
    image = textured(40, 30)
    assert Outpainter(None)(image, np.zeros((30, 40), np.float32)) is image


@given(width=st.integers(64, 4000), height=st.integers(64, 4000))
def test_the_drawing_has_the_canvass_shape(width: int, height: int) -> None:
    drawn = drawing_size((width, height))
    assert all(length % 8 == 0 and 8 <= length <= 1024 for length in drawn)
    if max(width, height) < 2 * min(width, height):
        assert min(drawn) >= 504
        assert drawn[0] / drawn[1] == pytest.approx(width / height, rel=0.03)


def test_the_drawing_meets_the_picture_without_a_step() -> None:
    image = np.full((200, 300, 3), 120, np.uint8)
    missing = np.zeros((200, 300), np.float32)
    missing[:, 200:] = 1
    drawn = np.full((200, 300, 3), 60, np.uint8)
    laid = laid_beyond(image, drawn, missing)
    assert (laid[:, :200] == 120).all()
    assert np.abs(np.diff(laid[100, :, 0].astype(int))).max() <= 4
    assert laid[100, -1, 0] < 90


def test_without_weights_it_says_so_and_gives_none() -> None:
    notes: list[str] = []
    assert open_outpaint(note=notes.append) is None
    assert len(notes) == 1
    assert "blurred reflection" in notes[0]
    assert "download" in notes[0]


def test_a_named_folder_without_a_pipeline_is_refused(tmp_path: Path) -> None:
    with pytest.raises(WeightsError, match=r"no model_index\.json"):
        open_outpaint(folder=tmp_path)
    (tmp_path / "model_index.json").write_text("{}")
    pytest.importorskip("diffusers")
    with pytest.raises((WeightsError, InputError), match=str(tmp_path)):
        open_outpaint(folder=tmp_path)


def test_sd_x4_without_weights_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    with pytest.raises(WeightsError, match="sd-x4"):
        DiffusionUpscaler().enlarge(textured(8, 8))
