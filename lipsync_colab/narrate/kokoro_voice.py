"""The voices of Kokoro-82M: one network, a style for each voice, and durations of its own."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

import numpy as np

from lipsync_colab.device import inspect_machine
from lipsync_colab.errors import MachineError, WeightsError
from lipsync_colab.phonemes.pronounce import Word
from lipsync_colab.phonemes.reading import read_text
from lipsync_colab.types import Array, Progress
from lipsync_colab.weights.store import Store

MODEL, CONFIG = "kokoro/kokoro-v1_0.pth", "kokoro/config.json"
RATE = 24_000
FRAME = 600
"""Samples of one unit of duration."""
LONGEST = 510
"""Symbols of one sentence: a voice has a style for each length."""

MISAKI_OF_ESPEAK = {
    **{"a^ɪ": "I", "a^ʊ": "W", "e^ɪ": "A", "o^ʊ": "O", "ə^ʊ": "Q", "ɔ^ɪ": "Y"},
    **{"d^z": "ʣ", "d^ʒ": "ʤ", "t^s": "ʦ", "t^ʃ": "ʧ", "s^s": "S"},
}
"""The sounds that espeak writes with two letters and this model's alphabet (misaki) with one."""


def pack_name(voice: str) -> str:
    """Return the weights row of a voice."""
    return f"kokoro/voices/{voice}.pt"


class KokoroVoice:
    """Sounds of one sentence in, samples and times out.

    Args:
        name: of the voice, as released (``"af_heart"``).
        language: of its reader: ``"en"``, or as espeak-ng names it.
        offset: seconds to add to its phoneme times.
        seed: of the vocoder's noise.
        progress: of the bytes that are fetched.

    Raises:
        MachineError: PyTorch is missing.
        WeightsError: the weights cannot be had.

    Attributes:
        rate: samples per second of what it speaks.
        offset: seconds to add to its phoneme times.
    """

    rate = RATE

    def __init__(
        self, name: str, language: str, offset: float = 0.0, seed: int = 0, progress: Progress | None = None
    ) -> None:
        try:
            import torch
        except ImportError as error:
            raise MachineError(f"the voice {name} needs PyTorch: pip install 'lipsync-colab[neural]'") from error
        self.offset = offset
        self._language = language
        store = Store()
        self._vocabulary = _vocabulary(store, progress)
        self._device = torch.device(inspect_machine("auto").device)
        self._styles = styles(store, name, progress).to(self._device)
        self._network = _network(store, progress).to(self._device)
        self._noise = torch.Generator().manual_seed(seed)

    def words(self, text: str) -> list[list[Word]]:
        """Return the words of every sentence of a text in the voice's language."""
        return read_text(text, self._language)

    def knows(self, letter: str) -> bool:
        """Tell whether the model has a symbol for an IPA letter."""
        return letter in self._vocabulary

    def letters(self, word: Word) -> list[tuple[str, int]]:
        """Return the model's letters for a word, each with the position of the IPA letter it stands for."""
        found: list[tuple[str, int]] = []
        at = 0
        while at < len(word.ipa):
            joined = MISAKI_OF_ESPEAK.get(word.ipa[at : at + 3])
            letter = joined or word.ipa[at]
            if letter in self._vocabulary:
                found.append((letter, at))
            at += 3 if joined else 1
        return found

    def say(self, letters: Sequence[str], speed: float) -> tuple[Array, np.ndarray]:
        """Speak one sentence; see :meth:`HibariVoice.say`."""
        import torch

        symbols = [self._vocabulary[letter] for letter in letters][:LONGEST]
        ids = torch.tensor([[0, *symbols, 0]], device=self._device)
        style = self._styles[min(len(symbols), len(self._styles)) - 1]
        with torch.inference_mode():
            samples, durations = self._network(ids, style, speed, self._noise)
        edges = np.concatenate([[0.0], np.cumsum(durations.cpu().numpy().astype(np.float64))]) * FRAME
        return samples.float().cpu().numpy(), edges[1:-1]


def _vocabulary(store: Store, progress: Progress | None) -> dict[str, int]:
    path = store.path_of(CONFIG, progress)
    try:
        return dict(json.loads(path.read_text(encoding="utf-8"))["vocab"])
    except (ValueError, KeyError, TypeError) as error:
        raise WeightsError(f"{CONFIG} holds no vocabulary: `lipsync-colab weights verify kokoro`") from error


def styles(store: Store, voice: str, progress: Progress | None = None) -> Any:
    """Return a voice's styles, float32 (510, 1, 256): one for each number of symbols.

    Raises:
        WeightsError: it cannot be had, or is something else.
    """
    from lipsync_colab.weights.load import load_tensor

    row = pack_name(voice)
    pack = load_tensor(store.path_of(row, progress))
    if tuple(pack.shape[1:]) != (1, 256) or not len(pack):
        raise WeightsError(f"{row} holds no styles but a tensor of {tuple(pack.shape)}: fetch it again")
    return pack.float()


def _network(store: Store, progress: Progress | None) -> Any:
    from lipsync_colab import networks
    from lipsync_colab.networks.folding import fold
    from lipsync_colab.networks.kokoro.model import PARTS
    from lipsync_colab.weights.load import assign, load_parts

    network = networks.build("kokoro")
    assign(network, released(load_parts(store.path_of(MODEL, progress), PARTS)), MODEL)
    return fold(network).requires_grad_(False)


def released(state: dict[str, Any]) -> dict[str, Any]:
    """Return the tensors that speak: without ALBERT's list of places and norms that change nothing."""
    kept = {key: value for key, value in state.items() if not key.endswith("embeddings.position_ids")}
    for key in [key for key in kept if key.endswith((".norm.weight", ".norm.bias"))]:
        if bool((kept[key] == (1 if key.endswith("weight") else 0)).all()):
            del kept[key]
    return kept
