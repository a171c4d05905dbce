"""Every loader against mutated files and arbitrary values: read or refused in one line, never a crash or a hang.

Pictures have their own such test in ``test_portrait_picture.py``, lists of jobs in ``test_batch_jobs.py``.
"""

from __future__ import annotations

import contextlib
import functools
import json
import os
import signal
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path
from types import FrameType
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from material import hopper, tone

from lipsync_colab.audio.ffmpeg import ffmpeg_executable
from lipsync_colab.audio.load import load_speech
from lipsync_colab.errors import InputError, LipSyncError
from lipsync_colab.narrate.script import parse_script
from lipsync_colab.narrate.storyboard import parse_storyboard, read_storyboard
from lipsync_colab.plan import check_settings
from lipsync_colab.portrait.picture import read_picture
from lipsync_colab.types import RenderSettings

HANG = 60
"""Seconds after which an example has hung; the slowest takes well under one on a quiet machine."""
SOUNDS = ("wav", "flac", "ogg", "mp3", "m4a", "mkv")


@contextlib.contextmanager
def no_hang() -> Iterator[None]:
    def ring(signum: int, frame: FrameType | None) -> None:
        raise TimeoutError(f"nothing came back in {HANG} s")

    before = signal.signal(signal.SIGALRM, ring)
    signal.alarm(HANG)
    try:
        yield
    finally:
        signal.alarm(0)
        signal.signal(signal.SIGALRM, before)


@functools.cache
def sound(ending: str) -> bytes:
    """A third of a second of sound in a container."""
    with tempfile.TemporaryDirectory() as folder:
        source, target = tone(Path(folder) / "tone.wav", 0.3), Path(folder) / f"sound.{ending}"
        words = [ffmpeg_executable(), "-nostdin", "-y", "-loglevel", "error", "-i", str(source), str(target)]
        subprocess.run(words, check=True)
        return (target if ending != "wav" else source).read_bytes()


CHANGES = st.lists(st.tuples(st.integers(0, 4000), st.binary(min_size=1, max_size=8)), max_size=12)


def mutated(content: bytes, changes: list[tuple[int, bytes]], cut: int | None) -> bytes:
    """Most changes fall into the first 600 bytes, where headers lie."""
    data = bytearray(content)
    for place, value in changes:
        at = place % min(len(data), 600 if place % 3 else len(data))
        data[at : at + len(value)] = value
    return bytes(data[:cut])


def check_sound(content: bytes) -> None:
    with tempfile.TemporaryDirectory() as folder, no_hang():
        path = Path(folder) / "voice"
        path.write_bytes(content)
        try:
            speech = load_speech(path)
        except InputError as error:
            assert "\n" not in str(error)
        else:
            assert speech.samples.dtype == np.float32 and len(speech.samples) and np.isfinite(speech.samples).all()
            assert float(np.abs(speech.samples).max()) <= 1


@settings(max_examples=40)
@given(st.sampled_from(SOUNDS), CHANGES, st.none() | st.integers(0, 3000))
def test_mutated_sound_is_read_or_refused(ending: str, changes: list[tuple[int, bytes]], cut: int | None) -> None:
    check_sound(mutated(sound(ending), changes, cut))


@pytest.mark.slow
@settings(max_examples=1500)
@given(st.sampled_from(SOUNDS), CHANGES, st.none() | st.integers(0, 3000))
def test_much_mutated_sound_is_read_or_refused(ending: str, changes: list[tuple[int, bytes]], cut: int | None) -> None:
    check_sound(mutated(sound(ending), changes, cut))


@pytest.mark.slow
@settings(max_examples=1500)
@given(CHANGES, st.none() | st.integers(0, 60_000))
def test_much_mutated_photographs_are_read_or_refused(changes: list[tuple[int, bytes]], cut: int | None) -> None:
    with tempfile.TemporaryDirectory() as folder, no_hang():
        path = Path(folder) / "portrait.jpg"
        path.write_bytes(mutated(hopper().read_bytes(), changes, cut))
        try:
            assert read_picture(path).dtype == np.uint8
        except InputError as error:
            assert "\n" not in str(error)


VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(max_size=20)
    | st.sampled_from(["hibari", "blur", "#123456", "en", "smile", "p.jpg", "../p.jpg", "a\x00b", "\ud800", "1e9999"]),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=12,
)
SCENE_KEYS = (
    *("text", "language", "expression", "rate", "pause", "head_motion", "emphasis", "background"),
    *("portrait", "recording", "script", "voice", "face", "fade"),
)
SCENES = st.lists(st.dictionaries(st.sampled_from(SCENE_KEYS), VALUES, max_size=6), max_size=3)
DOCUMENTS = st.fixed_dictionaries({"scenes": SCENES | VALUES}, optional={"version": VALUES, "title": VALUES})


@settings(max_examples=120)
@given(DOCUMENTS | VALUES)
def test_any_script_is_read_or_refused(document: Any) -> None:
    with no_hang(), contextlib.suppress(InputError):
        parse_script(json.dumps(document))


@settings(max_examples=120)
@given(DOCUMENTS)
def test_any_storyboard_is_read_or_refused(document: dict[str, Any]) -> None:
    with tempfile.TemporaryDirectory() as folder, no_hang(), contextlib.suppress(InputError):
        (Path(folder) / "p.jpg").write_bytes(b"x")
        parse_storyboard(document, Path(folder))


@settings(max_examples=150)
@given(st.binary(max_size=120) | st.text(max_size=120).map(lambda text: text.encode("utf-8", "surrogatepass")))
def test_any_bytes_are_no_storyboard(raw: bytes) -> None:
    with tempfile.TemporaryDirectory() as folder, no_hang(), pytest.raises(InputError):
        path = Path(folder) / "board.json"
        path.write_bytes(raw)
        read_storyboard(path)


FIELDS = {
    "engine": st.text(max_size=8),
    "fps": st.text("0123456789./e-+_ ", max_size=14) | st.sampled_from(["1e999999999", "9/0", "nan", "inf", "٣٠"]),
    "size": st.text(max_size=12),
    "bitrate": st.text("0123456789.kM", max_size=12),
    "crf": st.integers(),
    "strength": st.floats(),
    "head_motion": st.floats(),
    "face": st.integers(),
    "background": st.text(max_size=12),
    "aspect": st.text(max_size=8),
}


@settings(max_examples=400)
@given(st.fixed_dictionaries({}, optional=FIELDS))
def test_any_settings_are_taken_or_refused(values: dict[str, Any]) -> None:
    from lipsync_colab.finish.background import parse_background
    from lipsync_colab.finish.framing import output_size

    asked = RenderSettings(**values)
    with no_hang(), contextlib.suppress(InputError):
        check_settings(asked)
        parse_background(asked.background)
        width, height = output_size((512, 600), asked.size, asked.aspect)
        assert 0 < width <= 1 << 16 and 0 < height <= 1 << 16


def test_the_worst_of_json_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "board.json"
    for text in (
        "[" * 200_000,
        '{"scenes":' * 50_000,
        '{"scenes": ' + "9" * 10_000 + "}",
        '{"scenes": 1e400}',
        "\ufeff",
    ):
        path.write_text(text, encoding="utf-8")
        with no_hang(), pytest.raises(InputError):
            read_storyboard(path)


def test_endless_devices_are_no_files() -> None:
    for reader in (load_speech, read_picture, read_storyboard):
        for device in ("/dev/zero", "/dev/stdin"):
            if os.path.exists(device):  # noqa: PTH110
                with no_hang(), pytest.raises(LipSyncError):
                    reader(Path(device))
