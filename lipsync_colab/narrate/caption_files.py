"""Captions as SubRip (.srt) and WebVTT (.vtt) files."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from lipsync_colab.errors import InputError
from lipsync_colab.types import Caption


def write_captions(video: Path, captions: Sequence[Caption]) -> tuple[Path, Path]:
    """Write both files beside a video, under its name; each appears only when it is whole.

    Raises:
        InputError: the folder cannot be written to.
    """
    return (
        _published(video.with_suffix(".srt"), srt(captions)),
        _published(video.with_suffix(".vtt"), vtt(captions)),
    )


def srt(captions: Sequence[Caption]) -> str:
    """Return captions in SubRip's form, times rounded to milliseconds."""
    blocks = [
        f"{place}\n{_clock(one.start, ',')} --> {_clock(one.end, ',')}\n{_safe(one.text)}\n"
        for place, one in enumerate(captions, 1)
    ]
    return "\n".join(blocks)


def vtt(captions: Sequence[Caption]) -> str:
    """Return captions in WebVTT's form."""
    blocks = [f"{_clock(one.start, '.')} --> {_clock(one.end, '.')}\n{_escaped(_safe(one.text))}\n" for one in captions]
    return "\n".join(["WEBVTT\n", *blocks])


def parse_srt(text: str) -> tuple[Caption, ...]:
    """Return the captions of a SubRip text as :func:`srt` writes it."""
    found = []
    for block in text.replace("\r\n", "\n").strip().split("\n\n"):
        _, times, *lines = block.split("\n")
        start, end = (_seconds(clock) for clock in times.split(" --> "))
        found.append(Caption(start, end, "\n".join(lines)))
    return tuple(found)


def _published(path: Path, text: str) -> Path:
    part = path.with_name(path.name + ".part")
    try:
        part.write_text(text, encoding="utf-8")
        part.replace(path)
    except OSError as error:
        raise InputError(f"{path.name} cannot be written ({error.strerror}): choose another output") from error
    finally:
        part.unlink(missing_ok=True)
    return path


def _clock(seconds: float, point: str) -> str:
    total = round(seconds * 1000)
    return f"{total // 3_600_000:02}:{total // 60_000 % 60:02}:{total // 1000 % 60:02}{point}{total % 1000:03}"


def _seconds(clock: str) -> float:
    hours, minutes, seconds = clock.strip().replace(",", ".").split(":")
    return int(hours) * 3600 + int(minutes) * 60 + float(seconds)


def _safe(text: str) -> str:
    """An arrow or a blank line would end a block."""
    return "\n".join(line for line in text.replace("-->", "→").splitlines() if line.strip())


def _escaped(text: str) -> str:
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
