"""Chances over time → closures, each once and long enough for a frame."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest

from lipsync_colab.audio.level import frame_times
from lipsync_colab.engines.viseme.coarticulation import events
from lipsync_colab.engines.viseme.decoding import (
    SHORTEST,
    closures,
    confirmed,
    shapes_at,
    speaks,
    wakefulness,
)
from lipsync_colab.engines.viseme.outputs import OUTPUTS, STEP, step_times, targets
from lipsync_colab.engines.viseme.visemes import gestures
from lipsync_colab.types import Phoneme

WORD = [
    ("SIL", 0.2),
    ("M", 0.08),
    ("AA", 0.16),
    ("P", 0.1),
    ("IY", 0.14),
    ("F", 0.1),
    ("UW", 0.2),
    ("B", 0.06),
    ("SIL", 0.3),
]


def spoken() -> list[Phoneme]:
    ends = np.cumsum([seconds for _, seconds in WORD])
    return [Phoneme(symbol, end - seconds, end, 1) for (symbol, seconds), end in zip(WORD, ends, strict=True)]


def heard(count: int = 67) -> np.ndarray:
    return targets(gestures(spoken()), count)


def test_targets_are_what_is_known() -> None:
    known = heard()
    assert known.shape == (67, len(OUTPUTS)) and known.dtype == np.float32
    assert known.min() >= 0 and known.max() <= 1.05
    press = known[:, OUTPUTS.index("press")]
    assert press.sum() * STEP == pytest.approx(0.08 + 0.1 + 0.06, abs=1e-3)
    assert known[:, OUTPUTS.index("tuck")].sum() * STEP == pytest.approx(0.1, abs=1e-3)
    assert not known[:3, OUTPUTS.index("activity")].any()


def test_known_closures_are_found_in_place() -> None:
    found = closures(heard(), "press")
    wanted = [one for one in spoken() if one.symbol in "MPB"]
    assert len(found) == len(wanted)
    for gesture, phoneme in zip(found, wanted, strict=True):
        assert gesture.start == pytest.approx(phoneme.start, abs=0.02)
        assert gesture.end == pytest.approx(phoneme.end, abs=0.02)
    assert len(closures(heard(), "tuck")) == 1


@pytest.mark.parametrize("fps", [Fraction(24), Fraction(25), Fraction(60)])
def test_every_closure_is_whole_on_a_frame(fps: Fraction) -> None:
    times = frame_times(fps, int(1.34 * fps))
    found = closures(heard(), "press")
    press = events(found, times, "press")
    for gesture in found:
        near = (times > gesture.start - 0.5 / fps) & (times < gesture.end + 0.5 / fps)
        assert press[near].max() == 1


def test_doubt_closes_nothing() -> None:
    outputs = np.zeros((100, len(OUTPUTS)), np.float32)
    outputs[:, OUTPUTS.index("press")] = 0.2 + 0.05 * np.sin(np.arange(100))
    assert closures(outputs, "press") == []


def test_a_shallow_dip_parts_nothing_and_a_deep_one_does() -> None:
    for dip, count in ((0.8, 1), (0.1, 2)):
        outputs = np.zeros((40, len(OUTPUTS)), np.float32)
        outputs[10:21, OUTPUTS.index("press")] = 0.9
        outputs[15, OUTPUTS.index("press")] = dip
        assert len(closures(outputs, "press")) == count


def test_a_closure_at_either_end_counts_and_lasts() -> None:
    outputs = np.zeros((30, len(OUTPUTS)), np.float32)
    outputs[[0, -1], OUTPUTS.index("press")] = 1
    found = closures(outputs, "press")
    assert len(found) == 2
    assert all(one.start >= 0 and one.end - one.start >= SHORTEST / 2 for one in found)


def test_shapes_come_through() -> None:
    known = heard()
    times = step_times(len(known))
    shapes = shapes_at(known, times)
    for name in ("jaw", "wide"):
        np.testing.assert_allclose(shapes[name], np.clip(known[:, OUTPUTS.index(name)], 0, 1), atol=1e-6)
    awake = wakefulness(known, times)
    assert awake[:3].max() == 0 and awake[20] == 1
    assert speaks(known) and not speaks(np.zeros_like(known))
    assert wakefulness(known, np.array([9.0])) == 0


def test_words_are_believed_that_move_the_mouth_as_it_is_heard_to_move() -> None:
    outputs = heard()
    assert confirmed(outputs, tuple(spoken()))
    random = np.random.default_rng(0)
    noisy = outputs + 0.05 * random.standard_normal(outputs.shape).astype(np.float32)
    assert confirmed(noisy, tuple(spoken()))
    seconds = spoken()[-1].end
    backwards = [Phoneme(one.symbol, seconds - one.end, seconds - one.start, 1) for one in reversed(spoken())]
    assert not confirmed(outputs, tuple(backwards))
    assert not confirmed(outputs, ())
    assert not confirmed(np.zeros_like(outputs), tuple(spoken()))
