"""The mouth returns to the still in silence, and never jumps."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lipsync_colab.engines.wav2lip.gate import held_open, mouth_gate
from lipsync_colab.types import Speech

RATE = 16_000


def voice(*parts: tuple[float, float]) -> Speech:
    """A buzz of given (seconds, level) one after the other."""
    random = np.random.default_rng(0)
    return Speech(np.concatenate([level * random.uniform(-1, 1, round(s * RATE)) for s, level in parts]), RATE)


def test_closed_in_silence_open_in_speech() -> None:
    gate = mouth_gate(voice((1, 0), (1, 0.5), (1, 0)), Fraction(25), 75)
    assert (gate[:20] == 0).all() and (gate[26:49] == 1).all() and (gate[58:] == 0).all()


def test_moves_without_a_jump() -> None:
    gate = mouth_gate(voice((1, 0), (1, 0.5), (0.35, 0), (1, 0.5), (1, 0)), Fraction(100), 435)
    assert np.abs(np.diff(gate)).max() < 0.2
    assert gate.dtype == np.float32 and gate.min() == 0 and gate.max() == 1


def test_opens_before_the_first_sound() -> None:
    gate = mouth_gate(voice((1, 0), (1, 0.5)), Fraction(100), 200)
    assert 0 < gate[97] < 1


def test_short_pauses_do_not_shut_the_mouth() -> None:
    gate = mouth_gate(voice((1, 0.5), (0.2, 0), (1, 0.5)), Fraction(25), 55)
    assert (gate[5:50] > 0.3).all()


@pytest.mark.parametrize("samples", [np.zeros(16_000, np.float32), np.full(16_000, 1e-4, np.float32)])
def test_no_voice_means_the_still(samples: np.ndarray) -> None:
    assert (mouth_gate(Speech(samples, RATE), Fraction(25), 25) == 0).all()


def test_a_level_between_the_thresholds_keeps_the_state() -> None:
    opens = np.array([0, 0, 1, 0, 0, 0, 0], bool)
    holds = np.array([1, 1, 1, 1, 1, 0, 1], bool)
    assert held_open(opens, holds).astype(int).tolist() == [0, 0, 1, 1, 1, 0, 0]


@given(st.lists(st.tuples(st.booleans(), st.booleans()), min_size=1, max_size=60))
def test_hysteresis_equals_a_switch_stepped_by_hand(levels: list[tuple[bool, bool]]) -> None:
    opens, holds = (np.array(column) for column in zip(*levels, strict=True))
    state, expected = False, []
    for opening, holding in levels:
        state = opening or (state and holding)
        expected.append(state)
    assert held_open(opens, holds).tolist() == expected
