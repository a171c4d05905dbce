"""Where phoneme times come from, best first."""

from __future__ import annotations

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
    gate = gate or SpeechGate.of(speech)
    phonemes, source = known_phonemes(speech, text, gate)
    if phonemes or not sphinx_available():
        return phonemes, source
    words = understood(speech, gate)
    if words is not None and words.trusted:
        return words.phonemes, "recogniser"
    heard = phone_loop(speech, gate)
    return (heard, "phone loop") if len(heard) > 1 else ((), "energy")


def known_phonemes(speech: Speech, text: str, gate: SpeechGate) -> tuple[tuple[Phoneme, ...], str]:
    """Return timed phonemes where it is known what is said, else none.

    Args:
        speech: the voice, 16 kHz.
        text: what is said, where it is known and the speech does not carry it.
        gate: of the speech.

    Returns:
        Phonemes from 0 to the end without gaps and ``"phonemes"`` or ``"alignment"``; none and ``"energy"`` where
        nothing is known, the text is not what is said, or it is not English.
    """
    if speech.phonemes:
        return speech.phonemes, "phonemes"
    words = text or speech.text
    if words.strip() and sphinx_available():
        try:
            return align(speech, words, gate), "alignment"
        except (AlignmentFailed, InputError):
            pass  # the text is not what is said, or not English: the sound alone still tells most of it
    return (), "energy"


def guessed_phonemes(speech: Speech, gate: SpeechGate) -> tuple[Phoneme, ...]:
    """Return the timed phonemes of words that the recogniser may have heard, from 0 to the end without gaps, or none.

    They are right in most of English, and nonsense in other languages, at times with much confidence: who uses them
    must hold them against what else is heard.

    Args:
        speech: the voice, 16 kHz, of which no phonemes are known.
        gate: of the speech.
    """
    heard = understood(speech, gate) if sphinx_available() else None
    return heard.phonemes if heard is not None else ()


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
    source, told = "sound", f"the sound alone ({'viseme network' if encoder_available() else 'phone loop'})"
    if not sphinx_available():
        return source, told
    if recogniser_available():
        source, told = "recogniser", f"the words that a recogniser hears (English), otherwise {told}"
    if (text or speech.text).strip():
        return "alignment", f"forced alignment with the text, otherwise {told}"
    return source, told
