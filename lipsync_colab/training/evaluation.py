"""The tables: every source of mouth movement on voices that the network never heard."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import scipy.signal

from lipsync_colab.audio.level import STEP as LEVEL_STEP
from lipsync_colab.audio.level import SpeechGate, levels
from lipsync_colab.audio.voicing import voiced_gate
from lipsync_colab.engines.viseme.learned import read_weights
from lipsync_colab.engines.viseme.motion import MotionTrack
from lipsync_colab.phonemes.align import align
from lipsync_colab.phonemes.word_aligner import AlignmentFailed
from lipsync_colab.training.conditions import CONDITIONS
from lipsync_colab.training.recordings import PROMPT_FOLDERS, Recording, prompts, readings
from lipsync_colab.training.scores import Score, UnknownScore, compared, score_of, unknown_score
from lipsync_colab.training.sources import (
    Source,
    by_default,
    by_energy,
    by_loop,
    by_network,
    reference,
)
from lipsync_colab.training.texts import sentences
from lipsync_colab.training.voices import TEST, TUNE, VOICES, spoken
from lipsync_colab.types import Array, Speech

SEED = 11
LEAST_WORDS = 8
"""Of a prompt that is tested on: short ones are digits and letters said alone."""
CLOSED_LETTERS = {
    "en": r"p(?!h)+|b+|m+",
    "es": r"[pbmv]+",
    "fr": r"p(?!h)+|b+|m+(?=[aeiouyâêîôûéèm])",
    "it": r"p+|b+|m+",
    "ru": r"[пбм]+",
}
"""Letters at which the lips close; in French an m before a consonant only makes the vowel nasal."""
MIDDLE_BANDS = (500, 3500)
"""Hz: where closed lips make a voice quieter."""


@dataclass(frozen=True, eq=False)
class Take:
    """One recording whose phonemes are known.

    Attributes:
        speech: with phonemes.
        text: what is said.
    """

    speech: Speech
    text: str


def test_voices(folder: Path, count: int) -> Iterator[tuple[str, list[Take]]]:
    """Yield every voice that the network was not trained on: human ones first, then synthetic ones."""
    tested = _spread(prompts(folder, "en", LEAST_WORDS), count)
    yield "human: prompts, a woman", _aligned(tested)
    yield "human: her other prompts (tuned on)", _aligned(_spread(other_prompts(folder, tested), count))
    yield "human: readings, two men", _aligned(readings(folder))
    for voice in VOICES:
        if voice.use in (TUNE, TEST):
            texts = sentences(voice.language, count, SEED)
            said = spoken(voice, texts, SEED)
            takes = [Take(speech, text) for speech, text in zip(said, texts, strict=False)]
            yield f"{voice.key}{' (tuned on)' if voice.use == TUNE else ''}", takes


def other_prompts(folder: Path, tested: Sequence[Recording]) -> list[Recording]:
    """Return the English prompts that may be tuned on: each sentence once, and none that is tested on."""
    texts = {one.text: one for one in reversed(prompts(folder, "en"))}
    for one in tested:
        texts.pop(one.text, None)
    return sorted(texts.values(), key=lambda one: one.name)


def _spread(recordings: Sequence[Recording], count: int) -> list[Recording]:
    """So many recordings, evenly chosen."""
    return list(recordings[:: max(1, len(recordings) // count)][:count])


def _aligned(recordings: Sequence[Recording]) -> list[Take]:
    """Recordings with the phonemes of their texts; those that cannot be aligned are left out."""
    takes = []
    for recording in recordings:
        speech = recording.load()
        try:
            phonemes = align(speech, recording.text, voiced_gate(speech))
        except AlignmentFailed:
            continue
        takes.append(Take(dataclasses.replace(speech, phonemes=phonemes), recording.text))
    return takes


def known_table(folder: Path, weights: Path, count: int) -> Iterator[str]:
    """Yield the lines of the table of voices whose phonemes are known."""
    sources = _sources(weights)
    yield "| voice | condition | source | openness r | gain | closures found | wrong ones a minute | moves in silence |"
    yield "|---|---|---|---|---|---|---|---|"
    babble = np.concatenate([take.speech.samples for _, takes in test_voices(folder, 4) for take in takes])
    for name, takes in test_voices(folder, count):
        for condition, change in CONDITIONS.items():
            random = np.random.default_rng(SEED)
            heard = [_changed(take.speech, change(take.speech.samples, babble, random)) for take in takes]
            for source, score in _scored(sources, takes, heard).items():
                yield f"| {name} | {condition} | {source} | {_cells(score)} |"


def _sources(weights: Path) -> dict[str, Source]:
    numbers = read_weights(weights)
    return {
        "phone loop": by_loop,
        "energy": by_energy,
        "learned": by_network(numbers),
        "default": by_default(numbers),
    }


def _changed(speech: Speech, samples: Array) -> Speech:
    return dataclasses.replace(speech, samples=samples, phonemes=None, text="", track=None)


def _scored(sources: dict[str, Source], takes: Sequence[Take], heard: Sequence[Speech]) -> dict[str, Score]:
    tracks = {
        name: [source(speech, take.text) for take, speech in zip(takes, heard, strict=True)]
        for name, source in sources.items()
    }
    known = [reference(take.speech) for take in takes]
    return {
        name: score_of(
            [
                compared(track, wanted, take.speech.phonemes or ())
                for track, wanted, take in zip(found, known, takes, strict=True)
            ]
        )
        for name, found in tracks.items()
    }


def _cells(score: Score) -> str:
    return (
        f"{score.openness:.3f} | {score.gain:.2f} | {score.recall:.3f} | {score.spurious:.1f} | "
        f"{100 * score.moving:.1f} %"
    )


def unknown_table(folder: Path, weights: Path, count: int) -> Iterator[str]:
    """Yield the lines of the table of languages that no aligner of ours knows."""
    sources = _sources(weights)
    yield "| language | source | closures a minute | written | dip | with a dip | openness r with level | in silence |"
    yield "|---|---|---|---|---|---|---|---|"
    for language in PROMPT_FOLDERS:
        chosen = _spread(prompts(folder, language, LEAST_WORDS), count)
        speeches = [dataclasses.replace(one.load(), text="") for one in chosen]
        written = written_closures([one.text for one in chosen], speeches, language)
        for name, source in sources.items():
            score = score_unknown([source(speech, "") for speech in speeches], speeches)
            yield f"| {language} | {name} | {score.closures:.0f} | {written:.0f} | {_unknown_cells(score)} |"


def _unknown_cells(score: UnknownScore) -> str:
    return f"{score.dip:.1f} dB | {100 * score.dips:.0f} % | {score.energy:.2f} | {100 * score.moving:.1f} %"


def written_closures(texts: Sequence[str], speeches: Sequence[Speech], language: str) -> float:
    """Return how often a minute the lips close by the letters of what is said; numerals do not count."""
    letters = sum(len(re.findall(CLOSED_LETTERS[language], text.lower())) for text in texts)
    minutes = sum(float(SpeechGate.of(speech).active.sum()) for speech in speeches) * LEVEL_STEP / 60
    return letters / max(minutes, 1e-6)


def score_unknown(tracks: Sequence[MotionTrack], speeches: Sequence[Speech]) -> UnknownScore:
    """Score tracks of recordings whose phonemes nobody knows."""
    gates = [SpeechGate.of(speech) for speech in speeches]
    return unknown_score(tracks, [middle_levels(speech) for speech in speeches], gates)


def middle_levels(speech: Speech) -> Array:
    """Return the level between 500 and 3,500 Hz in dB, by 10 ms."""
    sections = scipy.signal.butter(4, MIDDLE_BANDS, "bandpass", fs=speech.rate, output="sos")
    filtered = scipy.signal.sosfiltfilt(sections, speech.samples).astype(np.float32)
    return levels(Speech(filtered, speech.rate))
