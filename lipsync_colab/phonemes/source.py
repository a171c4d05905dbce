"""Where phoneme times come from, best first."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from lipsync_colab.audio.level import SpeechGate
from lipsync_colab.errors import InputError
from lipsync_colab.phonemes.align import align
from lipsync_colab.phonemes.encoded import encoder_available
from lipsync_colab.phonemes.loop import phone_loop
from lipsync_colab.phonemes.recogniser import recogniser_available, understood
from lipsync_colab.phonemes.sphinx import sphinx_available
from lipsync_colab.phonemes.word_aligner import AlignmentFailed
from lipsync_colab.types import Phoneme, Speech


def timed_phonemes(speech: Speech, text: str = "", gate: SpeechGate | None = None) -> tuple[tuple[Phoneme, ...], str]:
    """Return the best timed phonemes of a voice and their source.

    Args:
        speech: the voice, 16 kHz.
        text: what is said, where it is known and the speech does not carry it.
        gate: of the speech, when it has been measured already.

    Returns:
        Phonemes from 0 to the end without gaps, and ``"phonemes"`` (they came with the speech), ``"alignment"``,
        ``"recogniser"`` (alignment with words that a recogniser heard), ``"phone loop"`` or, with no phonemes at all,
        ``"energy"``.
    """
    if speech.phonemes:
        return speech.phonemes, "phonemes"
    gate = gate or SpeechGate.of(speech)
    for words in aligned_words(speech, text, gate):
        if words.trusted:
            return words.phonemes, words.source
    heard = phone_loop(speech, gate) if sphinx_available() else ()
    return (heard, "phone loop") if len(heard) > 1 else ((), "energy")


@dataclass(frozen=True)
class AlignedWords:
    """What may be said, found again in the sound.

    Attributes:
        phonemes: from 0 to the end without gaps.
        source: ``"alignment"`` with the text that was given, or ``"recogniser"``.
        trusted: False for what the recogniser only guesses.
    """

    phonemes: tuple[Phoneme, ...]
    source: str
    trusted: bool = True


def aligned_words(speech: Speech, text: str, gate: SpeechGate) -> Iterator[AlignedWords]:
    """Yield what may be said, the likeliest first, each worked out when it is asked for.

    The aligner knows English and finds something in nearly every sound: of another language's text, or of English words
    that the recogniser believed to hear there, it makes nonsense. Who moves lips by it must hold it against what else
    is heard.

    Args:
        speech: the voice, 16 kHz, of which no phonemes are known.
        text: what is said, where it is known and the speech does not carry it.
        gate: of the speech.
    """
    if not sphinx_available():
        return
    said = _aligned(speech, text or speech.text, gate)
    if said:
        yield AlignedWords(said, "alignment")
    heard = understood(speech, gate)
    if heard is not None:
        yield AlignedWords(heard.phonemes, "recogniser", heard.trusted)


def _aligned(speech: Speech, text: str, gate: SpeechGate) -> tuple[Phoneme, ...]:
    """The phonemes of a text, or none where there is no text, or it is not what is said, or not English."""
    try:
        return align(speech, text, gate) if text.strip() else ()
    except (AlignmentFailed, InputError):
        return ()


def expected_source(speech: Speech, text: str = "") -> tuple[str, str]:
    """Return where the lips' times will come from, for a plan; nothing is heard yet.

    Args:
        speech: the voice.
        text: what is said, where it is known and the speech does not carry it.

    Returns:
        ``"phonemes"``, ``"alignment"``, ``"recogniser"`` or ``"sound"``, and the same in words with what follows
        where that fails.
    """
    if speech.phonemes:
        return "phonemes", "the voice's own phoneme times"
    hearing = "viseme network" if encoder_available() else "phone loop" if sphinx_available() else "loudness"
    source, told = "sound", f"the sound alone ({hearing})"
    if not sphinx_available():
        return source, told
    if recogniser_available():
        source, told = "recogniser", f"the words that a recogniser hears (English), otherwise {told}"
    if (text or speech.text).strip():
        return "alignment", f"forced alignment with the text, otherwise {told}"
    return source, told
