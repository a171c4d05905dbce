"""The encoder: argument lists, exact lengths at every rate, colour, publication and failures."""

from __future__ import annotations

import re
import subprocess
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
import soundfile

from lipsync_colab import encode
from lipsync_colab.audio.ffmpeg import each_frame_once, ffmpeg_executable
from lipsync_colab.encode import Encoding, SegmentWriter
from lipsync_colab.errors import InputError, MachineError, RenderError
from lipsync_colab.types import Image, frame_count

SIZE = (96, 64)


def frame(index: int, size: tuple[int, int] = SIZE) -> Image:
    image = np.full((size[1], size[0], 3), 90, np.uint8)
    image[:, : 4 + index % 60] = (200, 60, 40)
    return image


def write_segment(path: Path, frames: int, fps: Fraction, encoding: Encoding | None = None) -> Path:
    with SegmentWriter(path, SIZE, fps, encoding or Encoding()) as writer:
        for index in range(frames):
            writer.write(frame(index))
    return path


def decode(path: Path, size: tuple[int, int] = SIZE) -> Image:
    words = ["-loglevel", "error", "-i", str(path), *each_frame_once(), "-f", "rawvideo", "-pix_fmt", "rgb24", "-"]
    command = [ffmpeg_executable(), *words]
    raw = subprocess.run(command, check=True, capture_output=True).stdout
    return np.frombuffer(raw, np.uint8).reshape(-1, size[1], size[0], 3)


def packets(path: Path, stream: str) -> list[tuple[Fraction, Fraction]]:
    """(start, duration) in seconds of every frame of a stream after decoding."""
    command = [ffmpeg_executable(), "-loglevel", "error", "-i", str(path), "-map", stream, "-f", "framemd5", "-"]
    text = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    base = next(Fraction(line.split(": ")[1]) for line in text.splitlines() if line.startswith("#tb"))
    rows = [line.split(",") for line in text.splitlines() if not line.startswith("#")]
    return [(int(row[2]) * base, int(row[3]) * base) for row in rows]


def picture_starts(path: Path) -> float:
    """Second of the first picture. FFmpeg before 7.1 lets sound and picture of a Matroska file begin late together."""
    words = ["-i", str(path), "-map", "0:v:0", "-vf", "showinfo", "-frames:v", "1", "-f", "null", "-"]
    told = subprocess.run([ffmpeg_executable(), *words], check=True, capture_output=True, text=True).stderr
    return float(re.findall(r" pts_time:([\d.]+)", told)[0])


def tone(path: Path, seconds: float, rate: int = 48000) -> Path:
    times = np.arange(round(seconds * rate)) / rate
    soundfile.write(path, 0.3 * np.sin(2 * np.pi * 440 * times), rate)
    return path


def test_segment_arguments_are_tagged_and_constant() -> None:
    words = encode.segment_arguments("ffmpeg", (1080, 1080), Fraction(30000, 1001), Encoding(), "s.mp4")
    assert words[0] == "ffmpeg" and words[-1] == "s.mp4"
    assert words[words.index("-r") + 1] == "30000/1001"
    assert words[words.index("-profile:v") + 1] == "high"
    assert words[words.index("-pix_fmt", words.index("-vf")) + 1] == "yuv420p"
    assert words[words.index("-colorspace") + 1] == "bt709"
    assert words[words.index("-crf") + 1] == "18"


def test_bitrate_replaces_quality() -> None:
    words = encode.rate_arguments(Encoding(bitrate="8M"))
    assert "-crf" not in words
    assert words[words.index("-b:v") + 1] == "8M"
    assert words[words.index("-bufsize") + 1] == "16M"


def test_join_arguments_reach_no_network() -> None:
    words = encode.join_arguments("ffmpeg", "l.txt", "a b.wav", Encoding(), "out.mp4")
    allowed = [words[place + 1] for place, word in enumerate(words) if word == "-protocol_whitelist"]
    assert allowed == ["file,pipe"] * words.count("-i") == ["file,pipe"] * words.count("-format_whitelist")
    assert any(word.startswith("file:") and word.endswith("a b.wav") for word in words)
    assert words[words.index("-c:v") + 1] == "copy"
    assert "+faststart" in words


@pytest.mark.parametrize(
    ("name", "asked", "container"), [("a.mp4", "", "mp4"), ("a.MKV", "", "mkv"), ("a", "webm", "webm")]
)
def test_container_by_option_or_ending(name: str, asked: str, container: str) -> None:
    assert encode.choose_container(Path(name), asked) == container


@pytest.mark.parametrize(("name", "asked"), [("a.avi", ""), ("a", ""), ("a.mp4", "webm")])
def test_container_refused(name: str, asked: str) -> None:
    with pytest.raises(InputError, match="container"):
        encode.choose_container(Path(name), asked)


@pytest.mark.parametrize("rate", ["24000/1001", "24", "25", "30000/1001", "30", "50", "60"])
def test_picture_and_sound_end_within_one_frame(tmp_path: Path, rate: str) -> None:
    fps, seconds = Fraction(rate), 2.317
    total = frame_count(seconds, fps)
    first = total // 2
    parts = [write_segment(tmp_path / "0.mp4", first, fps), write_segment(tmp_path / "1.mp4", total - first, fps)]
    out = tmp_path / "out.mp4"
    encode.join_segments(parts, tone(tmp_path / "tone.wav", seconds), Encoding(), out)
    video, audio = packets(out, "0:v"), packets(out, "0:a")
    assert len(video) == total
    assert [start for start, _ in video] == [index / fps for index in range(total)]
    # AAC's last block is padded: the sound's own length is what its frames hold before the padding.
    assert abs(float(audio[-1][0] + audio[-1][1]) - total / fps) < 1 / fps + 1024 / 48000
    assert abs(float(audio[0][0])) <= 1024 / 48000


@pytest.mark.parametrize("container", ["mp4", "mov", "mkv", "webm"])
def test_every_container_decodes_to_the_same_frames(tmp_path: Path, container: str) -> None:
    encoding = Encoding(container=container)
    parts = [write_segment(tmp_path / f"{index}.mp4", 6, Fraction(25), encoding) for index in range(2)]
    out = tmp_path / f"out.{container}"
    encode.join_segments(parts, tone(tmp_path / "tone.wav", 0.48), encoding, out, {"comment": "x"})
    pictures = decode(out)
    assert len(pictures) == 12
    assert np.abs(pictures[3].astype(int) - frame(3)).mean() < 6


def test_colours_come_back(tmp_path: Path) -> None:
    path = tmp_path / "flat.mp4"
    colours = [(200, 60, 40), (30, 90, 200), (128, 128, 128), (245, 240, 90)]
    with SegmentWriter(path, SIZE, Fraction(25), Encoding(crf=1)) as writer:
        for colour in colours:
            writer.write(np.full((SIZE[1], SIZE[0], 3), colour, np.uint8))
    for colour, picture in zip(colours, decode(path), strict=True):
        assert np.abs(picture.astype(int) - colour).max() <= 3


def sound_of(path: Path) -> np.ndarray:
    command = [
        ffmpeg_executable(),
        "-loglevel",
        "error",
        "-i",
        str(path),
        "-f",
        "f32le",
        "-ac",
        "1",
        "-ar",
        "48000",
        "-",
    ]
    return np.frombuffer(subprocess.run(command, check=True, capture_output=True).stdout, np.float32)


@pytest.mark.parametrize(
    ("ending", "container", "copied"),
    [
        ("m4a", "mp4", True),
        ("aac", "mp4", True),
        ("mp3", "mp4", False),
        ("opus", "webm", True),
        ("wav", "mkv", False),
    ],
)
def test_sound_is_copied_where_it_fits_and_never_moves(
    tmp_path: Path, ending: str, container: str, copied: bool
) -> None:
    rng = np.random.default_rng(0)
    clicks = np.zeros(48000 * 2, np.float32)
    clicks[[9000, 30000, 61000, 88000]] = 0.9
    soundfile.write(tmp_path / "clicks.wav", clicks + rng.normal(0, 1e-3, len(clicks)), 48000)
    voice = tmp_path / f"voice.{ending}"
    words = [ffmpeg_executable(), "-loglevel", "error", "-i", str(tmp_path / "clicks.wav"), str(voice)]
    subprocess.run(words, check=True)
    encoding = Encoding(container=container)
    assert encode.can_copy(voice, encoding) is copied
    out = tmp_path / f"out.{container}"
    encode.join_segments([write_segment(tmp_path / "0.mp4", 50, Fraction(25), encoding)], voice, encoding, out)
    late = round(48000 * picture_starts(out)) if container == "mkv" else 0
    heard, given = sound_of(out)[late:], sound_of(voice)
    for start in (0, 24000, 48000, 72000):
        span = slice(start, start + 24000)
        assert abs(int(np.abs(heard[span]).argmax()) - int(np.abs(given[span]).argmax())) <= 48  # 1 ms


def test_tags_are_readable(tmp_path: Path) -> None:
    out = tmp_path / "out.mp4"
    encode.join_segments(
        [write_segment(tmp_path / "0.mp4", 5, Fraction(25))],
        tone(tmp_path / "tone.wav", 0.2),
        Encoding(),
        out,
        encode.provenance_tags({"generated": True}),
    )
    dump = subprocess.run(
        [ffmpeg_executable(), "-loglevel", "error", "-i", str(out), "-f", "ffmetadata", "-"],
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    assert '{"generated":true}' in dump.replace("\\", "")


def test_a_failure_inside_leaves_no_file(tmp_path: Path) -> None:
    with pytest.raises(KeyboardInterrupt), SegmentWriter(tmp_path / "s.mp4", SIZE, Fraction(25), Encoding()) as writer:
        writer.write(frame(0))
        raise KeyboardInterrupt
    assert list(tmp_path.iterdir()) == []


def test_a_frame_of_another_size_is_refused(tmp_path: Path) -> None:
    with (
        pytest.raises(ValueError, match="size"),
        SegmentWriter(tmp_path / "s.mp4", SIZE, Fraction(25), Encoding()) as writer,
    ):
        writer.write(np.zeros((10, 10, 3), np.uint8))


def test_ffmpeg_that_dies_is_one_line(tmp_path: Path) -> None:
    missing = tmp_path / "gone"
    with (
        pytest.raises(RenderError, match="ffmpeg failed"),
        SegmentWriter(missing / "s.mp4", SIZE, Fraction(25), Encoding()) as writer,
    ):
        for index in range(400):
            writer.write(frame(index))


def test_a_full_disk_is_named() -> None:
    error = encode.ffmpeg_error("av_interleaved_write_frame(): No space left on device", Path("/x/y.mp4"))
    assert isinstance(error, MachineError)
    assert "free some disk space" in str(error)


def test_a_disk_that_fills_up_leaves_nothing(small_disk: Path) -> None:
    noise = np.random.default_rng(0).integers(0, 255, (SIZE[1], SIZE[0], 3), np.uint8)
    with (
        pytest.raises(MachineError, match="free some disk space"),
        SegmentWriter(small_disk / "s.mp4", SIZE, Fraction(25), Encoding(crf=0)) as writer,
    ):
        for index in range(3000):
            writer.write(np.roll(noise, index))
    assert list(small_disk.iterdir()) == []


def test_join_failure_keeps_an_older_output(tmp_path: Path) -> None:
    out = tmp_path / "out.mp4"
    out.write_bytes(b"older")
    with pytest.raises(RenderError):
        encode.join_segments([tmp_path / "missing.mp4"], None, Encoding(), out)
    assert out.read_bytes() == b"older"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["out.mp4"]


def test_names_with_quotes_join(tmp_path: Path) -> None:
    folder = tmp_path / "it's a 'folder' %d"
    folder.mkdir()
    part = write_segment(folder / "0 it's.mp4", 5, Fraction(25))
    encode.join_segments([part], None, Encoding(), folder / "out's.mp4")
    assert len(decode(folder / "out's.mp4")) == 5
