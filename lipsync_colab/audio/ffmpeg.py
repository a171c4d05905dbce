"""The ffmpeg that this machine has, and how a file that somebody else made is handed to it."""

from __future__ import annotations

import functools
import os
import re
import shutil
import subprocess
from pathlib import Path

from lipsync_colab.errors import MachineError

NEEDED_ENCODERS = ("libx264", "aac")

PROTOCOLS = "file,pipe"

CONTAINERS = (
    *("aac", "ac3", "aiff", "amr", "ape", "asf", "au", "avi", "caf", "dsf", "dts", "eac3"),
    *("flac", "flv", "gsm", "matroska,webm", "mov,mp4,m4a,3gp,3g2,mj2", "mp3", "mpc", "mpc8", "mpeg", "mpegts"),
    *("mxf", "nut", "ogg", "rm", "tta", "voc", "w64", "wav", "wv"),
)
"""The demuxers that may open a user's file: those that hold their own data. Playlists (``hls``, ``concat``,
``dash``, ``imf``) are left out, since with the ``file`` protocol they read any file of this machine; so are those that
know a file by nothing but chance (headerless ``amrnb``: FFmpeg before 8 takes a MATLAB file for it)."""


@functools.cache
def ffmpeg_executable() -> str:
    """Return the path of the ffmpeg to run.

    A system ffmpeg comes first where it has x264 and aac (it follows the machine's updates and drivers), then the
    one that ``imageio-ffmpeg`` carries.

    Raises:
        MachineError: there is none.
    """
    system = shutil.which("ffmpeg")
    if system and has_encoders(system):
        return system
    try:
        import imageio_ffmpeg

        return str(imageio_ffmpeg.get_ffmpeg_exe())
    except (ImportError, RuntimeError, OSError) as error:
        raise MachineError(
            "no usable ffmpeg was found: pip install imageio-ffmpeg, or install one with x264 (apt install ffmpeg)"
        ) from error


@functools.cache
def each_frame_once() -> tuple[str, str]:
    """Return the output options that neither drop nor repeat a frame; FFmpeg before 5.1 has another name for them."""
    done = subprocess.run([ffmpeg_executable(), "-version"], stdin=subprocess.DEVNULL, capture_output=True, check=False)
    found = re.match(rb"ffmpeg version n?(\d+)\.(\d+)", done.stdout)
    old = found is not None and (int(found[1]), int(found[2])) < (5, 1)
    return ("-vsync" if old else "-fps_mode"), "passthrough"


def has_encoders(executable: str, names: tuple[str, ...] = NEEDED_ENCODERS) -> bool:
    """Tell whether an ffmpeg runs here and has the named encoders."""
    command = [executable, "-hide_banner", "-loglevel", "error", "-encoders"]
    try:
        done = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, timeout=30, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return False
    listed = {line.split()[1] for line in done.stdout.decode("utf-8", "replace").splitlines() if len(line.split()) > 1}
    return done.returncode == 0 and set(names) <= listed


def listed_input(listing: Path | str) -> list[str]:
    """Return the arguments that open a concat list of our own segments: MP4 files of this machine, nothing else.

    The list is ours, but a segment may have been changed on the disk since: a playlist in its place is not followed.
    """
    return [
        *("-protocol_whitelist", PROTOCOLS, "-format_whitelist", "concat,mov,mp4,m4a,3gp,3g2,mj2"),
        *("-f", "concat", "-safe", "0", "-i", str(listing)),
    ]


def untrusted_input(path: Path) -> list[str]:
    """Return the arguments that open a user's file, and nothing but that file.

    The ``file:`` prefix keeps a name such as ``-y`` or ``concat:a|b`` from being read as an option or a protocol.
    """
    return [
        *("-protocol_whitelist", PROTOCOLS),
        *("-format_whitelist", ",".join(CONTAINERS)),
        *("-i", "file:" + os.path.abspath(path)),  # noqa: PTH100 - resolve() would follow links
    ]
