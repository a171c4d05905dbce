"""Phonemes from the sound alone: the recogniser's phone loop."""

from __future__ import annotations

from lipsync_colab.audio.level import SpeechGate
from lipsync_colab.phonemes.arpabet import SILENCE
from lipsync_colab.phonemes.pieces import pieces
from lipsync_colab.phonemes.sphinx import FRAMES_PER_SECOND, feed, pcm_of, phone_decoder, symbol_of
from lipsync_colab.phonemes.timing import tiled, trimmed
from lipsync_colab.types import Phoneme, Speech

SHORTEST_PIECE = 0.08
"""Seconds; less than that holds no phone that the model could tell."""


def phone_loop(speech: Speech, gate: SpeechGate | None = None) -> tuple[Phoneme, ...]:
    """Return the phones that an English recogniser hears, from 0 to the end without gaps.

    It needs no text and tells where lips close about four times in five, in any language.

    Args:
        speech: 16 kHz.
        gate: of the speech, when it has been measured already.

    Raises:
        MachineError: ``pocketsphinx`` is not installed.
    """
    gate = gate or SpeechGate.of(speech)
    decoder = phone_decoder()
    heard: list[Phoneme] = []
    for start, end in pieces(gate):
        if end - start >= SHORTEST_PIECE:
            heard += _phones(decoder, speech, start, end)
    return tiled(trimmed(heard, gate), speech.seconds)


def _phones(decoder: object, speech: Speech, start: float, end: float) -> list[Phoneme]:
    try:
        feed(decoder, pcm_of(speech, start, end))
    except RuntimeError:
        return []
    found = []
    for segment in decoder.seg() or ():  # type: ignore[attr-defined]
        symbol = symbol_of(segment.word)
        if symbol != SILENCE:
            first = start + segment.start_frame / FRAMES_PER_SECOND
            last = start + (segment.end_frame + 1) / FRAMES_PER_SECOND
            found.append(Phoneme(symbol, first, min(last, end)))
    return found
