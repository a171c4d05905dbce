"""BS.1770 loudness, and a voice brought to -16 LUFS."""

from __future__ import annotations

import numpy as np
import pytest

from lipsync_colab.audio.loudness import PEAK_CEILING, limited, loudness, normalised, weighting_filter


def sine(rate: int, seconds: float = 3.0, hertz: float = 997.0) -> np.ndarray:
    return np.sin(2 * np.pi * hertz * np.arange(round(rate * seconds)) / rate).astype(np.float32)


def test_coefficients_of_the_standard() -> None:
    """The two tables of ITU-R BS.1770-4, which are given for 48 kHz."""
    shelf = [1.53512485958697, -2.69169618940638, 1.19839281085285, 1, -1.69065929318241, 0.73248077421585]
    high_pass = [1, -2, 1, 1, -1.99004745483398, 0.99007225036621]
    np.testing.assert_allclose(weighting_filter(48_000), [shelf, high_pass], atol=1e-7)


@pytest.mark.parametrize("rate", [16_000, 22_050, 24_000, 48_000])
def test_a_full_scale_sine_reads_3_lufs_below(rate: int) -> None:
    assert loudness(sine(rate), rate) == pytest.approx(-3.01, abs=0.05)
    assert loudness(0.1 * sine(rate), rate) == pytest.approx(-23.01, abs=0.05)


def test_pauses_do_not_count() -> None:
    tone = 0.1 * sine(48_000)
    with_pause = np.concatenate([tone, np.zeros(48_000 * 6, np.float32), tone])
    assert loudness(with_pause, 48_000) == pytest.approx(loudness(tone, 48_000), abs=0.3)


def test_silence_and_the_very_short() -> None:
    assert loudness(np.zeros(48_000, np.float32), 48_000) == -np.inf
    assert loudness(np.zeros(0, np.float32), 48_000) == -np.inf
    assert np.isfinite(loudness(sine(48_000, 0.05), 48_000))
    silence = np.zeros(4800, np.float32)
    assert normalised(silence, 48_000) is silence


def test_normalised_keeps_its_peaks_low() -> None:
    rng = np.random.default_rng(0)
    spiky = (rng.laplace(size=48_000 * 4) * 0.02).astype(np.float32)
    spiky[::9000] += 0.8
    found = normalised(spiky, 48_000)
    assert np.abs(found).max() <= PEAK_CEILING + 1e-6
    assert loudness(found, 48_000) == pytest.approx(-16, abs=0.5)


def test_the_limiter_leaves_quiet_sound_alone() -> None:
    quiet = 0.5 * sine(24_000)
    assert limited(quiet, 24_000) is quiet
