"""The embedded English voice: a woman's, distilled from Kokoro, carried by the ``hibari-tts`` package."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from lipsync_colab.errors import MachineError, RenderError
from lipsync_colab.narrate.onnx_graph import with_durations
from lipsync_colab.phonemes.pronounce import Word, pronounce
from lipsync_colab.types import Array

OFFSET = -0.065
"""Seconds to add to this model's phoneme times. Its durations run late: with this shift the contrast of energy
between vowels and stops is greatest (18.7 dB against 4.5), and forced alignment agrees within 4 ms."""


class HibariVoice:
    """Sounds of one sentence in, samples and times out.

    Attributes:
        rate: samples per second of what it speaks.
        offset: seconds to add to its phoneme times.
    """

    rate = 24_000
    offset = OFFSET

    def __init__(self, seed: int = 0) -> None:
        try:
            import hibari
            import onnxruntime
            from hibari import dsp
        except ImportError as error:
            raise MachineError("the embedded voice is missing: pip install hibari-tts==0.2.1 onnxruntime") from error
        assets = Path(hibari.__file__).parent / "assets"
        model, self._durations = with_durations((assets / "hibari.onnx").read_bytes())
        self._session = onnxruntime.InferenceSession(model, one_thread(), providers=["CPUExecutionProvider"])
        self._vocabulary = vocabulary(assets / "vocab.json")
        self._synthesise: Any = dsp.synth
        self._noise = np.random.default_rng(seed)

    def words(self, text: str) -> list[list[Word]]:
        """Return the words of every sentence of an English text."""
        return pronounce(text)

    def knows(self, letter: str) -> bool:
        """Tell whether the model has a symbol for an IPA letter."""
        return letter in self._vocabulary

    def say(self, letters: Sequence[str], speed: float) -> tuple[Array, np.ndarray]:
        """Speak one sentence.

        Args:
            letters: IPA letters and punctuation, all known to the model.
            speed: 1 is its own pace, 2 twice as fast.

        Returns:
            float32 (N,) samples, and float64 (len(letters) + 1,): where each letter begins, in samples, and where
            the last one ends.
        """
        symbols = [0, *(self._vocabulary[letter] for letter in letters), 0]
        inputs = {"ids": np.array([symbols], np.int64), "speed": np.array([speed], np.float32)}
        names = [output.name for output in self._session.get_outputs()]
        outputs = dict(zip(names, self._session.run(None, inputs), strict=True))
        durations = np.asarray(outputs.pop(self._durations), np.float64).ravel()
        if len(durations) != len(symbols):
            raise RenderError(f"the voice told {len(durations)} durations for {len(symbols)} sounds")
        samples = self._synthesise(*(value[0] for value in outputs.values()), self._noise)
        edges = np.concatenate([[0.0], np.cumsum(durations)]) * (len(samples) / durations.sum())
        return np.asarray(samples, np.float32), edges[1:-1]

    def letters(self, word: Word) -> list[tuple[str, int]]:
        """Return the model's letters for a word, each with the position of the IPA letter it stands for."""
        return [(letter, at) for at, letter in enumerate(word.ipa) if letter in self._vocabulary]


def one_thread() -> Any:
    """Return ONNX runtime options for one quiet thread: these models gain nothing from more."""
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    options.log_severity_level = 3
    return options


def vocabulary(path: Path) -> dict[str, int]:
    """Return a model's symbols: letter → number."""
    import json

    return dict(json.loads(path.read_text(encoding="utf-8")))
