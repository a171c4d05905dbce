"""Synthetic speech as the network's training data: sound and the mouth that goes with it."""

from __future__ import annotations

import dataclasses
import functools
import hashlib
import multiprocessing
import os
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from lipsync_colab.engines.viseme.outputs import OUTPUTS, STEP, step_times, targets
from lipsync_colab.engines.viseme.visemes import gestures
from lipsync_colab.narrate.voice import resampled
from lipsync_colab.phonemes.arpabet import CONSONANTS, SILENCE, VOWELS
from lipsync_colab.training.likely_texts import likely_sentences
from lipsync_colab.training.texts import sentences
from lipsync_colab.training.voices import TRAIN, VOICES, TrainingVoice, spoken
from lipsync_colab.types import Array, Speech

PHONES = (SILENCE, *sorted(VOWELS), *sorted(CONSONANTS))
RATE = 16_000
STEP_SAMPLES = round(STEP * RATE)
LEVEL, FULL = 0.05, 32_767
"""Root mean square that every sentence is brought to, and what 1 is stored as."""
GAPS = (0.05, 0.5)
"""Seconds of silence between two sentences."""
PITCHES = (80, 84, 88, 92, 96, 100, 100, 100, 104, 108, 112, 116)
"""Per cent: sentences are also played faster or slower than they were spoken, which moves pitch and throat."""


@dataclass(frozen=True, eq=False)
class VoiceData:
    """Everything that one voice said, end to end.

    Attributes:
        key: the voice's.
        samples: int16 (320 n,), 16 kHz.
        targets: float16 (n, len(OUTPUTS)).
        phones: uint8 (n,), numbers in :data:`PHONES`.
    """

    key: str
    samples: np.ndarray
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
    voices = [
        dataclasses.replace(voice, sentences=max(2, round(share * voice.sentences)))
        for voice in VOICES
        if voice.use == TRAIN
    ]
    missing = [voice for voice in voices if not path_of(voice, folder, seed).exists()]
    with processes() as workers:
        for voice in workers.map(functools.partial(synthesised, folder=folder, seed=seed), missing):
            tell(f"{voice.key} has spoken")
    data = [voice_data(voice, folder, seed) for voice in voices]
    tell(f"{len(data)} voices, {sum(one.seconds for one in data) / 60:.0f} minutes")
    return data


def processes() -> ProcessPoolExecutor:
    """Return a pool of one process for each core, which begin with nothing of this one's."""
    return ProcessPoolExecutor(os.cpu_count(), multiprocessing.get_context("spawn"))


def path_of(voice: TrainingVoice, folder: Path, seed: int) -> Path:
    """Return the file that keeps what a voice says."""
    name = hashlib.sha256(repr((voice, seed)).encode()).hexdigest()[:12]
    return folder / f"{voice.key}-{name}.npz"


def synthesised(voice: TrainingVoice, folder: Path, seed: int) -> TrainingVoice:
    """Let a voice speak into its file, and return it.

    Raises:
        MachineError: its program is not installed.
    """
    write_voice(path_of(voice, folder, seed), spoken(voice, texts_of(voice, seed), seed), seed)
    return voice


def write_voice(path: Path, said: Iterable[Speech], seed: int) -> None:
    """Keep what a voice says."""
    arrays = joined(said, np.random.default_rng(seed))
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_suffix(f".{os.getpid()}.part")
    with part.open("wb") as file:
        np.savez(file, **arrays)
    part.replace(path)


def voice_data(voice: TrainingVoice, folder: Path, seed: int) -> VoiceData:
    """Return the data of one voice that has spoken."""
    with np.load(path_of(voice, folder, seed)) as stored:
        return VoiceData(voice.key, stored["samples"], stored["targets"], stored["phones"])


def joined(said: Iterable[Speech], random: np.random.Generator) -> dict[str, Any]:
    """Return the arrays of :class:`VoiceData` for sentences with a random silence between each two."""
    parts: list[tuple[np.ndarray, np.ndarray, np.ndarray]] = []
    for speech in said:
        parts.append(_steps(played_at(speech, int(random.choice(PITCHES)) / 100)))
        parts.append(_silence(round(random.uniform(*GAPS) / STEP)))
    samples, wanted, phones = (np.concatenate(columns) for columns in zip(*parts, strict=True))
    return {"samples": samples, "targets": wanted, "phones": phones}


def texts_of(voice: TrainingVoice, seed: int) -> list[str]:
    """Return what a voice is to say."""
    own = seed + sum(map(ord, voice.key))
    return likely_sentences(voice.sentences, own) if voice.likely else sentences(voice.language, voice.sentences, own)


def _steps(speech: Speech) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """One sentence's samples, targets and phones."""
    count = int(speech.seconds / STEP)
    gain = LEVEL / max(float(np.sqrt(np.mean(speech.samples**2))), 1e-5)
    samples = np.round(np.clip(gain * speech.samples[: STEP_SAMPLES * count], -1, 1) * FULL).astype(np.int16)
    phonemes = speech.phonemes or ()
    wanted = targets(gestures(phonemes), count).astype(np.float16)
    return samples, wanted, _phones_at(phonemes, step_times(count))


def _silence(steps: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    wanted = np.zeros((steps, len(OUTPUTS)), np.float16)
    return np.zeros(STEP_SAMPLES * steps, np.int16), wanted, np.zeros(steps, np.uint8)


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
