"""How late a voice's own phoneme times are: measured on what it speaks."""

from __future__ import annotations

import difflib
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from lipsync_colab.audio.decode import RATE
from lipsync_colab.audio.level import STEP, SpeechGate
from lipsync_colab.audio.loudness import normalised
from lipsync_colab.errors import InputError
from lipsync_colab.narrate.voice import resampled, say
from lipsync_colab.narrate.voices import Voice, check_reader, open_voice, voice_info
from lipsync_colab.phonemes.align import align
from lipsync_colab.phonemes.arpabet import SILENCE, VOWELS
from lipsync_colab.phonemes.reading import is_english
from lipsync_colab.phonemes.sphinx import sphinx_available
from lipsync_colab.phonemes.timing import shifted, tiled
from lipsync_colab.phonemes.word_aligner import AlignmentFailed
from lipsync_colab.types import Phoneme, Speech

LINES = {
    "en": (
        "Mama baked apple pie for Bob. People move both lips to make a big blue balloon pop. The captain took a paper"
        " cup of tea and put it back. Peter painted the old wooden boat before the evening. A good teacher knows when"
        " to keep quiet. Today the market opens at ten and closes at six."
    ),
    "es": "Papá compró pan blanco. La paloma bebe poca agua. Mi abuelo toca el piano. Todo el pueblo canta y baila.",
    "fr": "Papa a bu un peu de café. Le bateau part tout à coup. Maman a mis la table. Le petit chat dort à côté.",
    "it": "Papà beve un poco di tè. La mamma porta il pane a tavola. Il bambino gioca con la palla. Tutto tace.",
    "pt": "O papai comprou pão. A mamãe bebe pouca água. O menino toca piano. Todo o povo canta na cidade.",
    "hi": "पापा बाज़ार गए। माँ ने खाना बनाया। बच्चा पानी पीता है। किताब कमरे में पड़ी है।",
    "de": "Papa backt das beste Brot. Mama trinkt eine Tasse Tee. Der Bub spielt mit dem Ball. Peter packt die Tasche.",
}
"""Sentences rich in lips that close, per language."""
STOPS = frozenset("P B T D K G".split())
FARTHEST, STEP_SECONDS = 0.12, 0.005
"""How far times are moved either way, and by what, in search of the greatest contrast."""


@dataclass(frozen=True)
class MeasuredOffset:
    """What to add to a voice's phoneme times.

    Attributes:
        seconds: the offset.
        by: ``"alignment"`` or ``"contrast"``.
        count: phonemes that it rests on.
        spread: for alignment, the median distance of one boundary from it in seconds; for contrast, dB gained.
    """

    seconds: float
    by: str
    count: int
    spread: float


def measure_offset(name: str, text: str = "", seed: int = 0) -> MeasuredOffset:
    """Speak some sentences, and compare the model's times with the sound's.

    English is compared with forced alignment; other languages by the contrast of energy between vowels and stops,
    which is greatest where the times are right (within about 15 ms).

    Args:
        name: of the voice, or a Piper voice's file.
        text: to be spoken; sentences of its language by default.
        seed: of the voice's noise.

    Raises:
        InputError: the voice is none, or no sentences are known for its language.
    """
    info = voice_info(name)
    check_reader(info)
    language = info.language.partition("-")[0]
    text = text or LINES.get(language, "")
    if not text:
        raise InputError(f"there are no sentences in {language!r} to measure with: give some with --text")
    voice = open_voice(name, seed)
    voice.offset = 0.0
    speech = spoken(voice, text)
    if is_english(language) and sphinx_available():
        try:
            return by_alignment(speech, text)
        except AlignmentFailed:
            pass
    return by_contrast(speech)


def spoken(voice: Voice, text: str) -> Speech:
    """Return a text as a loaded voice says it, 16 kHz with the phonemes at the voice's present offset."""
    parts: list[np.ndarray] = []
    phonemes: list[Phoneme] = []
    at = 0
    for one in say(voice, text):
        phonemes += shifted(one.phonemes, at / voice.rate)
        parts.append(one.samples)
        at += len(one.samples)
    heard = resampled(normalised(np.concatenate(parts), voice.rate), voice.rate)
    return Speech(heard, RATE, None, tiled(phonemes, len(heard) / RATE), text)


def by_alignment(speech: Speech, text: str) -> MeasuredOffset:
    """Return the median difference between a speech's phonemes and forced alignment with its text.

    Raises:
        AlignmentFailed: the recogniser does not hear the text.
    """
    late = boundary_differences(speech.phonemes or (), align(speech, text))
    seconds = -float(np.median(late))
    return MeasuredOffset(seconds, "alignment", len(late), float(np.median(np.abs(late + seconds))))


def boundary_differences(own: Sequence[Phoneme], reference: Sequence[Phoneme]) -> np.ndarray:
    """Return own minus reference time in seconds of each boundary between two phones that both hear alike.

    A boundary to silence is left out: where a sound fades is a matter of taste.

    Args:
        own: phonemes of a speech.
        reference: others of the same speech.
    """
    first = [one for one in own if one.symbol != SILENCE]
    second = [one for one in reference if one.symbol != SILENCE]
    matcher = difflib.SequenceMatcher(
        None, [one.symbol for one in first], [one.symbol for one in second], autojunk=False
    )
    found = []
    for block in matcher.get_matching_blocks():
        for step in range(1, block.size):
            (before, mine), (other, theirs) = (
                (phones[at + step - 1], phones[at + step]) for phones, at in ((first, block.a), (second, block.b))
            )
            if abs(before.end - mine.start) < STEP and abs(other.end - theirs.start) < STEP:
                found.append(mine.start - theirs.start)
    return np.array(found)


def by_contrast(speech: Speech) -> MeasuredOffset:
    """Return the shift at which vowels are loudest against stops.

    Raises:
        InputError: the text has too few stops to tell.
    """
    level = SpeechGate.of(speech).level
    phonemes = [one for one in speech.phonemes or () if one.symbol in VOWELS or one.symbol in STOPS]
    stops = sum(one.symbol in STOPS for one in phonemes)
    if stops < 10:
        raise InputError(f"{stops} stops are too few to measure with: give a longer text")
    shifts = np.arange(-FARTHEST, FARTHEST + STEP_SECONDS / 2, STEP_SECONDS)
    contrast = np.array([_contrast(phonemes, level, shift) for shift in shifts])
    smooth = np.convolve(np.pad(contrast, 2, mode="edge"), np.ones(5) / 5, mode="valid")
    best = int(np.argmax(smooth))
    gained = float(smooth[best] - contrast[len(shifts) // 2])
    return MeasuredOffset(float(shifts[best]), "contrast", len(phonemes), gained)


def _contrast(phonemes: Sequence[Phoneme], level: np.ndarray, shift: float) -> float:
    middles = np.array([(one.start + one.end) / 2 + shift for one in phonemes])
    heard = level[np.clip((middles / STEP).astype(int), 0, len(level) - 1)]
    vowel = np.array([one.symbol in VOWELS for one in phonemes])
    return float(heard[vowel].mean() - heard[~vowel].mean())
