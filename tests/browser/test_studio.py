"""The Studio in a real browser, on ipywidgets 8 (Notebook 7) and on Colab's 7.7.1 (classic Notebook 6.5)."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import numpy as np
import pytest
from material import hopper
from notebook_server import wait_until
from PIL import Image as Picture
from playwright.sync_api import expect
from studio_page import StudioPage, play

from lipsync_colab.audio.ffmpeg import ffmpeg_executable

pytestmark = pytest.mark.browser

LINE = "Hello. I can talk."
LONG_LINE = "This is a long sentence that nobody wants to hear to its end. " * 12
SMALL = '{"size": "256x300", "upscale": "none"}'

SHOW_WHOLE = """address => {
  const video = document.createElement("video");
  Object.assign(video, {id: "whole", src: address});
  document.body.append(video);
}"""


def streams(video: Path) -> str:
    """What ffmpeg says about a file's streams."""
    words = [ffmpeg_executable(), "-nostdin", "-hide_banner", "-i", str(video)]
    return subprocess.run(words, capture_output=True, text=True, check=False).stderr


def test_a_portrait_and_a_line_become_a_video_that_plays(studio: StudioPage) -> None:
    studio.picture("1-idle")
    studio.make_ready(hopper(), LINE)
    assert studio.thumbnail().evaluate("one => one.naturalWidth") > 100
    studio.picture("2-ready")
    studio.generate()
    studio.progress(1)
    studio.picture("3-running")
    studio.says("Done: grace_hopper-talking.mp4")
    studio.is_free()
    seen, bars = studio.progress(2), studio.page.evaluate("window.bars")
    assert seen == sorted(seen) and 0 < seen[0] < seen[-1]
    assert bars[0] < bars[-1]

    small = play(studio.page, studio.panel.locator(".lsc-result video"))
    studio.picture("4-finished")
    assert small["moved"] > 0.2 and small["seconds"] > 1 and small["sound"] > 0 and small["picture"] > 0
    assert min(small["width"], small["height"]) <= 540
    (video,) = studio.videos.glob("*.mp4")
    link = studio.panel.locator(".lsc-result a.lsc-link")
    with studio.page.expect_download() as download:
        link.click()
    assert download.value.path().read_bytes() == video.read_bytes()
    studio.page.evaluate(SHOW_WHOLE, link.evaluate("one => one.href"))
    whole = play(studio.page, studio.page.locator("video#whole"))
    assert whole["width"] == 1080 and whole["moved"] > 0.2 and whole["sound"] > 0 and whole["picture"] > 0
    told = streams(video)
    assert re.search(r"Video: h264 .*\b1080x\d{4}\b", told) and "Audio: aac" in told, told


def test_stop_frees_the_panel_within_two_seconds(studio: StudioPage) -> None:
    studio.make_ready(hopper(), LINE)
    studio.apply_settings(SMALL)
    studio.generate()
    studio.says("Done")
    studio.is_free()
    studio.apply_settings('{"size": "1080p"}')
    studio.write(LONG_LINE)
    took: list[float] = []
    while len(took) < 3 and (not took or took[-1] > 2):  # a busy machine may miss it once
        studio.generate()
        studio.progress(2)
        took.append(studio.stop())
        studio.says("Stopped")
        studio.is_free()
    print(f"{studio.server.stack}: free {took} s after Stop")
    assert took[-1] <= 2, took
    studio.fold("Log").click()
    heard = re.findall(r"free ([\d.]+) s after Stop", studio.panel.locator(".lsc-log").inner_text())
    assert len(heard) == len(took)
    studio.picture("5-stopped")


def test_a_second_run_of_the_cell_shows_the_running_job(studio: StudioPage) -> None:
    studio.make_ready(hopper(), LONG_LINE)
    studio.generate()
    before = studio.progress(1)[-1]
    studio.run_cell()
    studio.record()
    after = studio.progress(2)
    assert before <= after[0] < after[-1]
    expect(studio.button("Generate")).to_be_disabled()
    assert studio.panel.locator('textarea[placeholder^="Write what"]').input_value() == LONG_LINE
    expect(studio.receipt()).to_contain_text("face found")
    studio.picture("6-run-again")
    studio.stop()
    studio.says("Stopped")


def test_a_killed_kernel_leaves_an_unfinished_video_that_goes_on(studio: StudioPage) -> None:
    studio.make_ready(hopper(), LONG_LINE)
    studio.apply_settings(SMALL)
    studio.generate()
    wait_until(lambda: list(studio.videos.glob("work/*/[0-9]*.json")), "a finished segment")
    studio.server.kill_kernel()
    studio.open()
    studio.says("An unfinished video")
    studio.picture("7-unfinished")
    studio.generate()
    studio.says("frames were there already")
    studio.is_free()
    assert len(list(studio.videos.glob("*.mp4"))) == 1


def test_a_text_file_as_portrait_is_refused_in_a_sentence(studio: StudioPage, tmp_path: Path) -> None:
    notes = tmp_path / "notes.png"
    notes.write_text("these are notes, not a face\n" * 20)
    studio.upload("Upload a portrait", notes)
    expect(studio.receipt()).to_contain_text("notes.png")
    said = studio.receipt().locator(".lsc-bad").inner_text()
    assert re.search(r"\b(PNG|JPEG)\b", said), said
    assert studio.thumbnail().count() == 0
    studio.button("Generate").click()
    studio.says("tick the box first")
    studio.consent()
    studio.button("Generate").click()
    studio.says("no portrait yet")
    studio.picture("8-error")


def test_fifteen_megabytes_are_told_by_the_button_and_come_by_their_path(studio: StudioPage) -> None:
    picture = np.asarray(Picture.open(hopper()).convert("RGB").resize((2400, 2812)), np.int16)
    noise = np.random.default_rng(0).integers(-40, 40, picture.shape)
    large = studio.folder / "large portrait.png"
    Picture.fromarray(np.clip(picture + noise, 0, 255).astype(np.uint8)).save(large, compress_level=1)
    assert large.stat().st_size > 15_000_000
    studio.upload("Upload a portrait", large)
    late = studio.panel.locator(".lsc-late").first
    late.wait_for()
    assert "type its path" in late.inner_text()
    studio.picture("9-too-large")
    studio.server.wait_for_kernel()  # Jupyter ends the page's line on such a message; the page opens another
    studio.type_portrait_path(large.name)
    expect(studio.receipt()).to_contain_text("2400×2812 pixels, face found")
    late.wait_for(state="hidden")


def test_nothing_is_cut_off_and_every_control_has_words(studio: StudioPage) -> None:
    studio.make_ready(hopper(), LINE)
    for title in ("Advanced", "Settings"):
        studio.fold(title).click()
    studio.panel.locator(".lsc-code textarea").wait_for()
    for voice in ("Recording", "From an idea", "Write it"):
        studio.button(voice).click()
        expect(studio.button("Listen")).to_be_visible(visible=voice != "Recording")
        assert studio.cut_off() == []
        assert studio.unlabelled() == []
    studio.picture("10-all-open")
    studio.panel.locator("select").filter(has_text="Blurred").select_option(label="A picture")
    studio.panel.locator("select").filter(has_text="By quality").select_option(label="By bitrate")
    expect(studio.button("Upload a background")).to_be_visible()
    assert studio.cut_off() == []
    assert studio.unlabelled() == []
