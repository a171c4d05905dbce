"""Band energies: where a tone lies, that spans do not matter, and that loudness does not."""

from __future__ import annotations

import numpy as np
import pytest

from lipsync_colab.audio.bands import BANDS, FINE_BANDS, filters, fine_energies, pooling, row_count
from lipsync_colab.audio.heard import HeardSpeech, squeezed

RATE = 16_000


def tone(hertz: float, seconds: float = 1.0) -> np.ndarray:
    return (0.3 * np.sin(2 * np.pi * hertz * np.arange(round(RATE * seconds)) / RATE)).astype(np.float32)


def test_every_filter_hears_something() -> None:
    assert filters().shape == (FINE_BANDS, 257)
    assert (filters().max(axis=1) > 0.3).all()
    assert (np.diff(filters() @ np.arange(257) / filters().sum(axis=1)) > 0).all()


@pytest.mark.parametrize("hertz", [400, 700, 1800, 4200, 7000])
def test_a_higher_tone_lies_in_a_higher_band(hertz: float) -> None:
    low, high = (int(fine_energies(tone(one), 20, 80).sum(axis=0).argmax()) for one in (hertz, 1.1 * hertz))
    assert low < high


def test_rows_do_not_depend_on_the_span() -> None:
    samples = np.random.default_rng(0).normal(0, 0.1, 16_050).astype(np.float32)
    whole = fine_energies(samples, 0, row_count(samples))
    assert len(whole) == 101
    parts = [fine_energies(samples, start, min(start + 37, 101)) for start in range(0, 101, 37)]
    np.testing.assert_allclose(np.concatenate(parts), whole, rtol=1e-4, atol=1e-6)


def test_a_click_lies_in_its_own_row() -> None:
    samples = np.zeros(RATE, np.float32)
    samples[round(0.505 * RATE)] = 1.0
    assert int(fine_energies(samples, 0, 100).sum(axis=1).argmax()) == 50


def test_a_shorter_throat_moves_bands_up() -> None:
    energies = np.zeros((1, FINE_BANDS), np.float32)
    energies[0, 40] = 1
    places = [float((energies @ pooling(warp).T)[0] @ np.arange(BANDS)) for warp in (0.9, 1.0, 1.1)]
    assert places[0] < places[1] < places[2]
    np.testing.assert_allclose(np.ones(FINE_BANDS) @ pooling().T, 2, atol=0.51)


def test_loudness_does_not_matter() -> None:
    samples = np.random.default_rng(1).normal(0, 0.1, RATE).astype(np.float32) * np.repeat([1, 0.05], RATE // 2)
    loud, soft = HeardSpeech(samples.astype(np.float32)), HeardSpeech((samples * 0.1).astype(np.float32))
    np.testing.assert_allclose(loud.rows(0, 100), soft.rows(0, 100), atol=0.02)
    assert loud.level - soft.level == pytest.approx(20, abs=0.01)


def test_the_range_is_fixed() -> None:
    values = squeezed(np.array([[0.0, 1.0, 1e9]]), 0.0)
    np.testing.assert_allclose(values, [[0, 3.5, 4.5]], atol=1e-3)
