"""Voices of SVOX Pico, whose phoneme times forced alignment finds."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

import numpy as np

from lipsync_colab.errors import MachineError
from lipsync_colab.phonemes.align import align
from lipsync_colab.phonemes.word_aligner import AlignmentFailed
from lipsync_colab.types import Speech

if TYPE_CHECKING:
    from lipsync_colab.training.voices import TrainingVoice

RATE = 16_000


def spoken(voice: TrainingVoice, texts: Sequence[str], seed: int) -> Iterator[Speech]:
    """Yield texts as the voice says them, each at its own pace; one that cannot be aligned is left out.

    Raises:
        MachineError: ``py-nanotts`` is not installed.
    """
    try:
        from py_nanotts import NanoTTS
    except ImportError as error:
        raise MachineError("the training voices of Pico are missing: pip install py-nanotts==0.1.1") from error
    random = np.random.default_rng(seed)
    speaker = NanoTTS()
    for text in texts:
        pcm = speaker.speak(text, voice=voice.name, speed=random.uniform(0.8, 1.25), pitch=random.uniform(0.85, 1.15))
        samples = (np.frombuffer(pcm, "<i2") / 32768).astype(np.float32)
        speech = Speech(samples, RATE)
        try:
            yield dataclasses.replace(speech, phonemes=align(speech, text))
        except AlignmentFailed:
            continue
