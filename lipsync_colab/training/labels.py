"""What the speech programs tell → :class:`~lipsync_colab.types.Speech` with phonemes."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import soundfile

from lipsync_colab.audio.level import SpeechGate
from lipsync_colab.narrate.voice import resampled
from lipsync_colab.phonemes.timing import shifted, tiled, trimmed
from lipsync_colab.training.phone_sets import sound_of
from lipsync_colab.types import Array, Phoneme, Speech

if TYPE_CHECKING:
    from lipsync_colab.training.voices import TrainingVoice

RATE = 16_000


def speech_of(path: Path, ends: Sequence[tuple[str, float]], voice: TrainingVoice) -> Speech:
    """Return a sound file with its phonemes.

    Args:
        path: mono, any rate.
        ends: every phone, with the second at which it ends.
        voice: who said it.
    """
    samples, rate = soundfile.read(path, dtype="float32")
    phonemes = []
    start = 0.0
    for phone, end in ends:
        symbol, stress = sound_of(phone, voice.language)
        phonemes.append(Phoneme(symbol, start, end, stress))
        start = end
    return timed(samples, rate, shifted(phonemes, voice.offset))


def timed(samples: Array, rate: int, phonemes: Sequence[Phoneme]) -> Speech:
    """Return 16 kHz speech whose phonemes are put in order."""
    heard = resampled(samples, rate)
    gate = SpeechGate.of(Speech(heard, RATE))
    return Speech(heard, RATE, phonemes=tiled(trimmed(phonemes, gate), len(heard) / RATE))
