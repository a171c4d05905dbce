"""What the recogniser's encoder makes of a voice, fifty times a second: its sounds, whoever makes them, in any noise.

Whisper's encoder (Radford et al. 2022) has heard people for hundreds of thousands of hours. The words that follow it
are English alone, but what it makes of a sound on the way there is of use in any language.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from lipsync_colab.audio.level import levels
from lipsync_colab.errors import MachineError
from lipsync_colab.phonemes.recogniser import RATE, REMEDY, model_folder, recogniser_model
from lipsync_colab.types import Array, Speech

SIZE = 384
"""Numbers of one step: the width of Whisper tiny."""
STEP_SAMPLES = 320
WINDOW_STEPS, MARGIN = 500, 50
"""Steps that are encoded together, and those at either end that are only heard for the sake of what lies between."""
KEPT_STEPS = WINDOW_STEPS - 2 * MARGIN
LEVEL_DB, LEVEL_PERCENTILE = -16.0, 95
"""dBFS that 5 % of a recording exceed when it is encoded, however loud it is."""


def encoder_available() -> bool:
    """Tell whether the recogniser and its model are installed."""
    return model_folder() is not None


class EncodedSpeech:
    """Any steps of a recording's encodings, computed when asked for; they do not depend on what else is asked for.

    Args:
        speech: 16 kHz; its samples may be a memory map of hours.

    Raises:
        MachineError: the recogniser is not installed.
    """

    def __init__(self, speech: Speech) -> None:
        if speech.rate != RATE:
            raise ValueError(f"the encoder hears {RATE} Hz, not {speech.rate}")
        self._samples, self._gain = speech.samples, gain_of(speech)
        self._count = -(-len(self._samples) // STEP_SAMPLES)
        self._window: tuple[int, Array] | None = None

    def __len__(self) -> int:
        return self._count

    def steps(self, start: int, stop: int) -> Array:
        """Return the encodings of steps ``start`` to ``stop - 1``, float32 (stop - start, 384)."""
        result = np.empty((stop - start, SIZE), np.float32)
        for number in range(start // KEPT_STEPS, -(-stop // KEPT_STEPS)):
            first = number * KEPT_STEPS
            low, high = max(start, first), min(stop, first + KEPT_STEPS)
            result[low - start : high - start] = self._kept(number)[low - first : high - first]
        return result

    def _kept(self, number: int) -> Array:
        """The encodings of one window between its margins; the last one is remembered."""
        if self._window is None or self._window[0] != number:
            first = (number * KEPT_STEPS - MARGIN) * STEP_SAMPLES
            last = first + WINDOW_STEPS * STEP_SAMPLES
            inside = np.asarray(self._samples[max(first, 0) : last], np.float32)
            before = max(-first, 0)
            padded = np.pad(inside, (before, last - first - before - len(inside)))
            self._window = number, encoded(padded * self._gain)[MARGIN:-MARGIN]
        return self._window[1]


def gain_of(speech: Speech) -> np.float32:
    """Return what a recording is multiplied by before it is encoded."""
    loud = np.percentile(levels(speech), LEVEL_PERCENTILE) if len(speech.samples) else LEVEL_DB
    return np.float32(10 ** ((LEVEL_DB - loud) / 20))


def encoded(samples: Array) -> Array:
    """Return the encodings of one window, float32 (500, 384).

    Args:
        samples: float32 (160000,), 16 kHz.

    Raises:
        MachineError: the recogniser is not installed.
    """
    model: Any = recogniser_model()
    if model is None:
        raise MachineError(f"the recogniser's encoder is missing: {REMEDY}")
    return np.asarray(np.array(model.encode(model.feature_extractor(samples, padding=0)))[0], np.float32)
