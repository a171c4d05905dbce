"""The package's own voices."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

import numpy as np

from lipsync_colab.narrate.voice import say
from lipsync_colab.narrate.voices import open_voice
from lipsync_colab.training.labels import timed
from lipsync_colab.types import Speech

if TYPE_CHECKING:
    from lipsync_colab.training.voices import TrainingVoice


def spoken(voice: TrainingVoice, texts: Sequence[str], seed: int) -> Iterator[Speech]:
    """Yield texts as the voice says them, each at its own pace."""
    random = np.random.default_rng(seed)
    speaker = open_voice(voice.name, seed)
    for text in texts:
        for one in say(speaker, text, random.uniform(0.8, 1.3)):
            yield timed(one.samples, one.rate, one.phonemes)
