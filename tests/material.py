"""What tests work on: two public-domain portraits out of installed packages, and voices."""

from __future__ import annotations

import functools
import subprocess
import sys
from pathlib import Path

import numpy as np
import soundfile
from PIL import Image as Picture

from lipsync_colab.audio.ffmpeg import ffmpeg_executable
from lipsync_colab.types import Image

SHORT_LINE = "Bob may buy my big map. We move, pause, and open the map again."


def hopper() -> Path:
    """Grace Hopper, mouth closed, glasses (512×600)."""
    from matplotlib.cbook import get_sample_data

    return Path(str(get_sample_data("grace_hopper.jpg", asfileobj=False)))


@functools.cache
def astronaut_pixels() -> Image:
    """Eileen Collins, smiling with teeth (512²)."""
    from skimage import data

    return np.asarray(data.astronaut())


def astronaut(folder: Path) -> Path:
    path = folder / "astronaut.png"
    Picture.fromarray(astronaut_pixels()).save(path)
    return path


def tone(path: Path, seconds: float, rate: int = 16000) -> Path:
    """A vowel-like buzz that swells and fades twice a second."""
    times = np.arange(round(seconds * rate)) / rate
    carrier = sum(np.sin(2 * np.pi * 120 * k * times) / k for k in range(1, 20))
    soundfile.write(path, 0.15 * carrier * np.sin(np.pi * 2 * times) ** 2, rate)
    return path


def frames_of(video: Path) -> np.ndarray:
    """Every frame of a small video, uint8 (N, H, W, 3)."""
    width, height = picture_size(video)
    command = [ffmpeg_executable(), "-loglevel", "error", "-i", str(video), "-f", "rawvideo", "-pix_fmt", "rgb24", "-"]
    raw = subprocess.run(command, check=True, capture_output=True).stdout
    return np.frombuffer(raw, np.uint8).reshape(-1, height, width, 3)


def picture_size(video: Path) -> tuple[int, int]:
    """``(width, height)`` of a video."""
    command = [ffmpeg_executable(), "-loglevel", "error", "-i", str(video), "-frames:v", "1"]
    png = subprocess.run([*command, "-c:v", "bmp", "-f", "image2pipe", "-"], check=True, capture_output=True).stdout
    return int.from_bytes(png[18:22], "little"), abs(int.from_bytes(png[22:26], "little", signed=True))


def command(*words: object, cwd: Path | None = None, **options: object) -> subprocess.CompletedProcess[str]:
    """Run the command line in a process of its own."""
    line = [sys.executable, "-m", "lipsync_colab", *map(str, words)]
    return subprocess.run(line, cwd=cwd, capture_output=True, text=True, check=False, **options)  # type: ignore[call-overload]
