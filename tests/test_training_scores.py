"""Scores on tracks whose answers are known by construction."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from lipsync_colab.engines.viseme.motion import CHANNELS, MotionTrack, empty_track
from lipsync_colab.training.conditions import CONDITIONS, mixed
from lipsync_colab.training.evaluation import written_closures
from lipsync_colab.training.scores import compared, openness, runs, score_of
from lipsync_colab.types import Phoneme, Speech

PHONEMES = (
    Phoneme("SIL", 0, 0.8), Phoneme("M", 0.8, 0.88), Phoneme("AA", 0.88, 1.2), Phoneme("P", 1.2, 1.28),
    Phoneme("IY", 1.28, 1.6), Phoneme("SIL", 1.6, 3),
)  # fmt: skip


def track(**channels: np.ndarray) -> MotionTrack:
    result = empty_track(75, "phonemes")
    for name, values in channels.items():
        result.values[:, CHANNELS.index(name)] = values
    return result


def known() -> MotionTrack:
    jaw, press = np.zeros(75), np.zeros(75)
    jaw[20:40] = np.linspace(0.9, 0.2, 20)
    press[[20, 21, 30, 31]] = 1
    return track(jaw=jaw, press=press)


def test_the_same_track_scores_full() -> None:
    score = score_of([compared(known(), known(), PHONEMES)])
    assert score.openness == pytest.approx(1) and score.gain == pytest.approx(1)
    assert (score.recall, score.spurious, score.moving) == (1, 0, 0)
    assert score.minutes == pytest.approx(20 / 25 / 60)


def test_wrong_and_missed_closures_and_motion_in_silence_count() -> None:
    values = known().values.copy()
    press, jaw = CHANNELS.index("press"), CHANNELS.index("jaw")
    values[30:32, press] = 0
    values[[25, 36], press] = 1
    values[60:70, jaw] = 0.5
    score = score_of([compared(dataclasses.replace(known(), values=values), known(), PHONEMES)])
    assert score.recall == 0.5
    assert score.spurious == pytest.approx(2 / score.minutes)
    assert 0 < score.moving < 1 and score.openness < 1


@pytest.mark.parametrize(
    ("language", "text", "closures"),
    [
        ("en", "Bob, my photo is happy.", 5),
        ("es", "Vuelva mañana por favor.", 5),
        ("fr", "Le temps passe, ma femme.", 4),
        ("it", "La mamma beve.", 3),
        ("ru", "Мама бежит.", 3),
    ],
)
def test_written_closures(language: str, text: str, closures: int) -> None:
    second = Speech(np.sin(np.arange(16_000)).astype(np.float32), 16_000)
    assert written_closures([text], [second], language) == pytest.approx(60 * closures, rel=0.05)


def test_openness_closes_with_the_lips() -> None:
    pose = track(jaw=np.full(75, 0.5), press=np.linspace(0, 1, 75))
    gap = openness(pose)
    assert gap[0] == pytest.approx(0.1015) and gap[-1] == 0 and (np.diff(gap) <= 0).all()


def test_runs() -> None:
    assert runs(np.array([True, False, True, True])) == [(0, 1), (2, 4)]


@pytest.mark.parametrize("name", CONDITIONS)
def test_conditions_keep_length_and_repeat(name: str) -> None:
    random = np.random.default_rng(0)
    samples = (0.2 * random.standard_normal(16_001)).astype(np.float32)
    others = (0.2 * random.standard_normal(9000)).astype(np.float32)
    one, same = (CONDITIONS[name](samples, others, np.random.default_rng(1)) for _ in range(2))
    assert one.shape == samples.shape and one.dtype == np.float32 and np.abs(one).max() <= 1
    np.testing.assert_array_equal(one, same)


def test_noise_lies_as_far_below_as_it_says() -> None:
    samples = (0.1 * np.random.default_rng(0).standard_normal(32_000)).astype(np.float32)
    noise = np.random.default_rng(1).standard_normal(32_000).astype(np.float32)
    added = mixed(samples, noise, 15.0) - samples
    assert 10 * np.log10(np.mean(samples**2) / np.mean(added**2)) == pytest.approx(15, abs=0.5)
