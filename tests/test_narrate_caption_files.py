"""SubRip and WebVTT files."""

from __future__ import annotations

from pathlib import Path

import pytest

from lipsync_colab.errors import InputError
from lipsync_colab.narrate.caption_files import parse_srt, srt, vtt, write_captions
from lipsync_colab.types import Caption

CAPTIONS = (Caption(0.31, 1.9996, "Bob & <b>Ann</b>"), Caption(3661.5, 3662.25, "Two\nlines --> here"))


def test_times_and_text_in_both_forms() -> None:
    assert srt(CAPTIONS).startswith("1\n00:00:00,310 --> 00:00:02,000\nBob & <b>Ann</b>\n\n2\n01:01:01,500 --> ")
    text = vtt(CAPTIONS)
    assert text.startswith("WEBVTT\n\n00:00:00.310 --> 00:00:02.000\nBob &amp; &lt;b&gt;Ann")
    assert text.count("-->") == 2  # an arrow in a text would be a time


def test_what_is_written_is_read_again(tmp_path: Path) -> None:
    first, second = write_captions(tmp_path / "a.mp4", CAPTIONS)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a.srt", "a.vtt"] and second.suffix == ".vtt"
    read = parse_srt(first.read_text(encoding="utf-8"))
    assert [one.text for one in read] == ["Bob & <b>Ann</b>", "Two\nlines → here"]
    assert all(abs(a.start - b.start) < 0.001 for a, b in zip(read, CAPTIONS, strict=True))


def test_a_missing_folder_is_one_line(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="cannot be written"):
        write_captions(tmp_path / "none" / "a.mp4", CAPTIONS)
