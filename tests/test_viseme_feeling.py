"""Expression tags on the embedded engine: the channels move, closed lips stay closed, patches keep their borders."""

from __future__ import annotations

import dataclasses
from fractions import Fraction

import numpy as np
import pytest
from viseme_portraits import POSES, laid_in, portrait

from lipsync_colab.engines.viseme.brows import Brows
from lipsync_colab.engines.viseme.engine import speaking_track
from lipsync_colab.engines.viseme.feeling import FEELINGS, add_feeling
from lipsync_colab.engines.viseme.motion import CHANNELS, empty_track
from lipsync_colab.engines.viseme.rig import FaceRig
from lipsync_colab.moods import EMPHASIS
from lipsync_colab.narrate.script import EXPRESSIONS
from lipsync_colab.narrate.voice import speak
from lipsync_colab.types import Mood, RenderPlan, RenderSettings, Speech, frame_count

FPS = Fraction(25)


@pytest.fixture(scope="module")
def speech() -> Speech:
    return speak("Bob may buy my big map. We move, pause, and open the map again.")


def plan(speech: Speech, moods: tuple[Mood, ...] = (), **chosen: float) -> RenderPlan:
    frames = frame_count(speech.seconds, FPS)
    return RenderPlan(RenderSettings(**chosen), "viseme", "", "", 64, 64, "25", frames, 250, moods=moods)  # type: ignore[arg-type]


def test_every_tag_but_neutral_has_a_face() -> None:
    assert set(FEELINGS) == {*EXPRESSIONS, EMPHASIS} - {"neutral"}


def test_no_mood_gives_the_same_track(speech: Speech) -> None:
    plain = speaking_track(speech, plan(speech))
    neutral = speaking_track(speech, plan(speech, (Mood(0, 9, "neutral"),)))
    np.testing.assert_array_equal(plain.values, neutral.values)
    assert not plain.channel("frown").any()


@pytest.mark.parametrize("tag", list(FEELINGS))
def test_a_tag_moves_its_channels_and_leaves_closures_whole(speech: Speech, tag: str) -> None:
    plain = speaking_track(speech, plan(speech))
    moved = speaking_track(speech, plan(speech, (Mood(0, speech.seconds, tag),)))
    for name in ("smile", "brow", "frown"):
        change = moved.channel(name) - plain.channel(name)
        wanted = getattr(FEELINGS[tag], name)
        assert change[np.abs(change).argmax()] == pytest.approx(wanted, abs=1e-5)  # elsewhere the range may end it
        assert (np.sign(change) * np.sign(wanted) >= 0).all()
    for name in ("press", "tuck"):
        np.testing.assert_array_equal(moved.channel(name), plain.channel(name))
    assert (moved.channel("blink") >= plain.channel("blink")).all()
    assert np.abs(moved.values).max() <= 1


def test_one_clip_changes_its_mood(speech: Speech) -> None:
    half = speech.seconds / 2
    track = speaking_track(speech, plan(speech, (Mood(0, half, "happy"), Mood(half, speech.seconds, "sad"))))
    corners = track.channel("smile")
    assert corners[:30].mean() > 0.5 and corners[-30:].mean() < -0.3
    assert np.abs(np.diff(corners)).max() < 0.15


def test_amounts_of_expression_and_head_motion_hold(speech: Speech) -> None:
    moods = (Mood(0, 9, "angry"),)
    none = speaking_track(speech, plan(speech, moods, expression=0.0))
    assert not any(none.channel(name).any() for name in ("smile", "brow", "frown"))
    still = add_feeling(empty_track(50, "energy"), moods, FPS, head_motion=0.0)
    assert not any(still.channel(name).any() for name in ("pitch", "yaw", "head_x"))
    quiet = speaking_track(speech, plan(speech, (Mood(0, 9, "neutral", head=0.0),)))
    assert not quiet.channel("yaw").any() and quiet.channel("jaw").any()


@pytest.mark.parametrize("name", ["hopper", "astronaut"])
@pytest.mark.parametrize("tag", ["happy", "sad", "angry"])
def test_the_face_changes_only_in_its_patches_and_lips_meet(name: str, tag: str) -> None:
    still, rig = portrait(name), FaceRig(portrait(name))
    feeling = dataclasses.asdict(FEELINGS[tag])
    pose = {key: feeling[key] for key in ("smile", "brow", "frown")} | {"blink": feeling["lids"]}
    plain = laid_in(still, rig.render(POSES["m"]))
    moved = laid_in(still, rig.render({**POSES["m"], **pose}))
    marks = still.face.landmarks
    for corners in ([61, 291], [55, 285]):  # the mouth's corners, the brows' inner ends
        for x, y in marks[corners].astype(int):
            spot = np.s_[y - 12 : y + 12, x - 12 : x + 12]
            assert np.abs(moved[spot].astype(int) - plain[spot]).max() > 10
    # The lip line of a closed mouth is dark or skin: no tooth, no gap of the cavity.
    x, y = marks[[13, 14]].mean(axis=0).astype(int)
    seam, was = (frame[y - 25 : y + 25, x - 8 : x + 8].astype(int).sum(axis=2) for frame in (moved, plain))
    assert seam.max() < 1.1 * was.max() and seam.min() > 0.6 * was.min()


def test_a_frown_takes_the_inner_ends_of_the_brows_down_and_together() -> None:
    still = portrait("astronaut")
    brows, marks, unit = Brows(still), still.face.landmarks, still.face.eye_distance
    (left, right), outer = marks[[107, 336]], marks[[70, 300]]
    field = brows.frown(*np.concatenate([[left, right], outer]).T[..., None])[:, 0]
    # The field says where colours come from: from above what has come down, from outside what has come together.
    assert (field[:2, 1] < -0.01 * unit).all() and (np.abs(field[2:]) < 0.006 * unit).all()
    assert field[0, 0] < 0 < field[1, 0]


def test_channels_keep_their_order() -> None:
    assert CHANNELS[-1] == "frown" and len(set(CHANNELS)) == len(CHANNELS)
