"""The page of the report: one file, every figure in it, pictures that open; and the plots of awkward clips."""

from __future__ import annotations

import base64
import dataclasses
import html
import io
import re
from pathlib import Path

import numpy as np
import pytest
from material import hopper
from PIL import Image as Picture

from lipsync_colab.cli.main import main
from lipsync_colab.narrate.voice import speak
from lipsync_colab.pipeline.render import render_video
from lipsync_colab.report.face_motion import FaceMotion
from lipsync_colab.report.lag import lag
from lipsync_colab.report.measure import Report, measure
from lipsync_colab.report.page import page
from lipsync_colab.report.plots import COLUMNS, busiest_seconds, lag_curve, timeline, voice_and_lips
from lipsync_colab.report.stills import chosen_frames
from lipsync_colab.types import RenderSettings


@pytest.fixture(scope="module")
def clip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("page")
    voice = speak("Pay Bob. My map.", path=folder / "voice.wav")
    path = folder / "a <b> & 'c'.mp4"
    render_video(hopper(), voice, path, RenderSettings(size="300x300", upscale="none", still=True))
    return path


@pytest.fixture(scope="module")
def report(clip: Path) -> Report:
    return measure(clip)


def pictures(text: str) -> list[Picture.Image]:
    found = re.findall(r'src="data:image/(?:png|jpeg);base64,([^"]+)"', text)
    return [Picture.open(io.BytesIO(base64.b64decode(data))) for data in found]


def test_the_page_is_one_file_with_every_figure(report: Report) -> None:
    text = page(report)
    assert "a &lt;b&gt; &amp; &#x27;c&#x27;.mp4" in text and "<b>" not in text
    assert not re.search(r"(?:src|href)=\"(?!data:)|url\(|<script|<link|http", text)
    for reading in report.readings:
        for words in (reading.title, reading.shown, reading.real, reading.silent, reading.sentence):
            assert html.escape(words.replace(" %", "\N{NO-BREAK SPACE}%")) in text
    for name in report.figures:
        assert f"<td>{name}</td>" in text


def test_its_pictures_open(report: Report) -> None:
    found = pictures(page(report))
    assert [picture.size[0] for picture in found[:3]] == [1512] * 3
    assert 4 <= len(found[3:]) <= 7 and all(picture.size == (240, 240) for picture in found[3:])
    for picture in found:
        assert np.asarray(picture.convert("L")).std() > 5


def test_the_command_writes_it_beside_the_video(clip: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["report", str(clip), "--html", str(tmp_path / "page.html"), "--json"]) == 0
    assert (tmp_path / "page.html").read_text(encoding="utf-8").endswith("</html>\n")
    assert [path.name for path in tmp_path.iterdir()] == ["page.html"]
    capsys.readouterr()
    assert main(["report", str(clip), "--html", str(tmp_path / "page.mp4")]) == 2
    assert main(["report", str(clip), "--html", str(tmp_path / "none" / "page.html")]) == 2
    assert "no folder" in capsys.readouterr().err


def awkward(report: Report, frames: int, aperture: np.ndarray) -> Report:
    """The report of another clip: long, without a face for a while, or without any motion."""
    ones = np.ones(frames, np.float32)
    motion = FaceMotion(aperture, ones, ones, ones, np.zeros((frames, 2), np.float32), 50 * ones)
    expected = np.zeros(frames, np.float32)
    return dataclasses.replace(
        report, motion=motion, expected=expected, gate=expected, lag=lag(aperture, expected), phonemes=()
    )


@pytest.mark.parametrize("frames", [1, 3, COLUMNS * 3])
def test_plots_of_awkward_clips(report: Report, frames: int) -> None:
    aperture = np.zeros(frames, np.float32)
    aperture[frames // 2 : frames // 2 + frames // 5] = np.nan
    other = awkward(report, frames, aperture)
    for draw in (voice_and_lips, lag_curve, timeline):
        assert Picture.open(io.BytesIO(draw(other))).size[0] == 1512


def test_the_busiest_stretch_is_where_most_is_said(report: Report) -> None:
    gate = np.zeros(1000, np.float32)
    gate[500:720] = 1
    other = dataclasses.replace(awkward(report, 1000, np.zeros(1000, np.float32)), gate=gate)
    start, end = busiest_seconds(other)
    assert start <= 20.8 + 1e-6 and end >= 28 and end - start == pytest.approx(8)


def test_the_chosen_frames_go_from_shut_to_widest() -> None:
    aperture = np.array([np.nan, 0.1, 0.0, 0.05, 0.2, 0.12, np.nan], np.float32)
    ones = np.ones(7, np.float32)
    chosen = chosen_frames(FaceMotion(aperture, ones, ones, ones, np.zeros((7, 2), np.float32), ones))
    assert chosen[2] == "most shut" and chosen[4] == "widest"
    assert list(chosen) == sorted(chosen) and not {0, 6} & set(chosen)
