"""Any sound file, as a stream of 16 kHz mono blocks out of an ffmpeg process."""

from __future__ import annotations

import contextlib
import subprocess
import tempfile
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import IO

import numpy as np
import soundfile
from numpy.typing import NDArray

from lipsync_colab.audio.ffmpeg import PROTOCOLS, ffmpeg_executable, untrusted_input
from lipsync_colab.errors import InputError

RATE = 16_000
"""Samples per second that engines hear."""

BLOCK_BYTES = 1 << 20
BLOCK_FRAMES = 1 << 16


def decode_arguments(executable: str, source: list[str], seconds: float) -> list[str]:
    """Return the command that decodes a source to raw 16 kHz mono float32 on its standard output.

    Args:
        executable: the ffmpeg.
        source: the input's own arguments, up to and with ``-i``.
        seconds: decode no more than this.
    """
    return [
        *(executable, "-nostdin", "-hide_banner", "-nostats", "-loglevel", "error"),
        *source,
        *("-map", "0:a:0", "-vn", "-sn", "-dn", "-t", f"{seconds:g}"),
        # A track that begins later than its container's first picture, or has a hole, keeps its place in time.
        *("-af", "aresample=async=1:first_pts=0", "-ac", "1", "-ar", str(RATE)),
        *("-c:a", "pcm_f32le", "-f", "f32le", "pipe:1"),
    ]


def raw_input(rate: int, channels: int) -> list[str]:
    """Return the input arguments for interleaved float32 samples on standard input."""
    return [
        *("-protocol_whitelist", PROTOCOLS, "-f", "f32le", "-ar", str(rate)),
        *("-ac", str(channels), "-i", "pipe:0"),
    ]


def decoded_blocks(path: Path, seconds: float) -> Iterator[NDArray[np.float32]]:
    """Yield a file's sound as float32 blocks at 16 kHz, mono.

    ffmpeg reads the file itself; where it cannot, libsndfile reads it and ffmpeg only resamples.

    Raises:
        InputError: neither can read it, or it holds no sound track.
    """
    source = untrusted_input(path)
    try:
        yield from _run(decode_arguments(ffmpeg_executable(), source, seconds))
        return
    except _FfmpegFailed as failed:
        reason = failed
    sound = _open_with_sndfile(path)
    if sound is None:
        raise InputError(_explain(path, str(reason)))
    with sound:
        source = raw_input(sound.samplerate, sound.channels)
        command = decode_arguments(ffmpeg_executable(), source, seconds)
        try:
            yield from _run(command, sound)
        except _FfmpegFailed as failed:
            raise InputError(_explain(path, str(failed))) from failed


class _FfmpegFailed(Exception):
    """ffmpeg ended with an error before it gave any sound."""


def _open_with_sndfile(path: Path) -> soundfile.SoundFile | None:
    try:
        return soundfile.SoundFile(path)
    except (soundfile.SoundFileError, TypeError, UnicodeError, OSError):
        return None


def _run(command: list[str], sound: soundfile.SoundFile | None = None) -> Iterator[NDArray[np.float32]]:
    """Run ffmpeg and yield what it writes; it is ended when the iterator is closed."""
    with tempfile.TemporaryFile() as complaints:
        stdin = subprocess.DEVNULL if sound is None else subprocess.PIPE
        process = subprocess.Popen(command, stdin=stdin, stdout=subprocess.PIPE, stderr=complaints)
        feeder = None if sound is None else threading.Thread(target=_feed, args=(sound, process.stdin), daemon=True)
        if feeder:
            feeder.start()
        total = 0
        try:
            assert process.stdout is not None
            while block := process.stdout.read(BLOCK_BYTES):
                samples = np.frombuffer(block[: len(block) // 4 * 4], "<f4")
                total += len(samples)
                yield samples
            status = process.wait()
        finally:
            process.kill()
            process.wait()
            if feeder:
                feeder.join()
            if process.stdout:
                process.stdout.close()
        if status and not total:
            complaints.seek(0)
            raise _FfmpegFailed(complaints.read(4096).decode("utf-8", "replace"))


def _feed(sound: soundfile.SoundFile, pipe: IO[bytes]) -> None:
    with contextlib.suppress(BrokenPipeError, OSError), pipe:
        for block in sound.blocks(BLOCK_FRAMES, dtype="float32", always_2d=True):
            pipe.write(np.ascontiguousarray(block, "<f4").tobytes())


def _explain(path: Path, complaint: str) -> str:
    shown = shown_name(path)
    if "matches no streams" in complaint:
        return f"{shown} has no sound track: give a file with a voice in it (wav, flac, mp3, m4a, ogg, or a video)"
    return f"{shown} is not sound that can be read: give wav, flac, mp3, m4a, ogg or a video, complete and undamaged"


def shown_name(path: Path) -> str:
    """Return a path as printable text, whatever bytes its name is made of."""
    return str(path).encode("utf-8", "replace").decode("utf-8")
