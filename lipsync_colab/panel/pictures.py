"""Pictures and videos small enough for a notebook page."""

from __future__ import annotations

import io
import subprocess
import tempfile
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from PIL import Image as Picture

from lipsync_colab.audio.ffmpeg import ffmpeg_executable, untrusted_input
from lipsync_colab.errors import RenderError
from lipsync_colab.types import Face, Image, Portrait

THUMBNAIL = 260
"""Pixels of a thumbnail's longer side."""
PREVIEW_SIDE, PREVIEW_BYTES = 540, 8_000_000
"""Short side and size of the embedded video: a longer page of base64 stops a browser tab."""
SOUND_KILOBITS = 64
ACCENT, OTHER = (64, 200, 120), (235, 235, 235)


def png(image: Image, longest: int | None = None) -> bytes:
    """Return a picture as PNG bytes, made smaller where a side is longer than ``longest``."""
    picture = Picture.fromarray(image)
    if longest is not None:
        picture.thumbnail((longest, longest), Picture.Resampling.LANCZOS)
    held = io.BytesIO()
    picture.save(held, "PNG")
    return held.getvalue()


def portrait_thumbnail(portrait: Portrait, faces: tuple[Face, ...] = ()) -> bytes:
    """Return the portrait as a small PNG with the face that will speak framed.

    Args:
        portrait: with the chosen face.
        faces: all that were found, the largest first; more than one are framed thinly and numbered.
    """
    picture = Picture.fromarray(portrait.image)
    picture.thumbnail((2 * THUMBNAIL, 2 * THUMBNAIL), Picture.Resampling.LANCZOS)
    image = np.array(picture)
    scale = image.shape[1] / portrait.image.shape[1]
    for number, face in enumerate(faces if len(faces) > 1 else (portrait.face,), 1):
        chosen = np.array_equal(face.mesh, portrait.face.mesh)
        left, top, right, bottom = (round(value * scale) for value in face.box)
        colour, width = (ACCENT, 4) if chosen else (OTHER, 2)
        cv2.rectangle(image, (left, top), (right, bottom), colour, width, cv2.LINE_AA)
        if len(faces) > 1:
            place = (left + 6, max(24, top - 8))
            for ink, thick in (((0, 0, 0), 6), (colour, 2)):
                cv2.putText(image, str(number), place, cv2.FONT_HERSHEY_SIMPLEX, 0.9, ink, thick, cv2.LINE_AA)
    return png(image)


def preview_arguments(ffmpeg: str, video: Path, output: str, kilobits: int) -> list[str]:
    """Return the command that makes the small copy of a video."""
    scale = f"scale='if(gt(iw,ih),-2,min(iw,{PREVIEW_SIDE}))':'if(gt(iw,ih),min(ih,{PREVIEW_SIDE}),-2)'"
    return [
        *(ffmpeg, "-nostdin", "-y", "-loglevel", "error", *untrusted_input(video), "-vf", scale),
        *("-c:v", "libx264", "-preset", "veryfast", "-b:v", f"{kilobits}k", "-maxrate", f"{kilobits}k"),
        *("-bufsize", f"{2 * kilobits}k", "-pix_fmt", "yuv420p", "-c:a", "aac", "-b:a", "96k"),
        *("-movflags", "+faststart", "-f", "mp4", output),
    ]


def shown_video(video: Path, width: int = 420) -> Any:
    """Return a player for the end of a cell, with the small copy embedded: a notebook shows no file of the disk.

    Args:
        video: the whole video.
        width: of the player in pixels.

    Raises:
        InputError: it is no video.
        RenderError: ffmpeg failed.
    """
    from IPython.display import Video

    from lipsync_colab.report.video import open_video

    small = preview_video(video, open_video(video).seconds, video.parent)
    return Video(data=small, embed=True, mimetype="video/mp4", width=width)


def preview_video(video: Path, seconds: float, folder: Path, limit: int = PREVIEW_BYTES) -> bytes:
    """Return a copy of at most 540 lines and a size that a page can take.

    Args:
        video: the whole one.
        seconds: its length.
        folder: for the copy while it is made.
        limit: bytes.

    Raises:
        RenderError: ffmpeg failed.
    """
    kilobits = int(min(1500, max(60, 0.8 * limit * 8 / 1000 / max(seconds, 1) - 96)))
    small = folder / f".{video.stem}.preview.mp4"
    return _made(preview_arguments(ffmpeg_executable(), video, f"file:{small}", kilobits), small, video)


def preview_sound(sound: Path, limit: int = PREVIEW_BYTES) -> bytes:
    """Return the sound of a file as a small MP3: its beginning, where all of it is more than a page can take.

    Args:
        sound: an audio or video file.
        limit: bytes.

    Raises:
        RenderError: ffmpeg found no sound in it.
    """
    with tempfile.TemporaryDirectory(prefix="lipsync-colab-") as folder:
        small = Path(folder) / "sound.mp3"
        command = [
            *(ffmpeg_executable(), "-nostdin", "-y", "-loglevel", "error", *untrusted_input(sound), "-vn", "-ac", "1"),
            *("-t", str(limit * 8 // (SOUND_KILOBITS * 1000)), "-ar", "44100", "-c:a", "libmp3lame"),
            *("-b:a", f"{SOUND_KILOBITS}k", "-f", "mp3", f"file:{small}"),
        ]
        return _made(command, small, sound)


def _made(command: list[str], small: Path, source: Path) -> bytes:
    done = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, check=False)
    try:
        if done.returncode != 0:
            raise RenderError(f"no preview of '{source.name}' could be made; the file itself is as it was")
        return small.read_bytes()
    finally:
        small.unlink(missing_ok=True)
