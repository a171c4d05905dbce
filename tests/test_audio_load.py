"""Reading voices: every container, every length, and everything that can be wrong with a file."""

from __future__ import annotations

import http.server
import os
import subprocess
import threading
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import soundfile

from lipsync_colab.audio import load, load_speech
from lipsync_colab.audio.decode import decode_arguments, decoded_blocks
from lipsync_colab.audio.ffmpeg import ffmpeg_executable, has_encoders, untrusted_input
from lipsync_colab.errors import InputError, LipSyncError

RATE = 16_000


def voice(seconds: float = 1.0, rate: int = RATE) -> np.ndarray:
    """A buzz whose loudness rises and falls, so that time shifts show."""
    times = np.arange(round(seconds * rate)) / rate
    return (0.5 * np.sin(2 * np.pi * 220 * times) * np.sin(np.pi * times / max(seconds, 1e-9)) ** 2).astype(np.float32)


def convert(source: Path, target: Path, *arguments: str) -> Path:
    command = [ffmpeg_executable(), "-nostdin", "-loglevel", "error", "-y", "-i", str(source), *arguments, str(target)]
    subprocess.run(command, check=True)
    return target


@pytest.fixture
def wav(tmp_path: Path) -> Path:
    path = tmp_path / "voice.wav"
    soundfile.write(path, voice(2.0, 48_000), 48_000)
    return path


def similarity(found: np.ndarray, wanted: np.ndarray) -> float:
    length = min(len(found), len(wanted))
    return float(np.corrcoef(found[:length], wanted[:length])[0, 1])


FORMATS = {
    "flac": [],
    "mp3": ["-b:a", "96k"],
    "m4a": ["-c:a", "aac"],
    "ogg": ["-c:a", "libvorbis"],
    "opus": ["-c:a", "libopus"],
    "aiff": ["-ar", "22050"],
}


@pytest.mark.parametrize("suffix", FORMATS)
def test_formats(wav: Path, suffix: str) -> None:
    speech = load_speech(convert(wav, wav.with_suffix("." + suffix), *FORMATS[suffix]))
    assert speech.rate == RATE and speech.samples.dtype == np.float32
    assert abs(speech.seconds - 2.0) < 0.06
    # The codecs' own delay has to be gone: one millisecond late would turn the 220 Hz tone by 80 degrees.
    assert similarity(speech.samples, voice(2.0)) > 0.99


@pytest.mark.parametrize("rate", [8_000, 11_025, 44_100, 96_000])
@pytest.mark.parametrize("channels", [1, 2, 6])
def test_rates_and_channels(tmp_path: Path, rate: int, channels: int) -> None:
    path = tmp_path / "many.wav"
    soundfile.write(path, np.repeat(voice(1.0, rate)[:, None], channels, axis=1), rate)
    speech = load_speech(path, text="mm")
    assert speech.text == "mm" and speech.track == path
    assert abs(speech.seconds - 1.0) < 0.01
    assert similarity(speech.samples, voice()) > 0.999
    assert np.abs(speech.samples).max() > 0.2


def test_sound_track_of_a_video_that_begins_later(wav: Path, tmp_path: Path) -> None:
    video = tmp_path / "clip.mkv"
    command = [ffmpeg_executable(), "-nostdin", "-loglevel", "error", "-f", "lavfi", "-i", "color=s=64x64:d=3"]
    command += ["-itsoffset", "0.5", "-i", str(wav), "-map", "0:v", "-map", "1:a", str(video)]
    subprocess.run(command, check=True)
    speech = load_speech(video)
    assert abs(speech.seconds - 2.5) < 0.05
    assert not np.any(np.abs(speech.samples[: int(0.45 * RATE)]) > 1e-4)


def test_video_without_sound(tmp_path: Path) -> None:
    path = tmp_path / "mute.mp4"
    command = [ffmpeg_executable(), "-loglevel", "error", "-f", "lavfi", "-i", "color=s=64x64:d=1", str(path)]
    subprocess.run(command, check=True)
    with pytest.raises(InputError, match="no sound track"):
        load_speech(path)


def test_what_only_libsndfile_reads(tmp_path: Path) -> None:
    path = tmp_path / "voice.mat"
    soundfile.write(path, voice(), RATE, format="MAT5")
    assert similarity(load_speech(path).samples, voice()) > 0.999


@pytest.mark.parametrize("seconds", [0.05, 1 / RATE, 0.5])
def test_short_and_silent(tmp_path: Path, seconds: float) -> None:
    path = tmp_path / "short.wav"
    soundfile.write(path, np.zeros(round(seconds * RATE)), RATE)
    speech = load_speech(path)
    assert len(speech.samples) == round(seconds * RATE)
    assert not speech.samples.any()


def test_offset_clipping_and_loose_floats(tmp_path: Path) -> None:
    path = tmp_path / "odd.wav"
    soundfile.write(path, voice() * 3 + 0.25, RATE, subtype="FLOAT")
    samples = load_speech(path).samples
    assert abs(samples.mean()) < 1e-3 and np.abs(samples).max() <= 1
    assert similarity(samples, voice()) > 0.999
    soundfile.write(path, np.clip(voice() * 20, -1, 1), RATE)
    assert 0.9 < np.abs(load_speech(path).samples).max() <= 1


def test_a_clean_file_keeps_its_samples(tmp_path: Path) -> None:
    path = tmp_path / "exact.wav"
    soundfile.write(path, voice(), RATE, subtype="FLOAT")
    np.testing.assert_array_equal(load_speech(path).samples, voice())


def test_not_numbers(tmp_path: Path) -> None:
    path = tmp_path / "nan.wav"
    samples = voice()
    samples[5000:5005] = [np.nan, np.inf, -np.inf, np.nan, np.nan]
    soundfile.write(path, samples, RATE, subtype="FLOAT")
    assert np.isfinite(load_speech(path).samples).all()
    samples[3000:9000] = np.nan
    soundfile.write(path, samples, RATE, subtype="FLOAT")
    with pytest.raises(InputError, match="not numbers"):
        load_speech(path)


@pytest.mark.parametrize("name", ['it\'s "quoted" & spaced.wav', "-y.wav", "concat:a|b.wav", b"v\xf6ice.wav"])
def test_odd_names(tmp_path: Path, name: str | bytes) -> None:
    path = Path(os.fsdecode(os.path.join(os.fsencode(tmp_path), os.fsencode(name))))  # noqa: PTH118
    soundfile.write(tmp_path / "plain.wav", voice(), RATE)
    (tmp_path / "plain.wav").rename(path)
    assert load_speech(path).seconds == 1.0


def bad_files(folder: Path) -> Iterator[tuple[Path, str]]:
    soundfile.write(folder / "whole.wav", voice(1.0), RATE)
    mp3 = convert(folder / "whole.wav", folder / "whole.mp3")
    m4a = convert(folder / "whole.wav", folder / "whole.m4a", "-c:a", "aac")
    (folder / "cut.mp3").write_bytes(mp3.read_bytes()[:60])
    (folder / "cut.m4a").write_bytes(m4a.read_bytes()[:900])
    (folder / "text.wav").write_text("This is not a sound. " * 100)
    (folder / "empty.wav").touch()
    soundfile.write(folder / "header.wav", np.zeros(0), RATE)
    (folder / os.fsdecode(b"\xff.wav")).write_bytes(b"RIFF\0\0\0\0WAVEjunk")
    os.mkfifo(folder / "pipe.wav")
    yield folder, "folder"
    yield folder / "missing.wav", "does not exist"
    yield folder / "nul\0.wav", "does not exist|cannot be read"
    yield folder / ("long" * 100 + ".wav"), "cannot be read"
    yield folder / "pipe.wav", "regular file"
    yield folder / "empty.wav", "empty"
    yield folder / "header.wav", "no sound"
    for name in ("cut.mp3", "cut.m4a", "text.wav", os.fsdecode(b"\xff.wav")):
        yield folder / name, "not sound|no sound"


def test_bad_files_are_refused_in_one_line(tmp_path: Path) -> None:
    for path, message in bad_files(tmp_path):
        with pytest.raises(InputError, match=message) as caught:
            load_speech(path)
        text = str(caught.value)
        assert "\n" not in text and ":" in text
        text.encode("utf-8")


def test_truncated_mp3_gives_what_is_left(wav: Path) -> None:
    mp3 = convert(wav, wav.with_suffix(".mp3"), "-b:a", "96k")
    mp3.write_bytes(mp3.read_bytes()[:12_000])
    assert 0.8 < load_speech(mp3).seconds < 1.1


def test_the_limit_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(load, "LONGEST_SECONDS", 3600)
    path = tmp_path / "long.flac"
    with soundfile.SoundFile(path, "w", 8000, 1) as file:
        for _ in range(61):
            file.write(np.zeros(60 * 8000, np.int16))
    with pytest.raises(InputError, match="longer than 1 hours"):
        load_speech(path)


def test_long_sound_is_mapped_and_leaves_no_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path / "temporary"))
    (tmp_path / "temporary").mkdir()
    path = tmp_path / "long.wav"
    soundfile.write(path, np.tile(voice(10.0), 60), RATE)
    speech = load_speech(path)
    assert isinstance(speech.samples, np.memmap) and not speech.samples.flags.writeable
    assert speech.seconds == 600 and similarity(speech.samples[-RATE * 10 :], voice(10.0)) > 0.999
    assert list((tmp_path / "temporary").iterdir()) == []


def test_ffmpeg_ends_with_its_iterator(tmp_path: Path) -> None:
    soundfile.write(tmp_path / "long.wav", np.tile(voice(10.0), 60), RATE)
    blocks = decoded_blocks(tmp_path / "long.wav", 3600)
    next(blocks)
    blocks.close()  # type: ignore[attr-defined]
    children = Path(f"/proc/{os.getpid()}/task/{os.getpid()}/children")
    assert not children.exists() or children.read_text() == ""


def test_arguments() -> None:
    source = untrusted_input(Path("/tmp/-a b'.wav"))
    assert source[:2] == ["-protocol_whitelist", "file,pipe"]
    assert source[-2:] == ["-i", "file:/tmp/-a b'.wav"]
    assert not {"hls", "concat", "dash", "imf", "image2"} & set(source[3].split(","))
    assert decode_arguments("ffmpeg", source, 5) == [
        *("ffmpeg", "-nostdin", "-hide_banner", "-nostats", "-loglevel", "error", *source),
        *("-map", "0:a:0", "-vn", "-sn", "-dn", "-t", "5", "-af", "aresample=async=1:first_pts=0"),
        *("-ac", "1", "-ar", "16000", "-c:a", "pcm_f32le", "-f", "f32le", "pipe:1"),
    ]


@pytest.fixture
def listener() -> Iterator[tuple[str, list[str]]]:
    """A server that notes who asks."""
    asked: list[str] = []

    class Noting(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            asked.append(self.path)
            self.send_error(404)

        def log_message(self, *_: object) -> None: ...

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Noting)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}", asked
    server.shutdown()
    server.server_close()
    thread.join()


def test_playlists_reach_nothing(tmp_path: Path, listener: tuple[str, list[str]]) -> None:
    address, asked = listener
    secret = tmp_path / "secret.ts"
    soundfile.write(tmp_path / "secret.wav", voice(), RATE)
    convert(tmp_path / "secret.wav", secret, "-c:a", "aac")
    segments = [f"{address}/a.ts", str(secret), "secret.ts"]
    crafted = {f"{at}.m3u8": f"#EXTM3U\n#EXTINF:1,\n{name}\n#EXT-X-ENDLIST\n" for at, name in enumerate(segments)}
    crafted |= {f"{at}.wav": f"ffconcat version 1.0\nfile '{name}'\n" for at, name in enumerate(segments)}
    for name, text in crafted.items():
        (tmp_path / name).write_text(text)
        with pytest.raises(InputError, match="not sound"):
            load_speech(tmp_path / name)
    assert asked == []


def test_a_full_disk_is_the_machines_fault(wav: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tempfile.TemporaryFile", lambda *_, **__: open("/dev/full", "r+b", buffering=0))  # noqa: PTH123, SIM115
    with pytest.raises(LipSyncError, match="full") as caught:
        load_speech(wav)
    assert caught.value.exit_code == 4


def test_encoders_are_looked_up() -> None:
    assert has_encoders(ffmpeg_executable())
    assert not has_encoders(ffmpeg_executable(), ("no-such-encoder",))
    assert not has_encoders("/bin/false")
    assert not has_encoders("/no/such/ffmpeg")
