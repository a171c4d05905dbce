"""Blending and closures in time, at any frame rate."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lipsync_colab.audio.level import frame_times
from lipsync_colab.engines.viseme.coarticulation import activity, blended, events, slowed, tongue
from lipsync_colab.engines.viseme.tongue import tongue_between, tongue_raised
from lipsync_colab.engines.viseme.visemes import SHAPES, TABLE, gestures
from lipsync_colab.phonemes.arpabet import CLOSURES, CONSONANTS, SILENCE, VOWELS
from lipsync_colab.types import Phoneme

RATES = [Fraction(24000, 1001), Fraction(24), Fraction(25), Fraction(30000, 1001), Fraction(50), Fraction(60)]
SYMBOLS = sorted(VOWELS | CONSONANTS)


def line(symbols: str, seconds: float = 0.1, start: float = 0.3) -> list[Phoneme]:
    """Phonemes of equal length, one after the other."""
    return [Phoneme(one, start + at * seconds, start + (at + 1) * seconds, 1) for at, one in enumerate(symbols.split())]


def test_every_phoneme_has_a_mouth() -> None:
    assert VOWELS | CONSONANTS | {SILENCE} == set(TABLE) | {"AW", "AY", "EY", "OY"}


def test_diphthongs_are_two_gestures() -> None:
    found = gestures([Phoneme("AY", 0.0, 0.2), Phoneme("AY", 0.2, 0.25), Phoneme("AA", 0.25, 0.25)])
    assert [(one.viseme, one.end) for one in found] == [
        (TABLE["AA"], pytest.approx(0.12)),
        (TABLE["IH"], 0.2),
        (TABLE["AA"], 0.25),
    ]


def test_a_long_vowel_reaches_its_target_and_neighbours_pull() -> None:
    times = np.arange(0, 1.2, 0.01)
    said = gestures([Phoneme("AA", 0.2, 0.8, 2), Phoneme("UW", 0.8, 1.0, 2)])
    shapes = blended(said, times)
    assert shapes[50, 0] == pytest.approx(0.92, abs=0.02)
    assert 0.3 < shapes[np.searchsorted(times, 0.8), 2] < 0.8


def test_blending_does_not_depend_on_the_frames_asked_for() -> None:
    said = gestures(line("M AA S IY W UW " * 12))
    times = frame_times(Fraction(25), 200)
    whole = blended(said, times)
    np.testing.assert_allclose(blended(said, times[60:90]), whole[60:90], atol=2e-3)


@settings(max_examples=60, deadline=None)
@given(
    symbols=st.lists(st.sampled_from(SYMBOLS), min_size=1, max_size=25),
    seconds=st.floats(0.03, 0.2),
    start=st.floats(0.1, 0.2),
    fps=st.sampled_from(RATES),
)
def test_every_closure_has_a_frame(symbols: list[str], seconds: float, start: float, fps: Fraction) -> None:
    phonemes = line(" ".join(symbols), seconds, start)
    times = frame_times(fps, int((phonemes[-1].end + 0.3) * fps))
    press = events(gestures(phonemes), times, "press")
    assert press.min() >= 0 and press.max() <= 1
    for one in phonemes:
        near = (times >= one.start - 0.5 / fps) & (times <= one.end + 0.5 / fps)
        if one.symbol in CLOSURES:
            assert press[near].max() == 1
    for before, one, after in zip(phonemes[:-2], phonemes[1:-1], phonemes[2:], strict=True):
        inside = (times > one.start) & (times < one.end)
        if one.symbol in VOWELS and inside.sum() > 2:
            assert press[inside].min() <= 0.16, (before, after)


def test_no_closure_where_there_is_none() -> None:
    times = frame_times(Fraction(25), 40)
    said = gestures(line("AA S T IY K OW"))
    assert not events(said, times, "press").any()
    assert not events(said, times, "tuck").any()


def test_the_tongue_and_the_tuck() -> None:
    times = frame_times(Fraction(50), 50)
    said = gestures(line("AA TH AA V AA"))
    assert tongue(said, times).max() > 0.9 and tongue(said, times)[-5:].max() < 0.01
    assert events(said, times, "tuck").max() == 1


@pytest.mark.parametrize(("sound", "out"), [("TH", True), ("DH", True), ("L", False), ("T", False), ("N", False)])
def test_the_tongue_leaves_the_teeth_for_th_alone(sound: str, out: bool) -> None:
    forward = float(tongue(gestures(line(f"AA {sound} AA")), frame_times(Fraction(50), 50)).max())
    assert tongue_raised(forward) > 0.75
    assert (tongue_between(forward) > 0.9) if out else (tongue_between(forward) == 0)


@given(
    st.lists(st.floats(0, 1, width=32), min_size=2, max_size=60),
    st.floats(0.01, 0.5),
)
def test_slowed_keeps_to_the_limit(raw: list[float], step: float) -> None:
    values = np.array(raw)[:, None]
    found = slowed(values, np.array([step]))
    assert np.abs(np.diff(found[:, 0])).max() <= step + 1e-9
    assert values.min() - 1e-9 <= found.min() and found.max() <= values.max() + 1e-9
    if np.abs(np.diff(values[:, 0])).max() <= step:
        np.testing.assert_allclose(found, values, atol=1e-9)


def test_activity_is_zero_in_pauses() -> None:
    times = np.array([0.0, 0.15, 0.35, 0.6, 0.75, 1.2])
    said = gestures([Phoneme("AA", 0.3, 0.6), Phoneme(SILENCE, 0.6, 1.5)])
    found = activity(said, times)
    assert found[0] == found[1] == found[-1] == 0 and found[2] == 1 and 0 < found[4] < 0.1


def test_nothing_to_blend() -> None:
    assert blended([], np.arange(3.0)).shape == (3, len(SHAPES))
    assert blended(gestures(line("AA")), np.zeros(0)).shape == (0, len(SHAPES))
