"""Cut a strip of frames out of a video: ``python assets/strip.py demo.mp4 assets/strip.jpg 1.2 1.5 1.9 …``.

The times are seconds; each frame is shown as it was decoded, made smaller and put side by side.
"""

from __future__ import annotations

import io
import subprocess
import sys
from pathlib import Path

from PIL import Image

from lipsync_colab.audio.ffmpeg import ffmpeg_executable

HEIGHT = 360
"""Pixels of the strip's height."""


def frame_at(video: Path, seconds: float) -> Image.Image:
    """Return the frame shown at a time."""
    command = [ffmpeg_executable(), "-loglevel", "error", "-ss", f"{seconds}", "-i", str(video), "-frames:v", "1"]
    png = subprocess.run([*command, "-c:v", "png", "-f", "image2pipe", "-"], check=True, capture_output=True).stdout
    return Image.open(io.BytesIO(png)).convert("RGB")


def strip(video: Path, output: Path, times: list[float]) -> None:
    """Write the frames at the times side by side."""
    frames = [frame_at(video, seconds) for seconds in times]
    small = [
        frame.resize((round(frame.width * HEIGHT / frame.height), HEIGHT), Image.Resampling.LANCZOS) for frame in frames
    ]
    sheet = Image.new("RGB", (sum(frame.width for frame in small), HEIGHT))
    left = 0
    for frame in small:
        sheet.paste(frame, (left, 0))
        left += frame.width
    sheet.save(output, quality=88)


if __name__ == "__main__":
    strip(Path(sys.argv[1]), Path(sys.argv[2]), [float(word) for word in sys.argv[3:]])
