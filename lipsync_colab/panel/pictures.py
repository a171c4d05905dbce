"""Pictures and videos small enough for a notebook page."""

from __future__ import annotations

import io
import subprocess
from pathlib import Path

import cv2
import numpy as np
from PIL import Image as Picture

from lipsync_colab.audio.ffmpeg import ffmpeg_executable
from lipsync_colab.errors import RenderError
from lipsync_colab.types import Image, Portrait

THUMBNAIL = 260
"""Pixels of a thumbnail's longer side."""
PREVIEW_SIDE, PREVIEW_BYTES = 540, 8_000_000
"""Short side and size of the embedded video: a longer page of base64 stops a browser tab."""
ACCENT = (64, 200, 120)


def png(image: Image, longest: int | None = None) -> bytes:
    """Return a picture as PNG bytes, made smaller where a side is longer than ``longest``."""
    picture = Picture.fromarray(image)
    if longest is not None:
        picture.thumbnail((longest, longest), Picture.Resampling.LANCZOS)
    held = io.BytesIO()
    picture.save(held, "PNG")
    return held.getvalue()


def portrait_thumbnail(portrait: Portrait) -> bytes:
    """Return the portrait as a small PNG with the face that will speak framed."""
    image = portrait.image.copy()
    left, top, right, bottom = (round(value) for value in portrait.face.box)
    width = max(2, round(max(image.shape[:2]) / 120))
    cv2.rectangle(image, (left, top), (right, bottom), ACCENT, width, cv2.LINE_AA)
    return png(np.ascontiguousarray(image), THUMBNAIL)


def preview_arguments(ffmpeg: str, video: Path, output: str, kilobits: int) -> list[str]:
    """Return the command that makes the small copy of a video."""
    scale = f"scale='if(gt(iw,ih),-2,min(iw,{PREVIEW_SIDE}))':'if(gt(iw,ih),min(ih,{PREVIEW_SIDE}),-2)'"
    return [
        *(ffmpeg, "-nostdin", "-y", "-loglevel", "error", "-i", f"file:{video}", "-vf", scale),
        *("-c:v", "libx264", "-preset", "veryfast", "-b:v", f"{kilobits}k", "-maxrate", f"{kilobits}k"),
        *("-bufsize", f"{2 * kilobits}k", "-pix_fmt", "yuv420p", "-c:a", "aac", "-b:a", "96k"),
        *("-movflags", "+faststart", "-f", "mp4", output),
    ]


def preview_video(video: Path, seconds: float, folder: Path) -> bytes:
    """Return a copy of at most 540 lines and 8 MB.

    Raises:
        RenderError: ffmpeg failed.
    """
    kilobits = int(min(1500, max(60, 0.8 * PREVIEW_BYTES * 8 / 1000 / max(seconds, 1) - 96)))
    small = folder / f".{video.stem}.preview.mp4"
    command = preview_arguments(ffmpeg_executable(), video, f"file:{small}", kilobits)
    done = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, check=False)
    try:
        if done.returncode != 0:
            raise RenderError(f"no preview of '{video.name}' could be made; the video itself is whole")
        return small.read_bytes()
    finally:
        small.unlink(missing_ok=True)
