"""The Studio's logic without a browser: uploads in both shapes, one whole run, Stop, and refusals in a sentence."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from material import hopper

pytest.importorskip("ipywidgets")

from lipsync_colab.panel import Studio
from lipsync_colab.panel.host import LocalHost
from lipsync_colab.panel.pictures import preview_arguments
from lipsync_colab.panel.uploads import safe_name, uploads

import ipywidgets  # isort: skip


@pytest.fixture()
def studio(tmp_path: Path) -> Iterator[Studio]:
    made = Studio(LocalHost(tmp_path / "videos"))
    made.controls.size.options = [*made.controls.size.options, ("small", "256x300")]
    made.controls.size.value = "256x300"
    yield made
    made.worker.stop()
    made.worker.wait()


def upload(button: Any, name: str, content: bytes) -> None:
    """What the browser does when a person chooses a file, in ipywidgets 7 and 8."""
    if ipywidgets.__version__.startswith("7"):
        button.metadata = [{"name": name, "type": "", "size": len(content), "lastModified": 0}]
        button.data = [content]
        button._counter = 1
    else:
        entry = {"name": name, "type": "", "size": len(content), "content": memoryview(content)}
        button.value = ({**entry, "last_modified": datetime.now(tz=UTC)},)


def ready(studio: Studio, text: str = "Hello. I can talk.") -> None:
    upload(studio.portrait.button, "a portrait.jpg", hopper().read_bytes())
    studio.voice.text.value = text
    studio.consent.value = True


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
    upload(studio.portrait.button, "notes.png", b"these are notes")
    assert "b3261e" in studio.status.value and studio.thumbnail.layout.display == "none"
    upload(studio.portrait.button, "me.jpg", hopper().read_bytes())
    assert bytes(studio.thumbnail.value).startswith(b"\x89PNG")
    assert "512×600" in studio.status.value


def test_generate_makes_a_video_and_the_line_that_repeats_it(studio: Studio, tmp_path: Path) -> None:
    ready(studio)
    studio.generate_button.click()
    assert studio.worker.wait(120)
    assert "Done" in studio.status.value, studio.status.value
    assert (tmp_path / "videos" / "a portrait-talking.mp4").stat().st_size > 1000
    assert bytes(studio.player.value)[4:8] == b"ftyp"
    assert "lipsync-colab render" in studio.outcome.value and "256x300" in studio.outcome.value
    assert not studio.generate_button.disabled and studio.stop_button.disabled


def test_preview_shows_one_frame_and_the_plan(studio: Studio) -> None:
    ready(studio)
    studio.preview_button.click()
    assert studio.worker.wait(60)
    assert bytes(studio.picture.value).startswith(b"\x89PNG")
    assert "256×300" in studio.status.value


def test_stop_ends_the_work_and_says_what_is_kept(studio: Studio) -> None:
    ready(studio, "This is a long sentence that nobody wants to hear to its end. " * 8)
    studio.generate_button.click()
    while studio.bar.value == 0 and studio.worker.busy:
        studio.worker.wait(0.01)
    studio.stop_button.click()
    assert studio.worker.wait(30)
    assert "Stopped" in studio.status.value


@pytest.mark.parametrize("missing", ["consent", "portrait", "text", "recording"])
def test_what_is_missing_is_named(studio: Studio, missing: str) -> None:
    if missing != "portrait":
        upload(studio.portrait.button, "me.jpg", hopper().read_bytes())
    studio.voice.text.value = "" if missing == "text" else "Hello."
    studio.consent.value = missing != "consent"
    if missing == "recording":
        studio.voice.widget.selected_index = 1
    studio.generate_button.click()
    assert studio.worker.wait(30)
    word = {"consent": "tick", "portrait": "no portrait", "text": "nothing to say", "recording": "no recording"}
    assert word[missing] in studio.status.value


def test_terms_are_shown_and_accepted_by_a_tick(studio: Studio, tmp_path: Path, monkeypatch: Any) -> None:
    monkeypatch.setenv("LIPSYNC_COLAB_CACHE", str(tmp_path / "cache"))
    assert studio.licence.widget.layout.display == "none"
    studio.controls.engine.value = "wav2lip"
    assert studio.licence.widget.layout.display == "" and "Research" in studio.licence.terms.value
    studio.licence.accept.value = True
    assert studio.licence.widget.layout.display == "none"
    studio.controls.engine.value = "auto"
    studio.controls.engine.value = "wav2lip"
    assert studio.licence.widget.layout.display == "none"


def test_every_control_has_a_description(studio: Studio) -> None:
    for widget in vars(studio.controls).values():
        assert widget.description.strip()


def test_the_preview_is_small_and_starts_fast() -> None:
    words = preview_arguments("ffmpeg", Path("a b.mp4"), "out.mp4", 800)
    assert "+faststart" in words and "yuv420p" in words and "file:a b.mp4" in words
