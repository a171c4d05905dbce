"""Any video as a stream of frames, with its size and exact rate."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

import numpy as np

from lipsync_colab.audio.ffmpeg import each_frame_once, ffmpeg_executable, untrusted_input
from lipsync_colab.errors import InputError, RenderError
from lipsync_colab.types import Image

_NTSC = (24000, 30000, 48000, 60000, 120000)


LARGEST_SIDE = 8192
"""Pixels: a header of a few bytes must not make every frame take gigabytes."""


@dataclass(frozen=True)
class Video:
    """A video file that was looked at.

    Attributes:
        path: of the file.
        size: ``(width, height)`` of a decoded frame in pixels.
        fps: frames per second, exact.
        seconds: the container's length; 0 when it says none.
        sound: whether it has a sound track.
    """

    path: Path
    size: tuple[int, int]
    fps: Fraction
    seconds: float
    sound: bool

    def frames(self) -> Iterator[Image]:
        """Yield every frame, uint8 (H, W, 3) RGB; closing the iterator ends ffmpeg.

        Raises:
            RenderError: ffmpeg failed on the way.
        """
        command = [
            *(ffmpeg_executable(), "-nostdin", "-loglevel", "error", *untrusted_input(self.path), "-map", "0:v:0"),
            *(*each_frame_once(), "-f", "rawvideo", "-pix_fmt", "rgb24", "pipe:1"),
        ]
        width, height = self.size
        process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        assert process.stdout is not None and process.stderr is not None
        try:
            while len(raw := process.stdout.read(width * height * 3)) == width * height * 3:
                yield np.frombuffer(raw, np.uint8).reshape(height, width, 3)
            if process.wait() != 0:
                said = process.stderr.read().decode(errors="replace").strip().splitlines()
                raise RenderError(f"ffmpeg could not decode '{self.path.name}': {said[-1] if said else 'no reason'}")
        finally:
            process.kill()
            process.wait()
            process.stdout.close()
            process.stderr.close()


def open_video(path: Path) -> Video:
    """Look at a video file.

    Raises:
        InputError: it is missing or holds no picture.
    """
    if not path.is_file():
        raise InputError(f"'{path}' is no file; give the path of a video")
    command = [ffmpeg_executable(), "-nostdin", "-hide_banner", *untrusted_input(path)]
    told = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, check=False).stderr.decode(
        errors="replace"
    )
    picture = re.search(r"Stream #0:\d+.*?: Video: .*?(\d{2,5})x(\d{2,5}).*?([\d.]+) fps", told)
    if picture is None:
        raise InputError(f"'{path.name}' holds no video; give an mp4, mov, mkv or webm file")
    size = int(picture[1]), int(picture[2])
    if max(size) > LARGEST_SIDE:
        raise InputError(
            f"'{path.name}' says it has {size[0]}×{size[1]} pixels; at most {LARGEST_SIDE} a side are read"
        )
    return Video(
        path=path,
        size=size,
        fps=exact_rate(float(picture[3])),
        seconds=_seconds(told),
        sound=": Audio: " in told,
    )


def exact_rate(shown: float) -> Fraction:
    """Return the rate that a printed one (two decimals) stands for: 29.97 is 30000/1001."""
    for top in _NTSC:
        if abs(top / 1001 - shown) < 0.006:
            return Fraction(top, 1001)
    return Fraction(shown).limit_denominator(1000)


def _seconds(told: str) -> float:
    found = re.search(r"Duration: (\d+):(\d+):([\d.]+)", told)
    return int(found[1]) * 3600 + int(found[2]) * 60 + float(found[3]) if found else 0.0
