"""Lips against speech, measured on the decoded file: landmarks are found anew in every frame."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
from human_speech import HumanSpeech
from material import astronaut, hopper

from lipsync_colab.audio import load_speech
from lipsync_colab.engines.viseme.engine import speaking_track
from lipsync_colab.engines.viseme.motion import MotionTrack
from lipsync_colab.engines.viseme.mouth import Mouth
from lipsync_colab.narrate.voice import speak
from lipsync_colab.pipeline.render import Render, finish_still, prepare, run, silent
from lipsync_colab.report.face_motion import FaceMotion, face_motion
from lipsync_colab.report.lag import lag
from lipsync_colab.report.video import open_video
from lipsync_colab.types import Array, RenderSettings, Speech

LINE = "Bob may buy my big map. We move, pause, and open the map again. Papa brought a pumpkin to the market."
SHUT = 0.03
"""Eye distances between the inner lips below which a landmark model sees a closed mouth."""


@dataclass(frozen=True, eq=False)
class Clip:
    """A rendered clip and what was measured on it."""

    job: Render
    speech: Speech
    track: MotionTrack
    target: Array
    seen: FaceMotion


def clip(folder: Path, portrait: Path, speech: Speech, settings: RenderSettings) -> Clip:
    job = prepare(portrait, speech, folder / "clip.mp4", settings)
    run(job)
    track = speaking_track(speech, job.plan)
    lips = Mouth(finish_still(job.portrait, job.plan, silent).portrait).lips
    target = np.array([lips.pose(track.pose(frame)).opening for frame in range(len(track))], np.float32)
    return Clip(job, speech, track, target, face_motion(open_video(job.output).frames()))


@pytest.fixture(scope="module", params=["closed lips, a woman's voice", "smiling, a man's voice, 29.97 fps"])
def talking(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Clip:
    folder = tmp_path_factory.mktemp("talking")
    if request.param.startswith("closed"):
        speech = speak(LINE, path=folder / "voice.wav")
        return clip(folder, hopper(), speech, RenderSettings(size="640x640", upscale="none"))
    speech = speak(LINE, voice="joe", path=folder / "voice.wav")
    return clip(folder, astronaut(folder), speech, RenderSettings(size="640x640", upscale="none", fps="29.97"))


def test_lips_follow_their_target_without_lag(talking: Clip) -> None:
    found = lag(talking.seen.aperture, talking.target)
    assert talking.seen.found.all()
    assert found.correlation > 0.9
    assert abs(found.frames) < 0.5


def test_lips_open_as_far_as_asked(talking: Clip) -> None:
    slope = np.polyfit(talking.target, talking.seen.aperture, 1)[0]
    assert 0.7 < slope < 1.3


def test_lips_close_at_every_m_b_and_p(talking: Clip) -> None:
    assert talking.speech.phonemes is not None
    fps = float(talking.job.plan.rate)
    hits = []
    for phoneme in talking.speech.phonemes:
        if phoneme.symbol in ("M", "B", "P"):
            first, last = int(phoneme.start * fps), int(np.ceil(phoneme.end * fps))
            hits.append(talking.seen.aperture[first : last + 1].min() < SHUT)
    assert len(hits) > 12
    assert np.mean(hits) >= 0.9


def test_lids_blink_when_the_track_does(talking: Clip) -> None:
    blink = talking.track.channel("blink")
    assert blink.max() > 0.9
    assert lag(talking.seen.lids, 1 - blink).correlation > 0.8


@pytest.mark.parametrize(
    "source",
    ["alignment", pytest.param("recogniser", marks=pytest.mark.recogniser), "learned"],
    ids=["its text is known", "its words are heard", "the sound alone"],
)
def test_a_human_voice_moves_the_lips_in_time(tmp_path: Path, human_speech: HumanSpeech, source: str) -> None:
    name = human_speech.longer_than(10)[0]
    text = human_speech.prompts[name] if source == "alignment" else ""
    settings = RenderSettings(size="640x640", upscale="none", text=text)
    heard = clip(tmp_path, astronaut(tmp_path), load_speech(human_speech.wav(name), text), settings)
    assert heard.track.source == source
    found = lag(heard.seen.aperture, heard.target)
    assert found.correlation > 0.9
    assert abs(found.frames) < 0.5
    assert heard.target.max() > 0.06


def test_lips_rest_in_silence(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    quiet = (1e-4 * rng.normal(size=16000 * 2)).astype(np.float32)
    settings = RenderSettings(size="640x640", upscale="none", still=True, blink=0.0)
    silent = clip(tmp_path, hopper(), Speech(quiet, 16000), settings)
    assert np.ptp(silent.seen.aperture) < 0.01
    assert silent.track.channel("jaw").max() == 0
