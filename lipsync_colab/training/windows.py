"""Ten seconds at a time of what the voices say, each heard somewhere else, as the recogniser's encoder hears it.

Encoding takes longer than learning does, so that every window is encoded once and seen several times.
"""

from __future__ import annotations

import dataclasses
import functools
import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from lipsync_colab.engines.viseme.outputs import OUTPUTS
from lipsync_colab.phonemes.encoded import SIZE, WINDOW_STEPS, encoded, gain_of
from lipsync_colab.training.acoustics import RATE, sounding_elsewhere
from lipsync_colab.training.corpus import FULL, STEP_SAMPLES, VoiceData, load_corpus, processes
from lipsync_colab.training.voices import VOICES
from lipsync_colab.types import Array, Speech

SHARES = {"kokoro": 0.5, "own": 0.22}
"""Of the windows, by program: these sound as people do. The others share the rest."""
BEGINNINGS, ENDS, SILENT = 0.15, 0.15, 0.03
"""Shares of the windows in which somebody begins to speak, ends or says nothing."""
SILENCE_BEFORE, SPEECH_BEFORE_END = (50, 120), (120, 450)
"""Steps before the first of those begins, and before the second ends."""
CUT_OFF = 0.7
"""Share of the beginnings and ends that are a recording's: beyond them there is not even noise."""
LEAD, TAIL = 12, 40
"""Most steps of noise between a recording's beginning and the first word, and after the last."""
LOUDNESS_DB = 2.5
"""Standard deviation of the level at which a window is encoded."""
BABBLERS = 5
LOT = 200
"""Windows that a process makes at a time."""
ARRAYS = {
    "encodings": (np.float16, (WINDOW_STEPS, SIZE)),
    "targets": (np.float16, (WINDOW_STEPS, len(OUTPUTS))),
    "phones": (np.uint8, (WINDOW_STEPS,)),
}


@dataclass(frozen=True, eq=False)
class Windows:
    """Windows to learn from, each 500 steps.

    Attributes:
        encodings: float16 (n, 500, 384).
        targets: float16 (n, 500, len(OUTPUTS)).
        phones: uint8 (n, 500), numbers in :data:`~lipsync_colab.training.corpus.PHONES`.
    """

    encodings: np.ndarray
    targets: np.ndarray
    phones: np.ndarray

    def __len__(self) -> int:
        return len(self.phones)


def load_windows(folder: Path, count: int, seed: int, tell: Callable[[str], None], share: float = 1.0) -> Windows:
    """Return windows of all voices to train on, synthesising and encoding what the folder does not hold yet.

    Args:
        folder: keeps speech and windows between runs.
        count: of the windows.
        seed: decides everything.
        tell: hears about progress.
        share: of the sentences; less for a trial.

    Raises:
        MachineError: a voice's program or the recogniser is not installed.
    """
    kept = folder / f"windows-{hashlib.sha256(repr((VOICES, count, seed, share)).encode()).hexdigest()[:12]}"
    if not kept.exists():
        load_corpus(folder / "corpus", seed, tell, share)
        part = kept.with_suffix(".part")
        part.mkdir(parents=True, exist_ok=True)
        for name, (kind, shape) in ARRAYS.items():
            np.lib.format.open_memmap(part / f"{name}.npy", "w+", kind, (count, *shape)).flush()
        write = functools.partial(_write, part, folder / "corpus", seed, share)
        with processes() as workers:
            for stop in workers.map(write, (range(first, min(first + LOT, count)) for first in range(0, count, LOT))):
                tell(f"{stop} windows")
        part.rename(kept)
    return Windows(*(np.load(kept / f"{name}.npy", mmap_mode="r") for name in ARRAYS))


def _write(folder: Path, corpus: Path, seed: int, share: float, numbers: range) -> int:
    """Make some windows in their place, and return one past the last."""
    voices = _voices(corpus, seed, share)
    stored = [np.load(folder / f"{name}.npy", mmap_mode="r+") for name in ARRAYS]
    for number in numbers:
        for array, values in zip(stored, window_of(voices, np.random.default_rng([seed, number])), strict=True):
            array[number] = values
    return numbers.stop


@functools.cache
def _voices(corpus: Path, seed: int, share: float) -> Sequence[VoiceData]:
    return load_corpus(corpus, seed, lambda line: None, share)


def window_of(voices: Sequence[VoiceData], random: np.random.Generator) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return the encodings, the targets and the phones of a random window; the generator decides everything."""
    clean = cut_of(voices, random)
    others = sum(cut_of(voices, random).samples[::-1] for _ in range(BABBLERS)) / BABBLERS
    heard = sounding_elsewhere(clean.samples, np.asarray(others, np.float32), random)
    heard[: STEP_SAMPLES * clean.begins] = 0
    heard[STEP_SAMPLES * clean.ends :] = 0
    gain = gain_of(Speech(heard, RATE)) * np.float32(10 ** (random.normal(0, LOUDNESS_DB) / 20))
    return encoded(heard * gain), clean.targets, clean.phones


@dataclass(frozen=True, eq=False)
class Cut:
    """Ten seconds of a voice, cut out of all that it says.

    Attributes:
        samples: float32 (160000,).
        targets: float16 (500, len(OUTPUTS)).
        phones: uint8 (500,).
        begins: the recording's first step, and before it nothing at all.
        ends: one past its last step.
    """

    samples: Array
    targets: np.ndarray
    phones: np.ndarray
    begins: int = 0
    ends: int = WINDOW_STEPS

    def hush(self, start: int, stop: int) -> None:
        """Let nobody speak from one step to before another."""
        self.samples[STEP_SAMPLES * start : STEP_SAMPLES * stop] = 0
        self.targets[start:stop] = 0
        self.phones[start:stop] = 0


def cut_of(voices: Sequence[VoiceData], random: np.random.Generator) -> Cut:
    """Return a random cut; those of one program share its part of all, a voice with four times the speech has twice as
    many."""
    voice = voices[random.choice(len(voices), p=shares_of(voices))]
    start = int(random.integers(0, max(1, len(voice.targets) - WINDOW_STEPS)))
    steps, sounds = (slice(size * start, size * (start + WINDOW_STEPS)) for size in (1, STEP_SAMPLES))
    samples = _filled(voice.samples[sounds].astype(np.float32) / FULL, WINDOW_STEPS * STEP_SAMPLES)
    cut = Cut(samples, _filled(voice.targets[steps], WINDOW_STEPS), _filled(voice.phones[steps], WINDOW_STEPS))
    kind, cut_off = random.random(), random.random() < CUT_OFF
    if kind < BEGINNINGS:
        first = int(random.integers(*SILENCE_BEFORE))
        cut.hush(0, first)
        return dataclasses.replace(cut, begins=first - int(random.integers(0, LEAD)) if cut_off else 0)
    if kind < BEGINNINGS + ENDS:
        last = int(random.integers(*SPEECH_BEFORE_END))
        cut.hush(last, WINDOW_STEPS)
        ends = min(WINDOW_STEPS, last + int(random.integers(0, TAIL))) if cut_off else WINDOW_STEPS
        return dataclasses.replace(cut, ends=ends)
    if kind < BEGINNINGS + ENDS + SILENT:
        cut.hush(0, WINDOW_STEPS)
    return cut


def _filled(values: np.ndarray, count: int) -> np.ndarray:
    """A copy of some rows, followed by rows of zeros."""
    return np.pad(values, [(0, count - len(values))] + [(0, 0)] * (values.ndim - 1))


def shares_of(voices: Sequence[VoiceData]) -> np.ndarray:
    """Return each voice's share of the windows, float64, summing up to 1."""
    programs = [voice.key.partition("-")[0] for voice in voices]
    amounts = np.sqrt([voice.seconds for voice in voices])
    given = {program: share for program, share in SHARES.items() if program in programs}
    others = 1 - sum(given.values()) if any(program not in given for program in programs) else 0.0
    groups = np.array([program if program in given else "" for program in programs])
    for group, share in {**given, "": others}.items():
        amounts[groups == group] *= share / max(amounts[groups == group].sum(), 1e-9)
    return np.asarray(amounts / amounts.sum())
