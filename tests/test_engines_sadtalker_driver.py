"""SadTalker's driver on rule-filled weights: mechanics that hold whatever the networks say."""

from __future__ import annotations

import tracemalloc
from fractions import Fraction
from typing import Any

import numpy as np
import pytest
import soundfile
from golden import PARITY

torch = pytest.importorskip("torch")

from filled_networks import filled  # noqa: E402

from lipsync_colab import moods  # noqa: E402
from lipsync_colab.engines.headmotion.amounts import Amounts  # noqa: E402
from lipsync_colab.engines.headmotion.track import native_frames, native_position  # noqa: E402
from lipsync_colab.engines.sadtalker.coefficients import EXPRESSION, PLACE, POSE  # noqa: E402
from lipsync_colab.engines.sadtalker.driver import References, SadTalkerDriver, repeated  # noqa: E402
from lipsync_colab.types import Array, Mood, RenderSettings, Speech, frame_count  # noqa: E402

RATE = 16_000
STILL = np.concatenate([np.linspace(-1, 1, 64), [0.1, -0.2, 0.05, 0.3, 0.1, 12], [0.9, 127, 130]]).astype(np.float32)


@pytest.fixture(scope="module")
def driver() -> SadTalkerDriver:
    return SadTalkerDriver(filled("sadtalker.audio2exp"), filled("sadtalker.audio2pose"))


@pytest.fixture(scope="module")
def speech() -> Speech:
    samples, _ = soundfile.read(PARITY / "sadtalker" / "util" / "voice2s.wav", dtype="float32")
    return Speech(samples, RATE)


def track(driver: SadTalkerDriver, speech: Speech, frames: int = 50, seed: int = 1, **amounts: Any) -> Array:
    return driver.drive(speech, STILL, frames, Amounts(**amounts), seed=seed).values


@pytest.mark.parametrize("frames", [1, 2, 21, 33, 34])
def test_every_length(driver: SadTalkerDriver, speech: Speech, frames: int) -> None:
    values = track(driver, speech, frames)
    assert values.shape == (frames, 73) and np.isfinite(values).all()
    assert np.array_equal(values[:, PLACE], np.tile(STILL[PLACE], (frames, 1)))


def test_the_seed_decides_head_and_blinks(driver: SadTalkerDriver, speech: Speech) -> None:
    first = track(driver, speech, 60, seed=1)
    assert np.array_equal(first, track(driver, speech, 60, seed=1))
    other = track(driver, speech, 60, seed=2)
    assert not np.array_equal(first[:, POSE], other[:, POSE])
    assert not np.array_equal(first[:, EXPRESSION], other[:, EXPRESSION])
    without = [track(driver, speech, 60, seed=seed, blink=0.0)[:, EXPRESSION] for seed in (1, 2)]
    assert np.array_equal(*without)


def test_nothing_wanted_leaves_the_still(driver: SadTalkerDriver, speech: Speech) -> None:
    values = track(driver, speech, head=0.0, expression=0.0, blink=0.0)
    assert np.array_equal(values, np.tile(STILL, (50, 1)))


@pytest.mark.parametrize("name", ["head", "expression", "blink"])
def test_each_amount_changes_its_own_motion_and_no_other(driver: SadTalkerDriver, speech: Speech, name: str) -> None:
    nothing = {"head": 0.0, "expression": 0.0, "blink": 0.0}
    everything = {key: 1.0 for key in nothing}
    alone = track(driver, speech, **nothing | {name: 1.0}) - STILL
    missing = track(driver, speech, **everything | {name: 0.0}) - STILL
    whole = track(driver, speech) - STILL
    assert np.abs(alone).max() > 0.01
    assert np.allclose(whole - missing, alone, atol=1e-4)
    assert np.allclose(track(driver, speech, **nothing | {name: 0.5}) - STILL, alone / 2, atol=1e-4)
    touched = POSE if name == "head" else EXPRESSION
    untouched = EXPRESSION if name == "head" else POSE
    assert alone[:, touched].any() and not alone[:, untouched].any()


def test_an_expression_tag_scales_expression_and_head_while_it_lasts(driver: SadTalkerDriver, speech: Speech) -> None:
    usual = track(driver, speech, blink=0.0) - STILL
    half = frame_count(1.0, Fraction(25))
    tagged = track(driver, speech, blink=0.0, moods=(Mood(0.0, 1.0, "angry"),)) - STILL
    early, late = slice(0, half - 10), slice(half + 10, None)  # the ramp between lies in frames 16 to 34
    assert np.allclose(tagged[early, EXPRESSION], moods.EXPRESSION["angry"] * usual[early, EXPRESSION], atol=1e-4)
    assert np.allclose(tagged[early, POSE], moods.HEAD["angry"] * usual[early, POSE], atol=1e-4)
    assert np.allclose(tagged[late], usual[late], atol=1e-4)
    assert np.abs(tagged[early] - usual[early]).max() > 0.01
    calm = track(driver, speech, blink=0.0, moods=(Mood(0.0, 9.0, head=0.5),)) - STILL
    assert np.allclose(calm[:, POSE], usual[:, POSE] / 2, atol=1e-4)
    assert np.allclose(calm[:, EXPRESSION], usual[:, EXPRESSION], atol=1e-4)


def test_blinks_in_still_mode(driver: SadTalkerDriver, speech: Speech) -> None:
    amounts = Amounts.of(RenderSettings(still=True, expression=0.0))
    values = driver.drive(speech, STILL, 50, amounts, seed=1).values
    assert np.array_equal(values[:, POSE], np.tile(STILL[POSE], (50, 1)))
    assert np.abs(values[:, EXPRESSION] - STILL[EXPRESSION]).max() > 0.05


def test_silence_leaves_the_lips_and_lets_the_head_idle(driver: SadTalkerDriver) -> None:
    quiet = Speech(np.zeros(2 * RATE, np.float32), RATE)
    values = track(driver, quiet, blink=0.0)
    assert np.array_equal(values[:, EXPRESSION], np.tile(STILL[EXPRESSION], (50, 1)))
    assert np.ptp(values[:, POSE], axis=0).max() > 0


def test_a_pause_leaves_the_lips(driver: SadTalkerDriver, speech: Speech) -> None:
    samples = np.concatenate([speech.samples, np.zeros(RATE, np.float32), speech.samples])
    values = track(driver, Speech(samples, RATE), 125, blink=0.0)
    assert np.array_equal(values[58:68, EXPRESSION], np.tile(STILL[EXPRESSION], (10, 1)))
    assert not np.array_equal(values[20, EXPRESSION], STILL[EXPRESSION])


def test_full_amounts_are_the_released_arithmetic(driver: SadTalkerDriver, speech: Speech) -> None:
    from lipsync_colab.audio.mel import MelSpectrogram
    from lipsync_colab.engines.sadtalker.blinks import blink_track
    from lipsync_colab.engines.sadtalker.sound import MelWindows

    values = track(driver, speech, seed=3)
    mel = torch.from_numpy(MelWindows(MelSpectrogram(speech.samples)).stack(0, 50))
    reference = torch.from_numpy(STILL[EXPRESSION]).expand(1, 50, -1)
    blink = torch.from_numpy(blink_track(50, 3)).view(1, 50, 1)
    with torch.inference_mode():
        released = filled("sadtalker.audio2exp")(mel, reference, blink)[0].numpy()
    speaking = np.abs(track(driver, speech, blink=0.0) - STILL)[:, EXPRESSION].max(1) > 0
    heard = np.isclose(values[:, EXPRESSION], released, atol=2e-4).all(1)
    assert heard.sum() > 20 and not (heard & ~speaking).any()


def test_pose_of_a_video_is_added(driver: SadTalkerDriver, speech: Speech) -> None:
    nod = np.zeros((7, 6), np.float32)
    nod[:, 0] = np.linspace(0.5, 0.8, 7)
    own = driver.drive(speech, STILL, 30, Amounts(), seed=1).values
    moved = driver.drive(speech, STILL, 30, Amounts(), seed=1, references=References(pose=nod)).values
    assert np.allclose(moved[:, POSE] - own[:, POSE], repeated(nod, 30) - nod[0], atol=1e-5)
    assert np.array_equal(moved[:, EXPRESSION], own[:, EXPRESSION])


def test_lids_of_a_video_replace_blinks(driver: SadTalkerDriver, speech: Speech) -> None:
    lids = STILL[None, EXPRESSION] + np.eye(5, 64, dtype=np.float32)
    with_video = References(blink=lids)
    first = driver.drive(speech, STILL, 60, Amounts(), seed=1, references=with_video).values
    again = driver.drive(speech, STILL, 60, Amounts(), seed=2, references=with_video).values
    assert np.array_equal(first[:, EXPRESSION], again[:, EXPRESSION])
    none = driver.drive(speech, STILL, 60, Amounts(blink=0.0), references=with_video).values
    assert np.allclose(none[:, EXPRESSION], track(driver, speech, 60, blink=0.0)[:, EXPRESSION])
    assert np.abs(first - none)[:, EXPRESSION].max() > 0.01


@pytest.mark.parametrize("fps", ["25", "24", "30000/1001", "50", "10"])
@pytest.mark.parametrize("seconds", [0.03, 1.0, 2.013, 60.0])
def test_the_native_track_covers_every_frame(fps: str, seconds: float) -> None:
    rate = Fraction(fps)
    frames = frame_count(seconds, rate)
    native = native_frames(frames, rate)
    last = native_position(frames - 1, rate)
    assert native - 2 < last <= native - 1
    assert native_position(0, rate) == 0


@pytest.mark.slow
def test_a_minute_takes_little_more_memory_than_ten_seconds(driver: SadTalkerDriver, speech: Speech) -> None:
    def peak(repeats: int) -> int:
        long = Speech(np.tile(speech.samples, repeats), RATE)
        tracemalloc.start()
        track(driver, long, 50 * repeats)
        highest = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        return highest

    assert peak(30) < peak(5) + 15_000_000
