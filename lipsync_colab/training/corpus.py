"""Synthetic speech as the network's training data: band energies and the mouth that goes with them."""

from __future__ import annotations

import dataclasses
import hashlib
import os
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from lipsync_colab.audio.bands import fine_energies
from lipsync_colab.engines.viseme.outputs import STEP, step_times, targets
from lipsync_colab.engines.viseme.visemes import gestures
from lipsync_colab.narrate.voice import resampled
from lipsync_colab.phonemes.arpabet import CONSONANTS, SILENCE, VOWELS
from lipsync_colab.training.likely_texts import likely_sentences
from lipsync_colab.training.texts import sentences
from lipsync_colab.training.voices import TRAIN, VOICES, TrainingVoice, spoken
from lipsync_colab.types import Array, Speech

PHONES = (SILENCE, *sorted(VOWELS), *sorted(CONSONANTS))
ROWS_PER_STEP = 2
"""Band energies come a hundred times a second, outputs fifty times."""
SMALLEST = 1e-9
LEVEL = 0.1
"""Root mean square that every sentence is brought to."""
GAPS = (0.05, 0.5)
"""Seconds of silence between two sentences."""
PITCHES = (80, 84, 88, 92, 96, 100, 100, 100, 104, 108, 112, 116)
"""Per cent: sentences are also played faster or slower than they were spoken, which moves pitch and throat."""


@dataclass(frozen=True, eq=False)
class VoiceData:
    """Everything that one voice said, end to end.

    Attributes:
        key: the voice's.
        energies: float16 (2 n, 80), base-10 logarithms.
        targets: float16 (n, len(OUTPUTS)).
        phones: uint8 (n,), numbers in :data:`PHONES`.
    """

    key: str
    energies: np.ndarray
    targets: np.ndarray
    phones: np.ndarray

    @property
    def seconds(self) -> float:
        """How long it speaks."""
        return len(self.targets) * STEP


def load_corpus(folder: Path, seed: int, tell: Callable[[str], None], share: float = 1.0) -> list[VoiceData]:
    """Return the data of all voices to train on, synthesising what the folder does not hold yet.

    Args:
        folder: keeps the data between runs.
        seed: of texts, pace and pitch.
        tell: hears about each voice.
        share: of the sentences; less for a trial.

    Raises:
        MachineError: a voice's program is not installed.
    """
    folder.mkdir(parents=True, exist_ok=True)
    fewer = (dataclasses.replace(voice, sentences=max(2, round(share * voice.sentences))) for voice in VOICES)
    return [voice_data(voice, folder, seed, tell) for voice in fewer if voice.use == TRAIN]


def voice_data(voice: TrainingVoice, folder: Path, seed: int, tell: Callable[[str], None]) -> VoiceData:
    """Return the data of one voice, from the folder when it holds it."""
    name = hashlib.sha256(repr((voice, seed)).encode()).hexdigest()[:12]
    path = folder / f"{voice.key}-{name}.npz"
    if not path.exists():
        arrays = joined(spoken(voice, texts_of(voice, seed), seed), np.random.default_rng(seed))
        part = path.with_suffix(f".{os.getpid()}.part")
        with part.open("wb") as file:
            np.savez(file, **arrays)
        part.replace(path)
    with np.load(path) as stored:
        data = VoiceData(voice.key, stored["energies"], stored["targets"], stored["phones"])
    tell(f"{voice.key}: {data.seconds / 60:.1f} min")
    return data


def joined(said: Iterator[Speech], random: np.random.Generator) -> dict[str, Any]:
    """Return the arrays of :class:`VoiceData` for sentences with a random silence between each two."""
    parts: list[tuple[np.ndarray, np.ndarray, np.ndarray]] = []
    for speech in said:
        parts.append(features(played_at(speech, int(random.choice(PITCHES)) / 100)))
        steps = round(random.uniform(*GAPS) / STEP)
        silence = np.full((ROWS_PER_STEP * steps, parts[0][0].shape[1]), np.log10(SMALLEST), np.float16)
        parts.append((silence, np.zeros((steps, parts[0][1].shape[1]), np.float16), np.zeros(steps, np.uint8)))
    energies, wanted, phones = (np.concatenate(columns) for columns in zip(*parts, strict=True))
    return {"energies": energies, "targets": wanted, "phones": phones}


def texts_of(voice: TrainingVoice, seed: int) -> list[str]:
    """Return what a voice is to say."""
    own = seed + sum(map(ord, voice.key))
    return likely_sentences(voice.sentences, own) if voice.likely else sentences(voice.language, voice.sentences, own)


def features(speech: Speech) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return one sentence's energies, targets and phones."""
    count = int(speech.seconds / STEP)
    samples = speech.samples * (LEVEL / max(float(np.sqrt(np.mean(speech.samples**2))), 1e-5))
    energies = np.log10(fine_energies(samples, 0, ROWS_PER_STEP * count) + SMALLEST)
    phonemes = speech.phonemes or ()
    wanted = targets(gestures(phonemes), count)
    return energies.astype(np.float16), wanted.astype(np.float16), _phones_at(phonemes, step_times(count))


def _phones_at(phonemes: Sequence[Any], times: np.ndarray) -> np.ndarray:
    ends = np.array([one.end for one in phonemes])
    numbers = np.array([PHONES.index(one.symbol) for one in phonemes], np.uint8)
    return numbers[np.minimum(np.searchsorted(ends, times), len(numbers) - 1)]


def played_at(speech: Speech, pace: float) -> Speech:
    """Return speech as if its record turned faster: higher, shorter, from a smaller throat."""
    if pace == 1:
        return speech
    samples: Array = resampled(speech.samples, round(100 * pace), 100)
    phonemes = tuple(
        dataclasses.replace(one, start=one.start / pace, end=one.end / pace) for one in speech.phonemes or ()
    )
    return Speech(samples, speech.rate, phonemes=phonemes)
