"""Crops of the voices' data, each at its own pace, in its own room."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from lipsync_colab.training.corpus import ROWS_PER_STEP, SMALLEST, VoiceData
from lipsync_colab.training.rooms import heard_elsewhere
from lipsync_colab.types import Array

CROP_STEPS = 200
"""Four seconds."""
PACES = (0.82, 1.25)
SWELLS_DB = 3.0
"""Standard deviation of a crop's loudness from one half second to the next: synthesis is more even than people are."""
SILENT_SHARE = 0.04
"""Crops without a voice: noise alone is not to move the mouth."""
BABBLERS = 4
NATURAL = ("own-", "kokoro-")
"""Keys of the voices that a neural network speaks, in whole sentences; the others are cut together or simple."""


@dataclass(frozen=True, eq=False)
class Batch:
    """What one step of training sees.

    Attributes:
        heard: float32 (batch, 2 n, 40).
        wanted: float32 (batch, n, len(OUTPUTS)).
        phones: int64 (batch, n).
    """

    heard: Array
    wanted: Array
    phones: np.ndarray


def batch_of(voices: Sequence[VoiceData], size: int, random: np.random.Generator, favour: float = 1.0) -> Batch:
    """Return a random batch. A voice with four times the speech is heard twice as often.

    Args:
        voices: to choose from.
        size: crops.
        random: decides everything.
        favour: how much more often the voices are heard that sound as people do.
    """
    favours = [favour if voice.key.startswith(NATURAL) else 1.0 for voice in voices]
    shares = np.sqrt([voice.seconds for voice in voices]) * favours
    chosen = random.choice(len(voices), size, p=shares / shares.sum())
    crops = [crop_of(voices[number], random) for number in chosen]
    heard = [heard_elsewhere(energies, _babble(crops, random), random) for energies, _, _ in crops]
    columns = (np.stack(heard), np.stack([crop[1] for crop in crops]), np.stack([crop[2] for crop in crops]))
    return Batch(*columns)


def crop_of(voice: VoiceData, random: np.random.Generator) -> tuple[Array, Array, np.ndarray]:
    """Return linear energies, targets and phones of a random stretch, spoken faster or slower."""
    pace = random.uniform(*PACES)
    needed = round(CROP_STEPS * pace) + 2
    start = int(random.integers(0, max(1, len(voice.targets) - needed)))
    steps = slice(start, start + needed)
    rows = slice(ROWS_PER_STEP * start, ROWS_PER_STEP * (start + needed))
    logarithms = _at_pace(voice.energies[rows].astype(np.float32), pace, ROWS_PER_STEP * CROP_STEPS)
    wanted = _at_pace(voice.targets[steps].astype(np.float32), pace, CROP_STEPS)
    nearest = np.clip(np.round((np.arange(CROP_STEPS) + 0.5) * pace - 0.5).astype(int), 0, None)
    phones = voice.phones[steps][np.minimum(nearest, len(voice.phones[steps]) - 1)].astype(np.int64)
    if random.random() < SILENT_SHARE:
        return np.zeros_like(logarithms), np.zeros_like(wanted), np.zeros_like(phones)
    return np.maximum(10**logarithms - SMALLEST, 0) * _swelling(len(logarithms), random), wanted, phones


def _swelling(rows: int, random: np.random.Generator) -> Array:
    """Gains of the energies that come and go, float32 (rows, 1), around one that is random too."""
    points = random.normal(0, SWELLS_DB, 2 * rows // 100 + 1)
    decibels = np.interp(np.arange(rows), np.linspace(0, rows, len(points)), points) + random.uniform(-10, 10)
    return (10 ** (decibels / 10)).astype(np.float32)[:, None]


def _at_pace(values: Array, pace: float, count: int) -> Array:
    """Interpolate rows, whose centres lie at halves, at another pace."""
    places = np.clip((np.arange(count) + 0.5) * pace - 0.5, 0, len(values) - 1)
    low = np.minimum(places.astype(int), len(values) - 2)
    share = (places - low).astype(np.float32)[:, None]
    return (1 - share) * values[low] + share * values[low + 1]


def _babble(crops: Sequence[tuple[Array, Array, np.ndarray]], random: np.random.Generator) -> Array:
    """Several other crops at once, played backwards so that nobody can be followed."""
    numbers = random.choice(len(crops), min(BABBLERS, len(crops)), replace=False)
    return np.asarray(sum(crops[number][0][::-1] for number in numbers) / BABBLERS, np.float32)
