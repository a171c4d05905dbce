"""The report on clips whose faults are known: shifted sound, frozen lips, no sound, no face."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import soundfile
from material import hopper

from lipsync_colab.encode import Encoding, SegmentWriter, join_segments
from lipsync_colab.errors import InputError
from lipsync_colab.narrate.voice import speak
from lipsync_colab.pipeline.render import render_video
from lipsync_colab.report.measure import articulation, closures, measure, motion_in_silence
from lipsync_colab.report.video import open_video
from lipsync_colab.types import Phoneme, RenderSettings

LINE = "Bob may buy my big map. We move, pause, and open the map again."


@pytest.fixture(scope="module")
def talking(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("report")
    voice = speak(LINE, path=folder / "voice.wav")
    settings = RenderSettings(size="400x400", upscale="none", still=True)
    render_video(hopper(), voice, folder / "clip.mp4", settings)
    return folder / "clip.mp4"


def shifted(clip: Path, frames: int, folder: Path) -> Path:
    """The clip with its sound moved: positive makes the lips come after it."""
    sound, rate = soundfile.read(clip.with_name("voice.wav"))
    count = round(abs(frames) * rate / 25)
    silence = np.zeros(count)
    moved = np.concatenate([sound[count:], silence] if frames > 0 else [silence, sound[: len(sound) - count]])
    soundfile.write(folder / "moved.wav", moved, rate)
    out = folder / "shifted.mp4"
    join_segments([clip], folder / "moved.wav", Encoding(), out)
    return out


def test_our_own_clip_is_in_sync_and_closes(talking: Path) -> None:
    figures = measure(talking, LINE).figures
    assert abs(figures["lag_frames"]) < 0.75
    assert figures["lag_correlation"] > 0.7
    assert figures["closures"] >= 0.85
    assert figures["faces_found"] == 1
    assert figures["flicker_levels"] < 0.5
    assert abs(figures["length_difference_frames"]) <= 1
    assert figures["lag_correlation"] > figures["chance_correlation"] + 0.2
    assert figures["made_by"].startswith("lipsync-colab")


@pytest.mark.parametrize("frames", [-7, 5])
def test_a_known_shift_comes_out(talking: Path, tmp_path: Path, frames: int) -> None:
    report = measure(shifted(talking, frames, tmp_path), LINE)
    assert abs(report.figures["lag_frames"] - frames) < 0.5
    assert ("behind" if frames > 0 else "ahead of") in report.sentences[0]
    assert report.readings[0].fine is False


@pytest.mark.slow
@pytest.mark.parametrize("text", [LINE, ""], ids=["text", "sound alone"])
def test_every_shift_up_to_ten_frames_comes_out(talking: Path, tmp_path: Path, text: str) -> None:
    found = {
        frames: measure(shifted(talking, frames, tmp_path), text).figures["lag_frames"] for frames in range(-10, 11)
    }
    assert all(abs(lag - frames) < 0.5 for frames, lag in found.items()), found


def test_lips_that_move_in_silence_are_told(talking: Path, tmp_path: Path) -> None:
    sound, rate = soundfile.read(talking.with_name("voice.wav"))
    sound[len(sound) // 2 :] = 0
    soundfile.write(tmp_path / "half.wav", sound, rate)
    join_segments([talking], tmp_path / "half.wav", Encoding(), tmp_path / "out.mp4")
    report = measure(tmp_path / "out.mp4")
    assert report.figures["motion_in_silence"] > 0.4
    assert next(reading for reading in report.readings if reading.title == "Motion in silence").fine is False


def test_the_portrait_tells_how_sharp_the_mouth_should_be(talking: Path) -> None:
    figures = measure(talking, LINE, hopper()).figures
    assert 0.6 < figures["mouth_sharpness"] / figures["portrait_sharpness"] < 1.5


def test_frozen_lips_do_not_follow(talking: Path, tmp_path: Path) -> None:
    video = open_video(talking)
    first = next(video.frames()).copy()
    with SegmentWriter(tmp_path / "frozen.mp4", video.size, video.fps, Encoding()) as writer:
        for _ in range(80):
            writer.write(first)
    join_segments([tmp_path / "frozen.mp4"], talking.with_name("voice.wav"), Encoding(), tmp_path / "out.mp4")
    report = measure(tmp_path / "out.mp4")
    assert report.figures["articulation"] < 0.02
    assert "do not follow" in report.sentences[0]
    assert report.figures["chance_closures"] is None or report.figures["chance_closures"] in (0, 1)
    assert report.figures["repeated_frames"] > 40


def test_what_cannot_be_measured_is_refused(talking: Path, tmp_path: Path) -> None:
    with SegmentWriter(tmp_path / "grey.mp4", (320, 320), open_video(talking).fps, Encoding()) as writer:
        for _ in range(10):
            writer.write(np.full((320, 320, 3), 90, np.uint8))
    with pytest.raises(InputError, match="no sound"):
        measure(tmp_path / "grey.mp4")
    join_segments([tmp_path / "grey.mp4"], talking.with_name("voice.wav"), Encoding(), tmp_path / "out.mp4")
    with pytest.raises(InputError, match="no face"):
        measure(tmp_path / "out.mp4")


def test_motion_in_silence_is_a_share_of_motion_in_speech() -> None:
    gate = np.repeat([1.0, 0.0], 50).astype(np.float32)
    wave = np.tile([0.0, 0.1], 50).astype(np.float32)
    assert motion_in_silence(wave, gate) == pytest.approx(1)
    wave[50:] = 0
    assert motion_in_silence(wave, gate) == pytest.approx(0)
    assert np.isnan(motion_in_silence(wave, np.ones(100, np.float32)))


def test_closures_count_lips_that_shut_near_the_phoneme() -> None:
    aperture = np.full(50, 0.1, np.float32)
    aperture[11] = 0.0
    said = (Phoneme("M", 0.42, 0.5), Phoneme("AA", 0.5, 1.0), Phoneme("B", 1.5, 1.58))
    assert closures(aperture, said, 25.0) == 0.5
    assert articulation(aperture) == pytest.approx(0)
