"""A storyboard to one file, decoded again: lengths, lips, captions and sound agree within a frame."""

from __future__ import annotations

import json
import shutil
import sys
from fractions import Fraction
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile
from material import astronaut, frames_of, hopper, tone

from lipsync_colab import RenderSettings, render_storyboard
from lipsync_colab.audio import load_speech
from lipsync_colab.audio.level import STEP, SpeechGate
from lipsync_colab.encode import Encoding, SegmentWriter
from lipsync_colab.errors import InputError, MachineError
from lipsync_colab.narrate.caption_files import parse_srt
from lipsync_colab.narrate.storyboard import parse_storyboard
from lipsync_colab.phonemes.timing import SILENT_LEAD
from lipsync_colab.pipeline.crossfade import crossfaded
from lipsync_colab.pipeline.storyboard import Reel, prepare_storyboard, run_storyboard
from lipsync_colab.pipeline.verification import verify
from lipsync_colab.report.face_motion import face_motion
from lipsync_colab.report.lag import lag
from lipsync_colab.report.measure import closures, expected_opening
from lipsync_colab.report.video import open_video

FRAME = 1 / 25
SMALL = RenderSettings(size="240x240", captions="srt", head_motion=0.5)
SCENES: list[dict[str, Any]] = [
    {"portrait": "hopper.jpg", "text": "Bob may buy my big map.", "expression": "happy", "emphasis": ["big"]},
    {"portrait": "astronaut.png", "text": "Maybe Pam bumped my lamp.", "voice": "joe", "fade": 0.48},
]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = tmp_path_factory.mktemp("board")
    shutil.copy(hopper(), made / "hopper.jpg")
    astronaut(made)
    return made


@pytest.fixture(scope="module")
def reel(folder: Path, weights_cache: str) -> Reel:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("LIPSYNC_COLAB_CACHE", weights_cache)
        board = parse_storyboard({"scenes": SCENES}, folder, "board.json")
        made = prepare_storyboard(board, folder / "two.mp4", SMALL)
        run_storyboard(made)
    return made


@pytest.fixture(scope="module")
def frames(reel: Reel) -> np.ndarray:
    return frames_of(reel.output)


def test_picture_and_sound_are_as_long_as_planned(reel: Reel, frames: np.ndarray) -> None:
    first, second = reel.plans
    assert reel.fades == (0, 12) and reel.frames == first.frames + second.frames - 12 == len(frames)
    assert abs(load_speech(reel.output).seconds - len(frames) * FRAME) < FRAME
    assert open_video(reel.output).fps == 25


def test_the_sound_is_where_the_scenes_have_it(reel: Reel) -> None:
    heard = load_speech(reel.output).samples
    for job, start in zip(reel.jobs, reel.starts, strict=True):
        sound = job.speech.samples[3200:24000]
        at = start * 640 + 3200
        near = heard[at - 800 : at + len(sound) + 800]
        shift = int(np.argmax(np.correlate(near, sound, "valid"))) - 800
        assert abs(shift) <= 16  # a millisecond


def test_no_voice_lies_in_the_fade(reel: Reel) -> None:
    gate = SpeechGate.of(load_speech(reel.output))
    start = reel.starts[1] * FRAME
    assert not gate.active[round((start + 0.04) / STEP) : round((start + 0.44) / STEP)].any()


def test_lips_follow_the_sound_in_both_scenes(reel: Reel) -> None:
    video = open_video(reel.output)
    motion = face_motion(video.frames())
    for index, (job, start) in enumerate(zip(reel.jobs, reel.starts, strict=True)):
        skipped = reel.fades[index]
        until = start + job.plan.frames - (reel.fades[1] if index == 0 else 0)
        seen = motion.aperture[start + skipped : until]
        target = expected_opening(job.speech, video, job.plan.frames)[skipped : skipped + len(seen)]
        found = lag(seen, target)
        assert abs(found.frames) < 1 and found.correlation > 0.8
        whole = np.concatenate([np.full(skipped, np.nan), seen])
        assert closures(whole, job.speech.phonemes or (), 25.0) >= 0.85


def test_captions_begin_and_end_with_their_words(reel: Reel) -> None:
    captions = parse_srt(reel.output.with_suffix(".srt").read_text(encoding="utf-8"))
    assert [one.text for one in captions] == [scene["text"] for scene in SCENES]
    gate = SpeechGate.of(load_speech(reel.output))
    for one, job, start in zip(captions, reel.jobs, reel.starts, strict=True):
        sounds = [item for item in job.speech.phonemes or () if item.word]
        assert abs(one.start - (start * FRAME + sounds[0].start)) < FRAME / 2
        assert one.end >= start * FRAME + sounds[-1].end - FRAME / 2
        heard = np.flatnonzero(gate.active[round((one.start - 0.2) / STEP) : round(one.end / STEP)]) * STEP
        onset, last = one.start - 0.2 + heard[0], one.start - 0.2 + heard[-1]
        # Lips may close for a b up to 90 ms before it is heard; never does the sound come before the caption.
        assert -FRAME <= onset - one.start <= SILENT_LEAD + FRAME and last <= one.end + FRAME
    covered = np.zeros(len(gate.active), bool)
    for one in captions:
        covered[round((one.start - FRAME) / STEP) : round((one.end + FRAME) / STEP)] = True
    assert not (gate.active & ~covered).any()
    assert captions[0].end <= reel.starts[1] * FRAME + 0.001


def test_the_fade_goes_from_one_picture_to_the_other(reel: Reel, frames: np.ndarray) -> None:
    start = reel.starts[1]
    before, after = frames[start - 1].astype(float), frames[start + 12].astype(float)
    corner = np.s_[:40, :40]
    across = after[corner].mean((0, 1)) - before[corner].mean((0, 1))
    shares = [
        float((frames[start + i][corner].mean((0, 1)) - before[corner].mean((0, 1))) @ across / (across @ across))
        for i in range(12)
    ]
    assert np.abs(np.array(shares) - (np.arange(12) + 0.5) / 12).max() < 0.08


def test_moods_are_in_the_plan_and_the_record_holds(reel: Reel, folder: Path) -> None:
    assert [mood.tag for mood in reel.plans[0].moods] == ["happy", "emphasis"] and reel.plans[1].moods == ()
    assert any("happy" in reason and "viseme" in reason for reason in reel.plans[0].reasons)
    checks = verify(reel.output, portrait=folder / "astronaut.png")
    assert all(check.holds for check in checks if check.holds is not None)
    assert {check.what for check in checks if check.holds} >= {"mark", "plan", "video", "portrait"}


def test_only_a_changed_scene_is_rendered_again(reel: Reel, folder: Path, frames: np.ndarray) -> None:
    scenes = [SCENES[0], {**SCENES[1], "expression": "sad"}]
    board = parse_storyboard({"scenes": scenes}, folder, "board.json")
    changed = prepare_storyboard(board, reel.output, SMALL)
    again = run_storyboard(changed)
    assert again.report["reused_frames"] == reel.plans[0].frames
    assert again.report["mouth_from"] == ["phonemes", "phonemes"]  # of the scene that was there already, too
    assert changed.segments(0).folder == reel.segments(0).folder != changed.segments(1).folder
    assert sorted(path.name for path in changed.work.iterdir() if path.is_dir()) == sorted(
        changed.segments(index).folder.name for index in range(2)
    )
    now = frames_of(reel.output)
    assert np.array_equal(now[: reel.starts[1]], frames[: reel.starts[1]])


@pytest.fixture()
def small(folder: Path, tmp_path: Path) -> Path:
    for name in ("hopper.jpg", "astronaut.png"):
        shutil.copy(folder / name, tmp_path / name)
    return tmp_path


TINY = RenderSettings(size="96x96", head_motion=0.0, fps="29.97")


def test_recordings_cuts_and_stereo(small: Path) -> None:
    times = np.arange(48000) / 48000
    buzz = 0.3 * np.sign(np.sin(2 * np.pi * 130 * times)) * (np.sin(np.pi * 3 * times) ** 2)
    soundfile.write(small / "stereo.wav", np.stack([buzz, 0.5 * buzz], axis=1), 48000)
    tone(small / "mono.wav", 0.7)
    scenes = [
        {"portrait": "hopper.jpg", "recording": "stereo.wav", "pause": 0.3},
        {"portrait": "astronaut.png", "recording": "mono.wav", "background": "#102030"},
        {"portrait": "hopper.jpg", "recording": "mono.wav", "fade": 0.3},
    ]
    told: list[str] = []
    (small / "board.json").write_text(json.dumps({"scenes": scenes}))
    out = small / "out.mp4"
    result = render_storyboard(small / "board.json", out, TINY, progress=lambda stage, done, total: told.append(stage))
    frames = frames_of(out)
    assert len(frames) == result.report["frames"] == sum(plan.frames for plan in result.plans) - 9
    assert abs(load_speech(out).seconds - len(frames) / float(Fraction(30000, 1001))) < 1 / 29
    assert {"scene 1 of 3: frames", "scene 3 of 3: frames", "join"} <= set(told)
    record = json.loads(out.with_name("out.mp4.json").read_text(encoding="utf-8"))
    assert record["report"]["mouth_from"] == result.report["mouth_from"] and len(result.report["mouth_from"]) == 3
    assert not {"", "phonemes", "alignment"} & set(result.report["mouth_from"])
    assert all(before < after for before, after in pairwise(result.starts))


def test_cuts_are_joined_without_encoding_again(small: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def never(*words: object) -> None:
        raise AssertionError("a cut was encoded")

    monkeypatch.setattr("lipsync_colab.pipeline.storyboard.write_crossfade", never)
    tone(small / "mono.wav", 0.5)
    scene = {"portrait": str(small / "hopper.jpg"), "recording": str(small / "mono.wav")}
    result = render_storyboard({"scenes": [scene, scene]}, small / "out.mp4", TINY)
    assert len(frames_of(small / "out.mp4")) == 2 * result.plans[0].frames


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"fade": 3.0}, "scene 2 of board.json: its fade of 3 s is longer than what scene"),
        ({"portrait": "empty.png"}, "scene 2 of board.json: .*empty.png"),
        ({"background": "nothing.png"}, "scene 2 of board.json: --background"),
        ({"face": 3}, "scene 2 of board.json: "),
    ],
)
def test_what_cannot_be_made_is_refused_before_anything_is(small: Path, change: dict[str, Any], said: str) -> None:
    (small / "empty.png").write_bytes(b"no picture")
    board = parse_storyboard({"scenes": [SCENES[0], {**SCENES[1], **change}]}, small, "board.json")
    with pytest.raises(InputError, match=said) as caught:
        prepare_storyboard(board, small / "out.mp4", TINY)
    assert "\n" not in str(caught.value)
    assert not list(small.glob("out*"))


def test_an_output_that_cannot_be_written_is_refused(small: Path) -> None:
    board = parse_storyboard({"scenes": SCENES}, small, "board.json")
    with pytest.raises(InputError, match="does not exist"):
        prepare_storyboard(board, small / "none" / "out.mp4", TINY)
    with pytest.raises(InputError, match="of their own"):
        prepare_storyboard(board, small / "out.mp4", RenderSettings(text="Hi."))


def test_without_moviepy_a_fade_is_refused_and_says_how_to_get_it(small: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "moviepy.video.compositing.CompositeVideoClip", None)
    board = parse_storyboard({"scenes": SCENES}, small, "board.json")
    with pytest.raises(MachineError, match="pip install 'moviepy"):
        prepare_storyboard(board, small / "out.mp4", TINY)


def test_a_fade_is_the_weighted_mean_of_its_pictures_in_every_moviepy(tmp_path: Path) -> None:
    """Whichever moviepy is here: this very test also runs in Colab's runtime, which has 1.0.3."""
    down, across = np.mgrid[0:64, 0:96]
    for name, picture in (("going", np.stack([2 * across, 3 * down, 90 + 0 * down], 2)), ("coming", 230 - 2 * across)):
        shown = np.broadcast_to(picture if picture.ndim == 3 else picture[..., None], (64, 96, 3)).astype(np.uint8)
        with SegmentWriter(tmp_path / f"{name}.mp4", (96, 64), Fraction(25), Encoding()) as writer:
            for frame in range(12):
                writer.write(np.ascontiguousarray(np.roll(shown, 4 * frame, axis=1)))
    paths = (tmp_path / "going.mp4", tmp_path / "coming.mp4")
    going, coming = (frames_of(path).astype(float) for path in paths)
    made = np.stack(list(crossfaded(*paths, 12, Fraction(25)))).astype(float)
    share = ((np.arange(12) + 0.5) / 12)[:, None, None, None]
    # moviepy 1 cuts the fraction off, 2 keeps the share in 8 bits.
    assert np.abs(made - (going * (1 - share) + coming * share)).max() <= 3


def test_a_fade_holds_one_frame_at_a_time(reel: Reel) -> None:
    segments = reel.segments(0)
    tail = segments.path(reel.plans[0].frames - 12)
    stream = crossfaded(tail, tail, 12, Fraction(25))
    first = next(stream)
    assert first.shape == (240, 240, 3) and first.dtype == np.uint8
    stream.close()
