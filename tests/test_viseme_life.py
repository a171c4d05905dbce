"""Life beside the mouth: independent amounts, rest in silence, time in seconds, long recordings by blocks."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lipsync_colab.engines.viseme.blinking import BLINK_TIMES, blink_closure, blink_times
from lipsync_colab.engines.viseme.life import add_life
from lipsync_colab.engines.viseme.motion import LIFE, MOUTH, MotionTrack, empty_track
from lipsync_colab.engines.viseme.prosody import Prosody, pitches
from lipsync_colab.types import Phoneme, Speech, frame_count

RATE = 16_000
HEAD = ("head_x", "head_y", "roll", "yaw", "pitch", "breath")
FACE = ("gaze_x", "gaze_y", "brow", "smile")


def voice(seconds: float = 30.0, pause: float = 0.6, phrase: float = 2.4, seed: int = 0) -> Speech:
    """Voiced syllables, four a second, every fourth of them stressed (louder and higher), in phrases with pauses."""
    random = np.random.default_rng(seed)
    times = np.arange(int(seconds * RATE)) / RATE
    beat = (times / 0.25).astype(int)
    stressed = beat % 4 == 1
    pitch = np.where(stressed, 165.0, 120.0)
    phase = 2 * np.pi * np.cumsum(pitch) / RATE
    tone = sum(np.sin(k * phase) / k for k in range(1, 7))
    syllable = np.sin(np.pi * (times % 0.25) / 0.25) ** 2 * np.where(stressed, 0.3, 0.12)
    spoken = times % (phrase + pause) < phrase
    samples = tone * syllable * spoken + 1e-5 * random.normal(0, 1, len(times))
    return Speech(samples.astype(np.float32), RATE)


def lively(speech: Speech, fps: Fraction = Fraction(25), **amounts: float) -> MotionTrack:
    return add_life(empty_track(frame_count(speech.seconds, fps), "energy"), speech, fps, **amounts)


@pytest.fixture(scope="module")
def speech() -> Speech:
    return voice()


@pytest.fixture(scope="module")
def track(speech: Speech) -> MotionTrack:
    return lively(speech)


def test_the_mouth_is_left_as_it_was(speech: Speech) -> None:
    before = empty_track(frame_count(30.0, Fraction(25)), "alignment")
    before.values[:] = 0.25
    after = add_life(before, speech, Fraction(25))
    assert after.source == "alignment" and (before.values == 0.25).all()
    for name in MOUTH:
        assert (after.channel(name) == 0.25).all()


@pytest.mark.parametrize(("amount", "channels"), [("head_motion", HEAD), ("expression", FACE), ("blink", ("blink",))])
def test_an_amount_of_zero_is_none_and_leaves_the_rest(
    speech: Speech, track: MotionTrack, amount: str, channels: tuple[str, ...]
) -> None:
    without = lively(speech, **{amount: 0.0})
    for name in LIFE:
        assert track.channel(name).any(), name
        if name in channels:
            assert not without.channel(name).any()
        elif amount != "head_motion" or not name.startswith("gaze"):  # the eyes counter the head's turns
            np.testing.assert_array_equal(without.channel(name), track.channel(name))


def test_still_keeps_blinks_and_face(speech: Speech, track: MotionTrack) -> None:
    still = lively(speech, still=True)
    assert not any(still.channel(name).any() for name in HEAD)
    for name in ("blink", "brow", "smile"):
        np.testing.assert_array_equal(still.channel(name), track.channel(name))


def test_amounts_scale_motion_and_blink_rate(speech: Speech, track: MotionTrack) -> None:
    more = lively(speech, head_motion=2.0, expression=2.0, blink=2.0)
    for name in (*HEAD, "gaze_x", "gaze_y", "brow"):
        ratio = np.abs(more.channel(name)).mean() / np.abs(track.channel(name)).mean()
        assert 1.5 < ratio <= 2.05, name
    starts = [int((np.diff((taken.channel("blink") > 0.5).astype(int)) == 1).sum()) for taken in (track, more)]
    assert 1.4 * starts[0] < starts[1] < 3 * starts[0]


def test_the_same_seed_gives_the_same_take(speech: Speech, track: MotionTrack) -> None:
    np.testing.assert_array_equal(lively(speech).values, track.values)
    other = lively(speech, seed=1)
    assert all((other.channel(name) != track.channel(name)).any() for name in LIFE)


@pytest.mark.parametrize("fps", [Fraction(24000, 1001), Fraction(30000, 1001), Fraction(50), Fraction(60)])
def test_what_happens_does_not_depend_on_the_frame_rate(speech: Speech, fps: Fraction) -> None:
    slow, fast = lively(speech, Fraction(25)), lively(speech, fps)
    at = [(np.arange(len(taken)) + 0.5) / float(rate) for taken, rate in ((slow, Fraction(25)), (fast, fps))]
    for name in (*HEAD, "brow", "smile"):
        there = np.interp(at[0], at[1], fast.channel(name))
        assert np.abs(there - slow.channel(name)).max() < 0.12 * np.abs(slow.channel(name)).max() + 1e-6, name


def test_every_channel_stays_in_its_range() -> None:
    taken = lively(voice(60.0, seed=3), head_motion=2.0, expression=2.0, blink=2.0, seed=5)
    limits = {"blink": (0, 1), "gaze_x": (-0.06, 0.06), "gaze_y": (-0.03, 0.03), "brow": (-1, 1), "smile": (-1, 1)}
    limits |= {"head_x": (-0.045, 0.045), "head_y": (-0.035, 0.035), "roll": (-0.04, 0.04)}
    limits |= {"yaw": (-0.08, 0.08), "pitch": (-0.08, 0.08), "breath": (0, 0.025)}
    for name, (low, high) in limits.items():
        assert low - 1e-6 <= taken.channel(name).min() and taken.channel(name).max() <= high + 1e-6, name
    assert np.isfinite(taken.values).all()


def test_the_first_frame_is_nearly_the_still(track: MotionTrack) -> None:
    pose = track.pose(0)
    assert all(abs(pose[name]) < 0.002 for name in HEAD) and pose["blink"] == 0 and abs(pose["brow"]) < 0.02


def test_the_head_rests_in_silence() -> None:
    spoken, silence = voice(12.0), np.zeros(8 * RATE, np.float32)
    taken = lively(Speech(np.concatenate([spoken.samples, silence]), RATE))
    for name in HEAD[:-1]:
        speed = np.abs(np.diff(taken.channel(name)))
        assert speed[14 * 25 :].mean() < 0.05 * speed[: 12 * 25].mean(), name


def test_no_voice_gives_no_head_motion_but_blinks_and_breath() -> None:
    taken = lively(Speech(np.zeros(20 * RATE, np.float32), RATE))
    assert not any(taken.channel(name).any() for name in (*HEAD[:-1], "brow", "smile"))
    assert taken.channel("blink").max() > 0.8 and taken.channel("breath").max() > 0.004


@pytest.mark.parametrize("samples", [0, 1, 100, 800])
def test_tiny_recordings_are_answered(samples: int) -> None:
    speech = Speech(np.full(samples, 0.1, np.float32), RATE)
    taken = add_life(empty_track(2, "energy"), speech, Fraction(25), head_motion=2, expression=2, blink=2)
    assert taken.values.shape == empty_track(2, "energy").values.shape and np.isfinite(taken.values).all()


def test_nods_follow_the_stressed_syllables(speech: Speech, track: MotionTrack) -> None:
    prosody = Prosody.of(speech)
    stressed = np.arange(0.25 + 0.125, 30, 1.0)
    stressed = stressed[(stressed % 3.0) < 2.4]
    found = [np.abs(prosody.accents[:, 0] - at).min() < 0.06 for at in stressed]
    assert np.mean(found) > 0.9 and len(prosody.accents) < 1.5 * len(stressed)
    pitch, at = track.channel("pitch"), (np.arange(len(track)) + 0.5) / 25
    drop = [np.interp(when + 0.07, at, pitch) - np.interp(when - 0.12, at, pitch) for when in stressed[1:]]
    assert np.mean(drop) > 0.004


def test_stress_marks_of_phonemes_strengthen_accents(speech: Speech) -> None:
    marked = tuple(Phoneme("AA", t - 0.06, t + 0.06, stress=1) for t in np.arange(0.375, 30, 1.0))
    with_marks = Speech(speech.samples, RATE, phonemes=marked)
    assert Prosody.of(with_marks).accents[:, 1].mean() > Prosody.of(speech).accents[:, 1].mean() + 0.05


def test_blinks_prefer_pauses() -> None:
    prosody = Prosody.of(voice(120.0))
    near = []
    for seed in range(6):
        for at in blink_times(prosody, 1.0, np.random.default_rng(seed)):
            near.append(any(start - 0.02 <= at <= end for start, end in prosody.pauses))
    assert np.mean(near) > 0.45  # a fifth of the time is pause


@given(seed=st.integers(0, 10_000), amount=st.floats(0.25, 2.0), seconds=st.floats(5, 90))
@settings(max_examples=40, deadline=None)
def test_blinks_come_in_order_and_at_a_human_rate(seed: int, amount: float, seconds: float) -> None:
    quiet = Prosody(seconds, np.zeros(0), np.zeros(0), np.zeros(0), np.zeros((0, 2)), [], [])
    blinks = np.array(blink_times(quiet, amount, np.random.default_rng(seed)))
    gaps = np.diff(blinks)
    assert (gaps >= BLINK_TIMES[-1]).all() and (gaps <= 4.5 / amount + 1e-9).all()
    assert len(blinks) <= 2 + seconds * amount / 0.42


@given(start=st.floats(0.5, 2.0), fps=st.sampled_from([23.976, 25.0, 30.0, 60.0]))
@settings(max_examples=40, deadline=None)
def test_every_blink_shuts_at_every_frame_rate(start: float, fps: float) -> None:
    times = (np.arange(int(3 * fps)) + 0.5) / fps
    closure = blink_closure([start], times)
    assert closure.max() > 0.9
    assert not closure[(times < start) | (times > start + 0.26)].any()


def test_pitch_of_a_tone() -> None:
    times = np.arange(RATE) / RATE
    tone = np.sin(2 * np.pi * 140 * times) + 0.5 * np.sin(2 * np.pi * 280 * times)
    found = pitches(Speech((0.2 * tone).astype(np.float32), RATE))
    assert np.median(found) == pytest.approx(140, rel=0.01) and (found > 0).mean() > 0.95
    hiss = np.random.default_rng(0).normal(0, 0.1, RATE).astype(np.float32)
    assert (pitches(Speech(hiss, RATE)) > 0).mean() < 0.1


def test_pitch_by_blocks_is_the_same_from_a_memory_map(tmp_path: Path) -> None:
    speech = voice(60.0)
    np.save(tmp_path / "voice.npy", speech.samples)
    mapped = Speech(np.load(tmp_path / "voice.npy", mmap_mode="r"), RATE)
    np.testing.assert_array_equal(pitches(mapped), pitches(speech))
    tail = Speech(speech.samples[41 * RATE :], RATE)
    np.testing.assert_allclose(pitches(speech)[41 * 50 : 41 * 50 + 200], pitches(tail)[:200], rtol=1e-5)
