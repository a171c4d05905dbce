"""Text → :class:`~lipsync_colab.types.Speech` that knows when each phoneme is said."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import scipy.signal

from lipsync_colab.audio.decode import RATE
from lipsync_colab.audio.level import SpeechGate
from lipsync_colab.audio.loudness import normalised
from lipsync_colab.audio.wav import write_wav
from lipsync_colab.errors import InputError
from lipsync_colab.narrate.voices import REGISTRY, Voice, open_voice, state, voice_info
from lipsync_colab.phonemes.arpabet import spelled
from lipsync_colab.phonemes.pronounce import Word
from lipsync_colab.phonemes.reading import sayable
from lipsync_colab.phonemes.timing import shifted, tiled, trimmed
from lipsync_colab.types import Array, Phoneme, Speech
from lipsync_colab.weights.store import Store

SLOWEST, FASTEST = 0.5, 2.0
LONGEST_SENTENCE = 300
"""Letters; a longer sentence is spoken in parts, cut at punctuation where there is some."""
FADE_SECONDS = 0.004


@dataclass(frozen=True, eq=False)
class Utterance:
    """One spoken sentence.

    Attributes:
        samples: float32 (N,), mono, at the voice's own level.
        rate: samples per second.
        phonemes: from 0 to the end, without gaps.
        text: the sentence, as words.
    """

    samples: Array
    rate: int
    phonemes: tuple[Phoneme, ...]
    text: str


def available_voices() -> list[str]:
    """Return the names of the voices that can speak on this machine."""
    store = Store()
    return [name for name, info in REGISTRY.items() if state(info, store) == "present"]


def speak(text: str, voice: str = "hibari", rate: float = 1.0, seed: int = 0, path: str | Path | None = None) -> Speech:
    """Say a text.

    Args:
        text: in the voice's language, up to two hours; numbers, dates and abbreviations are read out.
        voice: ``"hibari"`` (a woman), ``"joe"`` (a man, with its package), a Kokoro voice (``"af_heart"``), or the path
            of a Piper voice's ``.onnx``; ``lipsync-colab voices`` lists them.
        rate: pace, 0.5 to 2.
        seed: of the breath noise; the same seed gives the same samples.
        path: also write the sound there (WAV, the voice's own rate), and make it the speech's track.

    Returns:
        16 kHz speech at -16 LUFS with ``phonemes`` and ``text`` set.

    Raises:
        InputError: nothing to say, letters of another language, an unknown voice or pace, an unusable path.
        MachineError, WeightsError: the voice's package, reader or weights cannot be had.

    >>> from lipsync_colab import speak
    >>> [phoneme.symbol for phoneme in speak("Hello.").phonemes if phoneme.symbol != "SIL"]
    ['HH', 'AH', 'L', 'OW']
    """
    spoken = list(utterances(text, voice, rate, seed))
    native = spoken[0].rate
    samples = normalised(np.concatenate([one.samples for one in spoken]), native)
    heard = resampled(samples, native)
    phonemes: list[Phoneme] = []
    start = 0
    for one in spoken:
        phonemes += shifted(one.phonemes, start / native)
        start += len(one.samples)
    track = write_wav(path, samples, native) if path is not None else None
    return Speech(heard, RATE, track, tiled(phonemes, len(heard) / RATE), text)


def utterances(text: str, voice: str = "hibari", rate: float = 1.0, seed: int = 0) -> Iterator[Utterance]:
    """Yield a text sentence by sentence, each as soon as it is spoken. See :func:`speak` for the arguments."""
    info = voice_info(voice)
    if not SLOWEST <= rate <= FASTEST:
        raise InputError(f"a speaking rate of {rate:g} is out of range: give {SLOWEST:g} to {FASTEST:g}")
    sayable(text, info.reader)  # what cannot be said is refused before the voice is loaded
    yield from say(open_voice(voice, seed), text, rate)


def say(speaker: Voice, text: str, rate: float = 1.0) -> Iterator[Utterance]:
    """Yield a text sentence by sentence from a voice that is loaded already.

    Raises:
        InputError: nothing to say, or not English letters.
    """
    said = speaker.words(text)
    if not said:
        raise InputError("the text holds nothing to say: give at least one word")
    for sentence in said:
        for part in _parts(sentence):
            yield utter(speaker, part, rate)


def utter(voice: Voice, words: Sequence[Word], rate: float = 1.0) -> Utterance:
    """Speak one sentence of at most a few hundred letters."""
    letters: list[str] = []
    spans: list[Phoneme] = []  # start and end still in letters, not seconds
    for word in words:
        spelling = voice.letters(word)
        owners = dict[int, list[int]]()
        for index, (_, position) in enumerate(spelling):
            owners.setdefault(position, []).append(len(letters) + index)
        letters += [letter for letter, _ in spelling]
        spans += _spans(word, owners)
        if word.space and voice.knows(" "):
            if spans and spans[-1].end == len(letters):  # the gap between words belongs to the sound before it
                spans[-1] = dataclasses.replace(spans[-1], end=len(letters) + 1)
            letters.append(" ")
    samples, edges = voice.say(letters, rate)
    samples = _faded(samples, voice.rate)
    timed = [_timed(span, edges, voice) for span in spans]
    gate = SpeechGate.of(Speech(samples, voice.rate))
    seconds = len(samples) / voice.rate
    text = " ".join("".join(word.text + " " * word.space for word in words).split())
    return Utterance(samples, voice.rate, tiled(trimmed(timed, gate), seconds), text)


def _spans(word: Word, owners: dict[int, list[int]]) -> list[Phoneme]:
    """The word's phonemes with the numbers of their first and last-but-one letters for times."""
    spans = []
    for symbol, stress, positions in spelled(word.ipa):
        indices = [index for position in positions for index in owners.get(position, [])]
        if indices:
            spans.append(Phoneme(symbol, min(indices), max(indices) + 1, stress, word.text))
    return spans


def _timed(span: Phoneme, edges: np.ndarray, voice: Voice) -> Phoneme:
    start, end = (max(0.0, float(edges[int(at)]) / voice.rate + voice.offset) for at in (span.start, span.end))
    return dataclasses.replace(span, start=start, end=end)


def _parts(words: list[Word]) -> Iterator[list[Word]]:
    """Cut a very long sentence, at punctuation if possible."""
    part: list[Word] = []
    length = 0
    for word in words:
        part.append(word)
        length += len(word.ipa) + 1
        pause = not word.phonemes and word.text in ",;:—–"
        if (length > LONGEST_SENTENCE and pause) or length > 1.3 * LONGEST_SENTENCE:
            yield part
            part, length = [], 0
    if any(word.phonemes for word in part):
        yield part


def _faded(samples: Array, rate: int) -> Array:
    """Sentences are laid end to end: fade their ends so that no join clicks."""
    count = min(round(FADE_SECONDS * rate), len(samples) // 2)
    ramp = np.ones(len(samples), np.float32)
    ramp[:count] = np.linspace(0, 1, count, dtype=np.float32)
    ramp[len(samples) - count :] = np.linspace(1, 0, count, dtype=np.float32)
    return samples * ramp


def resampled(samples: Array, rate: int, target: int = RATE) -> Array:
    """Return samples at another rate, float32, with no delay."""
    common = int(np.gcd(rate, target))
    changed = scipy.signal.resample_poly(samples, target // common, rate // common)
    return np.clip(changed, -1, 1).astype(np.float32)
