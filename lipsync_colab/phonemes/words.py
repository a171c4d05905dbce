"""Phonemes from the sound alone: the words that the recogniser hears with its own English language model.

They are right in much of quiet English, and nonsense in other languages and in noise: who uses them must hold them
against what else is heard.
"""

from __future__ import annotations

from lipsync_colab.audio.level import SpeechGate
from lipsync_colab.errors import InputError
from lipsync_colab.phonemes.align import align
from lipsync_colab.phonemes.pieces import pieces
from lipsync_colab.phonemes.sphinx import feed, pcm_of, word_decoder
from lipsync_colab.phonemes.word_aligner import AlignmentFailed
from lipsync_colab.types import Phoneme, Speech

SHORTEST_PIECE = 0.2
"""Seconds; less than that holds no word."""


def worded_phonemes(speech: Speech, gate: SpeechGate | None = None) -> tuple[Phoneme, ...]:
    """Return the phonemes of the English words that a recogniser hears, from 0 to the end without gaps.

    Args:
        speech: 16 kHz.
        gate: of the speech, when it has been measured already.

    Returns:
        Phonemes as of :func:`~lipsync_colab.phonemes.align.align`; none where it hears no words, or words that do not
        go with the sound.

    Raises:
        MachineError: ``pocketsphinx`` is not installed.
    """
    gate = gate or SpeechGate.of(speech)
    try:
        return align(speech, words_heard(speech, gate), gate)
    except (AlignmentFailed, InputError):
        return ()


def words_heard(speech: Speech, gate: SpeechGate) -> str:
    """Return the English words of a recording, in lower case without punctuation; ``""`` where there are none.

    Raises:
        MachineError: ``pocketsphinx`` is not installed.
    """
    decoder = word_decoder()
    heard = []
    for start, end in pieces(gate):
        if end - start >= SHORTEST_PIECE:
            try:
                feed(decoder, pcm_of(speech, start, end))
            except RuntimeError:  # no path survived: nobody says words there
                continue
            best = decoder.hyp()
            heard.append(best.hypstr if best is not None else "")
    return " ".join(part for part in heard if part)
