"""The invisible watermark: drawn into the still, read back from encoded video, absent where it was not drawn."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
from material import astronaut_pixels, hopper, tone
from PIL import Image as Picture

from lipsync_colab.encode import Encoding, SegmentWriter
from lipsync_colab.marks import watermark
from lipsync_colab.pipeline.render import render_video
from lipsync_colab.pipeline.verification import verify
from lipsync_colab.report.watermark_row import watermark_of
from lipsync_colab.types import Image, RenderSettings


@pytest.fixture(scope="module")
def pictures() -> list[Image]:
    grace = Picture.open(hopper()).convert("RGB").resize((640, 750), Picture.Resampling.LANCZOS)
    return [np.asarray(grace), astronaut_pixels()]


def encoded(image: Image, crf: int, path: Path) -> Path:
    with SegmentWriter(path, (image.shape[1], image.shape[0]), Fraction(25), Encoding(crf=crf)) as writer:
        for _ in range(5):
            writer.write(image)
    return path


def test_the_mark_is_slight_and_read_back(pictures: list[Image]) -> None:
    for image in pictures:
        with_mark = watermark.marked(image)
        assert with_mark.shape == image.shape and with_mark.dtype == np.uint8
        assert np.abs(with_mark.astype(int) - image).max() <= 4
        assert watermark.read([with_mark]).agree >= 31
        assert not watermark.read([image]).present


def test_the_word_is_balanced() -> None:
    assert watermark.word().shape == (32,) and watermark.word().sum() == 16


@pytest.mark.slow
@pytest.mark.parametrize("crf", [18, 23, 28])
def test_it_outlives_the_encoder(pictures: list[Image], tmp_path: Path, crf: int) -> None:
    for index, image in enumerate(pictures):
        found = watermark_of(encoded(watermark.marked(image), crf, tmp_path / f"{index}.mp4"), fetch=True)
        assert found is not None and found.present


def test_a_rendered_video_carries_it_and_verify_reads_it(tmp_path: Path) -> None:
    voice = tone(tmp_path / "v.wav", 0.4)
    render_video(hopper(), voice, tmp_path / "o.mp4", RenderSettings(size="384x450", upscale="none", watermark=True))
    check = next(check for check in verify(tmp_path / "o.mp4") if check.what == "watermark")
    assert check.holds is True
