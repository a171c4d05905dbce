"""Frames and sound to a file, by ffmpeg: argument lists from pure functions, one process for each segment."""

from __future__ import annotations

import contextlib
import json
import re
import subprocess
import tempfile
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from types import TracebackType
from typing import IO

import numpy as np

from lipsync_colab.audio.ffmpeg import ffmpeg_executable, listed_input, untrusted_input
from lipsync_colab.errors import InputError, MachineError, RenderError
from lipsync_colab.types import Image

CONTAINERS = ("mp4", "mov", "mkv", "webm")
AUDIO_RATE = "192k"
KEYFRAME_SECONDS = 2
COPIED_CODECS = {"mp4": ("aac",), "mov": ("aac",), "mkv": ("aac", "opus", "flac"), "webm": ("opus",)}
"""Compressed sound that a container takes as it is, with its start delay kept exact (MP3's is lost in Matroska)."""
_BT709 = ["-colorspace", "bt709", "-color_primaries", "bt709", "-color_trc", "bt709", "-color_range", "tv"]


@dataclass(frozen=True)
class Encoding:
    """How the picture is compressed.

    Attributes:
        container: one of ``CONTAINERS``; webm holds VP9 and Opus, the others H.264 and AAC.
        crf: constant quality, 0 (lossless) to 51; used when ``bitrate`` is empty.
        bitrate: ``"8M"`` or ``"2500k"`` for a constant mean rate.
        preset: x264's speed.
    """

    container: str = "mp4"
    crf: int = 18
    bitrate: str = ""
    preset: str = "veryfast"

    @property
    def vp9(self) -> bool:
        """Whether the picture is VP9."""
        return self.container == "webm"


def choose_container(output: Path, asked: str = "") -> str:
    """Return the container by the option, or else by the file's ending.

    Raises:
        InputError: neither names a container that can be written.
    """
    ending = output.suffix.lower().lstrip(".")
    name = asked or ending
    if name not in CONTAINERS:
        raise InputError(f"'{output.name}': name the output .mp4, .mov, .mkv or .webm, or give --container")
    if asked and ending in CONTAINERS and ending != asked:
        raise InputError(f"'{output.name}' does not fit --container {asked}; drop one of the two")
    return name


def rate_arguments(encoding: Encoding) -> list[str]:
    """Return ffmpeg's options for codec, quality and speed."""
    if encoding.vp9:
        quality = ["-b:v", encoding.bitrate] if encoding.bitrate else ["-b:v", "0", "-crf", str(encoding.crf)]
        return ["-c:v", "libvpx-vp9", *quality, "-deadline", "good", "-cpu-used", "5", "-row-mt", "1"]
    if encoding.bitrate:
        # A buffer of two seconds keeps the mean without starving a frame that opens the mouth wide.
        quality = ["-b:v", encoding.bitrate, "-maxrate", _times(encoding.bitrate, 1.5), "-bufsize"]
        quality.append(_times(encoding.bitrate, 2))
    else:
        quality = ["-crf", str(encoding.crf)]
    # Lossless x264 has a profile of its own.
    profile = [] if encoding.crf == 0 and not encoding.bitrate else ["-profile:v", "high"]
    return ["-c:v", "libx264", *profile, "-preset", encoding.preset, *quality]


def _times(bitrate: str, factor: float) -> str:
    digits, unit = (bitrate[:-1], bitrate[-1]) if bitrate[-1] in "kKmM" else (bitrate, "")
    return f"{float(digits) * factor:g}{unit}"


def segment_arguments(
    ffmpeg: str, size: tuple[int, int], fps: Fraction, encoding: Encoding, path: Path | str
) -> list[str]:
    """Return the command that reads raw RGB frames on standard input and writes one silent segment.

    Args:
        ffmpeg: the program.
        size: ``(width, height)`` in pixels, even.
        fps: frames per second.
        encoding: quality and container of the final file.
        path: of the segment, always MP4 inside: it keeps the frame times exact.
    """
    width, height = size
    return [
        *(ffmpeg, "-nostdin", "-y", "-loglevel", "error"),
        *("-f", "rawvideo", "-pix_fmt", "rgb24", "-s", f"{width}x{height}", "-r", f"{fps}", "-i", "pipe:0"),
        *("-vf", "scale=out_color_matrix=bt709:out_range=tv", *_BT709, "-pix_fmt", "yuv420p"),
        *rate_arguments(encoding),
        *("-g", str(round(KEYFRAME_SECONDS * fps)), "-fflags", "+bitexact", "-f", "mp4", str(path)),
    ]


def join_arguments(
    ffmpeg: str,
    listing: Path | str,
    track: Path | str | None,
    encoding: Encoding,
    path: Path | str,
    copy_audio: bool = False,
    metadata: Mapping[str, str] | None = None,
) -> list[str]:
    """Return the command that joins segments without encoding them again and adds the sound.

    Args:
        ffmpeg: the program.
        listing: a concat list of segments, beside them.
        track: the file whose first audio stream is heard; None for a silent video.
        encoding: decides container and audio codec.
        path: of the part file.
        copy_audio: keep the track's own compression.
        metadata: tags for the container.
    """
    sound = [] if track is None else untrusted_input(Path(track))
    maps = ["-map", "0:v:0"] if track is None else ["-map", "0:v:0", "-map", "1:a:0"]
    tags = [word for key, value in (metadata or {}).items() for word in ("-metadata", f"{key}={value}")]
    muxer = {"mkv": "matroska"}.get(encoding.container, encoding.container)
    fast = ["-movflags", "+faststart"] if encoding.container in ("mp4", "mov") else []
    return [
        *(ffmpeg, "-nostdin", "-y", "-loglevel", "error", *listed_input(listing)),
        *sound,
        *(*maps, "-map_metadata", "-1", "-map_chapters", "-1", "-c:v", "copy"),
        *([] if track is None else audio_arguments(encoding, copy_audio)),
        *(*tags, *fast, "-fflags", "+bitexact", "-f", muxer, str(path)),
    ]


def audio_arguments(encoding: Encoding, copy_audio: bool) -> list[str]:
    """Return ffmpeg's options for the sound: 192 kb/s AAC (Opus in webm), at most two channels, or a copy."""
    if copy_audio:
        return ["-c:a", "copy"]
    # Sample times are counted anew, as the engines count them: a gap or an offset in the file's own times would
    # move the sound against the lips.
    clock = ["-af", "asetpts=N/SR/TB"]
    if encoding.vp9:
        return [*clock, "-c:a", "libopus", "-b:a", AUDIO_RATE, "-ac", "2"]
    return [*clock, "-c:a", "aac", "-b:a", AUDIO_RATE]


def can_copy(track: Path, encoding: Encoding) -> bool:
    """Whether the track's own compression fits the container, so that the sound need not be compressed again.

    Only a file that holds one stream is copied: beside a picture, sound may start late by the file's own clock.
    """
    command = [ffmpeg_executable(), "-nostdin", "-hide_banner", *untrusted_input(track)]
    told = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, check=False).stderr
    streams = re.findall(r"Stream #0:\d+.*?: (\w+): (\w+)", told.decode(errors="replace"))
    return len(streams) == 1 and streams[0][0] == "Audio" and streams[0][1] in COPIED_CODECS[encoding.container]


class SegmentWriter:
    """Writes frames of one segment into a file that appears under its name only when it is whole.

    Use it as a context manager; an exception inside ends ffmpeg and removes the part file.

    Attributes:
        path: of the segment.
        frames: written so far.
        bytes: of the finished file; 0 before.
    """

    def __init__(self, path: Path, size: tuple[int, int], fps: Fraction, encoding: Encoding) -> None:
        self.path = path
        self.frames = self.bytes = 0
        self._size = size
        self._part = path.with_name(path.name + ".part")
        self._log: IO[bytes] = tempfile.TemporaryFile()  # noqa: SIM115 - closed with the writer
        command = segment_arguments(ffmpeg_executable(), size, fps, encoding, self._part)
        self._process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, stderr=self._log, start_new_session=True
        )

    def __enter__(self) -> SegmentWriter:
        return self

    def write(self, frame: Image) -> None:
        """Add one frame, uint8 (H, W, 3) RGB of the writer's size.

        Raises:
            RenderError: ffmpeg ended.
            MachineError: the disk is full.
            ValueError: the frame has another size.
        """
        if frame.shape != (self._size[1], self._size[0], 3):
            raise ValueError(f"frame of shape {frame.shape} in a video of size {self._size}")
        assert self._process.stdin is not None
        try:
            self._process.stdin.write(np.ascontiguousarray(frame).data)
        except (BrokenPipeError, OSError) as error:
            self._process.wait()
            raise self._failure() from error
        self.frames += 1

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            if kind is None:
                self._publish()
        finally:
            self._end()

    def _publish(self) -> None:
        assert self._process.stdin is not None
        try:
            self._process.stdin.close()
        except OSError as error:
            self._process.wait()
            raise self._failure() from error
        if self._process.wait() != 0:
            raise self._failure()
        self.bytes = self._part.stat().st_size
        self._part.replace(self.path)

    def _failure(self) -> RenderError | MachineError:
        self._log.seek(0)
        return ffmpeg_error(self._log.read().decode(errors="replace"), self.path)

    def _end(self) -> None:
        if self._process.poll() is None:
            self._process.kill()
            self._process.wait()
        if self._process.stdin is not None and not self._process.stdin.closed:
            with contextlib.suppress(OSError):  # unsent bytes for a process that is gone
                self._process.stdin.close()
        self._log.close()
        with contextlib.suppress(OSError):  # a drive that went away must not hide what failed first
            self._part.unlink(missing_ok=True)


def ffmpeg_error(log: str, path: Path) -> RenderError | MachineError:
    """Return the error that ffmpeg's last words stand for."""
    lines = [line for line in log.splitlines() if line.strip()]
    if "No space left on device" in log or "Disk quota exceeded" in log:
        return MachineError(f"no room left in '{path.parent}'; free some disk space and run the same command again")
    return RenderError(f"ffmpeg failed on '{path.name}': {lines[-1] if lines else 'it ended without a word'}")


def join_segments(
    segments: Iterable[Path],
    track: Path | None,
    encoding: Encoding,
    path: Path,
    metadata: Mapping[str, str] | None = None,
) -> None:
    """Join finished segments and the sound into ``path``, published by rename.

    The sound is copied where the container takes its compression, and compressed anew otherwise.

    Raises:
        RenderError: ffmpeg failed.
        MachineError: the disk is full.
    """
    part = path.with_name(path.name + ".part")
    with tempfile.TemporaryDirectory(prefix="lipsync-colab-") as folder:
        listing = Path(folder) / "segments.txt"
        listing.write_text(concat_listing([segment.absolute() for segment in segments]), encoding="utf-8")
        copy = track is not None and can_copy(track, encoding)
        command = join_arguments(ffmpeg_executable(), listing, track, encoding, part, copy, metadata)
        try:
            done = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, check=False)
            if done.returncode != 0:
                raise ffmpeg_error(done.stderr.decode(errors="replace"), path)
            part.replace(path)
        finally:
            with contextlib.suppress(OSError):
                part.unlink(missing_ok=True)


def concat_listing(segments: Sequence[Path]) -> str:
    """Return ffmpeg's concat list; quotes in names are escaped as its manual says."""
    quoted = [str(segment).replace("'", "'\\''") for segment in segments]
    return "ffconcat version 1.0\n" + "".join(f"file 'file:{name}'\n" for name in quoted)


def provenance_tags(record: Mapping[str, object]) -> dict[str, str]:
    """Return the container's tags for a provenance record: a sentence and the record as JSON."""
    return {
        "title": "Generated talking portrait",
        "description": "This video was generated from a still picture and a voice.",
        "comment": json.dumps(record, sort_keys=True, separators=(",", ":")),
    }
