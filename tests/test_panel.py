"""The Studio's logic without a browser: uploads in both shapes, one whole run, Stop, resume, refusals in a sentence."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from material import hopper
from PIL import Image

pytest.importorskip("ipywidgets")

from lipsync_colab.audio.wav import write_wav
from lipsync_colab.panel import Studio, session
from lipsync_colab.panel.host import LocalHost
from lipsync_colab.panel.pictures import preview_arguments
from lipsync_colab.panel.uploads import safe_name, uploads

import ipywidgets  # isort: skip

LONG = "This is a long sentence that nobody wants to hear to its end. " * 12


def opened(folder: Path) -> Studio:
    """A Studio on a folder, with a small size."""
    made = Studio(LocalHost(folder))
    if made.order.settings.size == "1080p":
        made.settings._apply('{"size": "256x300", "upscale": "none"}')
    return made


@pytest.fixture()
def studio(tmp_path: Path) -> Iterator[Studio]:
    made = opened(tmp_path / "videos")
    yield made
    made.session.stop()
    made.worker.wait(10)


def upload(button: Any, name: str, content: bytes) -> None:
    """What the browser does when a person chooses a file, in ipywidgets 7 and 8."""
    if ipywidgets.__version__.startswith("7"):
        button.metadata = [{"name": name, "type": "", "size": len(content), "lastModified": 0}]
        button.data = [content]
        button._counter += 1
    else:
        entry = {"name": name, "type": "", "size": len(content), "content": memoryview(content)}
        button.value = ({**entry, "last_modified": datetime.now(tz=UTC)},)


def ready(studio: Studio, text: str = "Hello. I can talk.") -> None:
    upload(studio.portrait.file.button, "a portrait.jpg", hopper().read_bytes())
    studio.voice.text.value = text
    studio.consent.value = True


def generate(studio: Studio, seconds: float = 120) -> None:
    studio.generate_button.click()
    assert studio.worker.wait(seconds)


def test_uploads_read_both_shapes() -> None:
    seven = {"a.png": {"metadata": {"name": "a.png"}, "content": b"x"}}
    eight = ({"name": "a.png", "content": memoryview(b"x")},)
    assert uploads(seven) == uploads(eight)
    assert uploads({}) == uploads(()) == []


@pytest.mark.parametrize("name", ["../../etc/passwd", "..\\x.png", "a/b.png", "", "...", "x" * 300, "a\0b.png"])
def test_uploaded_names_stay_in_their_folder(name: str, tmp_path: Path) -> None:
    safe = safe_name(name)
    assert safe and len(safe) <= 100
    assert (tmp_path / safe).resolve().parent == tmp_path.resolve()


def test_a_portrait_shows_its_face_and_bad_ones_a_sentence(studio: Studio) -> None:
    upload(studio.portrait.file.button, "notes.png", b"these are notes")
    assert "lsc-bad" in studio.portrait.file.receipt.value and "<img" not in studio.portrait.thumbnail.value
    upload(studio.portrait.file.button, "me.jpg", hopper().read_bytes())
    assert "data:image/png" in studio.portrait.thumbnail.value and "512×600" in studio.portrait.file.receipt.value
    assert studio.portrait.face.layout.display == "none"
    assert "data-received='2'" in studio.portrait.file.receipt.value


def test_one_of_several_faces_is_chosen(studio: Studio, tmp_path: Path) -> None:
    one = np.array(Image.open(hopper()).convert("RGB"))
    small = np.array(Image.fromarray(one).resize((410, 480)))
    pair = np.full((600, 1000, 3), 200, np.uint8)
    pair[:, :512], pair[100:580, 560:970] = one, small
    Image.fromarray(pair).save(tmp_path / "pair.png")
    studio.portrait.file.typed.value = str(tmp_path / "pair.png")
    assert studio.portrait.face.layout.display is None
    assert [value for _, value in studio.portrait.face.options] == [1, 2]
    first = studio.portrait.thumbnail.value
    studio.portrait.face.value = 2
    assert studio.order.settings.face == 2 and studio.portrait.thumbnail.value != first
    assert studio.portrait.portrait is not None and studio.portrait.portrait.face.box[0] > 500


def test_generate_makes_a_video_and_what_repeats_it(studio: Studio, tmp_path: Path) -> None:
    ready(studio)
    generate(studio)
    assert "Done" in studio.status.value, studio.status.value
    assert (tmp_path / "videos" / "a portrait-talking.mp4").stat().st_size > 1000
    assert bytes(studio.result.player.value)[4:8] == b"ftyp"
    assert "lipsync-colab render" in studio.settings.line.value and "256x300" in studio.settings.line.value
    assert not studio.generate_button.disabled and studio.stop_button.disabled
    assert "frames: " in studio.session.log
    assert "a portrait-talking-2.mp4" in studio.settings.line.value, "a finished video is not overwritten"


def test_preview_shows_one_frame(studio: Studio) -> None:
    ready(studio)
    studio.preview_button.click()
    assert studio.worker.wait(60)
    assert "data:image/png" in studio.result.still.value and "256×300" in studio.status.value


def test_the_voice_can_be_heard_before(studio: Studio) -> None:
    studio.voice.text.value = "Hello."
    studio.voice.listen.click()
    assert studio.worker.wait(60)
    assert len(studio.voice.player.value) > 1000 and studio.voice.player.layout.display is None
    studio.voice.text.value = "Goodbye."
    assert studio.voice.player.layout.display == "none", "the sound is that of the text, or none"


def test_a_recording_has_a_player_and_its_length(studio: Studio, tmp_path: Path) -> None:
    sound = write_wav(tmp_path / "tone.wav", np.sin(np.arange(32000) / 20).astype(np.float32) / 3, 16000)
    studio.voice.mode.value = "recording"
    studio.voice.file.typed.value = str(sound)
    assert "2.0 s" in studio.voice.file.receipt.value and len(studio.voice.player.value) > 1000
    assert studio.order.recording == str(sound)
    studio.voice.file.typed.value = str(tmp_path / "none.wav")
    assert "lsc-bad" in studio.voice.file.receipt.value


def test_stop_ends_the_work_and_says_what_is_kept(studio: Studio) -> None:
    ready(studio, LONG)
    studio.generate_button.click()
    while studio.bar.value == 0 and studio.worker.busy:
        studio.worker.wait(0.01)
    studio.stop_button.click()
    assert studio.worker.wait(30)
    assert "Stopped" in studio.status.value and not studio.generate_button.disabled
    assert studio.session.stop_seconds is not None


@pytest.mark.parametrize("missing", ["consent", "portrait", "text", "recording"])
def test_what_is_missing_is_named(studio: Studio, missing: str) -> None:
    if missing != "portrait":
        upload(studio.portrait.file.button, "me.jpg", hopper().read_bytes())
    studio.voice.text.value = "" if missing == "text" else "Hello."
    studio.consent.value = missing != "consent"
    if missing == "recording":
        studio.voice.mode.value = "recording"
    generate(studio, 30)
    word = {"consent": "tick", "portrait": "no portrait", "text": "nothing to say", "recording": "no recording"}
    assert word[missing] in studio.status.value


def test_terms_are_shown_and_accepted_by_a_tick(studio: Studio, tmp_path: Path, monkeypatch: Any) -> None:
    pytest.importorskip("torch")
    monkeypatch.setenv("LIPSYNC_COLAB_CACHE", str(tmp_path / "cache"))
    engine, licence = studio.controls.lists["engine"], studio.licence
    assert licence.widget.layout.display == "none"
    engine.value = "wav2lip"
    assert licence.widget.layout.display is None and "Research" in licence.terms.value
    assert "436 MB to fetch" in studio.engine_facts.value
    licence.accept.value = True
    assert licence.widget.layout.display == "none"
    engine.value = "auto"
    engine.value = "wav2lip"
    assert licence.widget.layout.display == "none"


def test_settings_go_out_and_come_back(studio: Studio) -> None:
    studio.controls.amounts["blink"].value = 0.4
    studio.controls.rate_by.value = "bitrate"
    studio.controls.bitrate.value = "2500k"
    kept = studio.settings.text.value
    assert json.loads(kept)["bitrate"] == "2500k"
    studio.controls.amounts["blink"].value = 1.7
    upload(studio.settings.load, "mine.json", kept.encode())
    assert studio.controls.amounts["blink"].value == 0.4 and "loaded" in studio.settings.said.value
    assert "--blink 0.4" in studio.settings.line.value
    studio.settings._apply('{"blinks": 1}')
    assert "no setting is called" in studio.settings.said.value
    studio.settings._apply("not json")
    assert "no JSON" in studio.settings.said.value


def test_a_second_panel_finds_the_running_job_and_the_choices(studio: Studio, tmp_path: Path) -> None:
    ready(studio, LONG)
    studio.generate_button.click()
    while studio.bar.value == 0 and studio.worker.busy:
        studio.worker.wait(0.01)
    again = opened(tmp_path / "videos")
    assert again.worker is studio.worker and again.generate_button.disabled and not again.stop_button.disabled
    assert again.order.to_json() == studio.order.to_json() and again.consent.value
    again.stop_button.click()
    assert again.worker.wait(30)
    assert "Stopped" in again.status.value and not again.generate_button.disabled


KILLED = """
import sys
from pathlib import Path
from lipsync_colab import plan
plan.SEGMENT_SECONDS = 1
from test_panel import LONG, opened, ready
studio = opened(Path(sys.argv[1]))
ready(studio, LONG[:190])
studio.generate_button.click()
studio.worker.wait()
print(studio.status.value)
"""


def test_a_lost_runtime_goes_on_from_its_segments(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = tmp_path / "videos"
    words = [sys.executable, "-c", KILLED, str(folder)]
    places = {"PYTHONPATH": os.pathsep.join([str(Path(__file__).parent), *sys.path])}
    lost = subprocess.Popen(words, env={**os.environ, **places}, stdout=subprocess.PIPE, text=True)
    while len(list(folder.glob("work/*/0*.json"))) < 3:
        assert lost.poll() is None, lost.communicate()[0]
        time.sleep(0.02)
    os.kill(lost.pid, signal.SIGKILL)
    lost.communicate()
    monkeypatch.setattr("lipsync_colab.plan.SEGMENT_SECONDS", 1)
    session._OPEN.clear()
    studio = opened(folder)
    assert "An unfinished video" in studio.waiting.value and "are already there" in studio.waiting.value
    studio.controls.amounts["blink"].value = 0.5
    assert not studio.waiting.value, "other settings make another video"
    studio.controls.amounts["blink"].value = 1.0
    assert "An unfinished video" in studio.waiting.value
    generate(studio)
    outcome = studio.session.outcome
    assert outcome is not None and outcome.result is not None, studio.status.value
    assert outcome.result.report["reused_frames"] >= 75
    assert "were there already" in studio.status.value and not studio.waiting.value
    assert not list(folder.glob("work/*"))


def controls_in(widget: Any) -> Iterator[Any]:
    """Every widget that a person can change or press, however deep."""
    for child in getattr(widget, "children", ()):
        yield from controls_in(child)
    if hasattr(widget, "description") and not isinstance(widget, ipywidgets.HTML):
        yield widget


def test_every_control_has_a_description(studio: Studio) -> None:
    found = list(controls_in(studio.widget))
    assert len(found) > 30
    for widget in found:
        bar = isinstance(widget, ipywidgets.FloatProgress)
        assert bar or widget.description.strip(), widget


def test_the_preview_is_small_and_starts_fast() -> None:
    words = preview_arguments("ffmpeg", Path("a b.mp4"), "out.mp4", 800)
    assert "+faststart" in words and "yuv420p" in words and f"file:{Path.cwd() / 'a b.mp4'}" in words
