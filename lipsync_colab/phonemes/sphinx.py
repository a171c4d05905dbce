"""PocketSphinx, the recogniser whose English acoustic model comes in its wheel."""

from __future__ import annotations

import os
from typing import Any

import numpy as np

from lipsync_colab.errors import MachineError
from lipsync_colab.phonemes.arpabet import CONSONANTS, SILENCE, VOWELS
from lipsync_colab.types import Speech

RATE = 16_000
FRAMES_PER_SECOND = 100
PEAK = 0.9
KNOWN = VOWELS | CONSONANTS


def sphinx_available() -> bool:
    """Tell whether the recogniser can be loaded (it needs neither ``sounddevice`` nor PortAudio)."""
    try:
        import pocketsphinx  # noqa: F401
    except (ImportError, OSError):
        return False
    return True


def alignment_decoder(**beams: float) -> Any:
    """Return a decoder with the English dictionary and no language model.

    Args:
        beams: ``beam``, ``wbeam``, ``pbeam``: wider ones search more and fail less.
    """
    return _package().Decoder(lm=None, loglevel="FATAL", **beams)


def phone_decoder(weight: float = 0.7, beam: float = 1e-20) -> Any:
    """Return a decoder that hears phones rather than words.

    Args:
        weight: of the phone bigrams against the sound. The usual 2 and more lets them overrule what is heard: at 0.7
            five in a hundred more closures are found, at no more false ones.
        beam: how far behind the best a path may fall.
    """
    package = _package()
    folder = os.path.join(package.get_model_path(), "en-us")  # noqa: PTH118
    return package.Decoder(
        hmm=f"{folder}/en-us",
        allphone=f"{folder}/en-us-phone.lm.bin",
        lm=None,
        dict=None,
        lw=weight,
        beam=beam,
        pbeam=beam,
        loglevel="FATAL",
    )


def _package() -> Any:
    try:
        import pocketsphinx
    except (ImportError, OSError) as error:
        raise MachineError("the phone recogniser is missing: pip install pocketsphinx==5.1.1") from error
    return pocketsphinx


def feed(decoder: Any, pcm: bytes) -> None:
    """Decode one whole utterance.

    Raises:
        RuntimeError: no path survived the beams.
    """
    decoder.start_utt()
    try:
        decoder.process_raw(pcm, full_utt=True)
    finally:
        decoder.end_utt()


def pcm_of(speech: Speech, start: float, end: float) -> bytes:
    """Return a span of speech as 16-bit samples with its peak at 90 %.

    Args:
        speech: 16 kHz.
        start: seconds.
        end: seconds.
    """
    if speech.rate != RATE:
        raise ValueError(f"the recogniser hears {RATE} Hz, not {speech.rate}")
    samples = np.asarray(speech.samples[round(start * RATE) : round(end * RATE)], np.float32)
    peak = max(float(np.abs(samples).max(initial=0)), 1e-3)
    return (samples * (PEAK * 32767 / peak)).astype("<i2").tobytes()


def symbol_of(name: str) -> str:
    """Return the ARPAbet symbol of a recogniser's phone; its silences and noises are ``"SIL"``."""
    bare = name.rstrip("0123456789")
    return bare if bare in KNOWN else SILENCE
