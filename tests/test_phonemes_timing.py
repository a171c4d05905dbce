"""Order and pauses of timed phonemes."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lipsync_colab.audio.level import SpeechGate
from lipsync_colab.phonemes.arpabet import SILENCE
from lipsync_colab.phonemes.timing import shifted, tiled, trimmed
from lipsync_colab.types import Phoneme, Speech

TIMES = st.floats(0, 10, allow_nan=False)


@given(st.lists(st.tuples(st.sampled_from(["AA", "M", SILENCE]), TIMES, TIMES), max_size=12), st.floats(0.01, 12))
def test_tiles_cover_everything_once(raw: list[tuple[str, float, float]], seconds: float) -> None:
    phonemes = [Phoneme(symbol, min(a, b), max(a, b)) for symbol, a, b in sorted(raw, key=lambda one: min(one[1:]))]
    found = tiled(phonemes, seconds)
    assert found[0].start == 0 and found[-1].end == pytest.approx(seconds)
    for before, after in itertools.pairwise(found):
        assert before.end == after.start and before.start < before.end


def test_a_swallowed_pause_is_given_back() -> None:
    rate = 16_000
    times = np.arange(2 * rate) / rate
    loud = np.where(times < 1, 0.3, 0.0) * np.sin(2 * np.pi * 150 * times)
    gate = SpeechGate.of(Speech(loud.astype(np.float32), rate))
    kept = trimmed([Phoneme("L", 0.7, 0.9), Phoneme("OW", 0.9, 1.6), Phoneme("T", 1.6, 1.9)], gate)
    assert [one.symbol for one in kept] == ["L", "OW", "T"]
    assert kept[0].end == 0.9
    assert 1.0 < kept[1].end < 1.06
    assert kept[2].end - kept[2].start == pytest.approx(0.09)
    assert [one.symbol for one in tiled(kept, 2.0)] == [SILENCE, "L", "OW", SILENCE, "T", SILENCE]


def test_shifting() -> None:
    moved = shifted([Phoneme("AA", 0.1, 0.2, 1, "a")], 1.5)
    assert moved == [Phoneme("AA", 1.6, 1.7, 1, "a")]
