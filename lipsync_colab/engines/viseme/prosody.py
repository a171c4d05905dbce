"""What a voice stresses and where it rests: the cues that head, brows, lids and breath follow."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import fft
from scipy.ndimage import gaussian_filter1d, maximum_filter1d, median_filter
from scipy.signal import find_peaks

from lipsync_colab.audio.level import STEP, SpeechGate
from lipsync_colab.engines.viseme.floats import Floats
from lipsync_colab.types import Speech

PITCH_STEP = 0.02  # seconds
PITCH_WINDOW = 0.04
LOWEST_PITCH, HIGHEST_PITCH = 70.0, 400.0  # Hz, of a speaking voice
VOICED = 0.45  # normalised autocorrelation above which a sound has a pitch
OCTAVE_COST = 0.05  # per octave down: a period's double fits as well as the period
BLOCK_WINDOWS = 2048

SYLLABLE = 0.05  # seconds (standard deviation): loudness by syllables
CONTEXT = 0.8  # seconds: what a syllable is compared with
SYLLABLE_GAP = 0.28  # seconds between two accents at least
ACCENT_GAP = 0.55  # seconds around an accent in which it is the strongest
PHRASE_PAUSE = 0.22  # seconds of silence that end a phrase


@dataclass(frozen=True, eq=False)
class Prosody:
    """The course of a voice in time.

    Attributes:
        seconds: length of the recording.
        times: float64 (n,), the instants of ``activity`` and ``loudness`` in seconds.
        activity: float (n,), 0 in silence, 1 in speech, with soft edges.
        loudness: float (n,), about 0 to 1, by syllables.
        accents: float (k, 2), time in seconds and strength in [0, 1] of every stressed syllable.
        phrases: (start, end) in seconds of every stretch of speech between pauses.
        pauses: (start, end) in seconds of every silence of at least 0.22 s.
    """

    seconds: float
    times: Floats
    activity: Floats
    loudness: Floats
    accents: Floats
    phrases: list[tuple[float, float]]
    pauses: list[tuple[float, float]]

    @classmethod
    def of(cls, speech: Speech) -> Prosody:
        """Measure a voice; long recordings are read by blocks."""
        gate = SpeechGate.of(speech)
        times = (np.arange(len(gate.level)) + 0.5) * STEP
        activity = gaussian_filter1d(gate.active.astype(np.float64), 0.08 / STEP, mode="nearest")
        loudness = gaussian_filter1d(_loudness(gate), SYLLABLE / STEP, mode="nearest")
        pauses = gate.pauses(PHRASE_PAUSE)
        phrases = _between(pauses, len(gate.level) * STEP) if gate.active.any() else []
        accents = _accents(speech, loudness, times) if phrases else np.zeros((0, 2))
        return cls(speech.seconds, times, activity, loudness, accents, phrases, pauses)


def _loudness(gate: SpeechGate) -> Floats:
    """Amplitude relative to the voice's own reference, 0 in pauses."""
    return np.where(gate.active, np.minimum(10 ** (gate.level.astype(np.float64) / 20), 1.5), 0.0)


def _between(pauses: list[tuple[float, float]], end: float) -> list[tuple[float, float]]:
    edges = [0.0, *(edge for pause in pauses for edge in pause), end]
    return [(a, b) for a, b in zip(edges[::2], edges[1::2], strict=True) if b - a > STEP]


def _accents(speech: Speech, loudness: Floats, times: Floats) -> Floats:
    """Syllables that stand out by loudness, pitch or their phonemes' stress marks."""
    usual = gaussian_filter1d(loudness, CONTEXT / STEP, mode="nearest")
    peaks, shape = find_peaks(loudness, distance=max(1, round(SYLLABLE_GAP / STEP)), prominence=0.08)
    if not len(peaks):
        return np.zeros((0, 2))
    louder = np.clip((loudness[peaks] - usual[peaks]) / 0.35, 0, 1)
    strength = 0.35 * louder + 0.25 * np.clip(shape["prominences"] / 0.6, 0, 1) + 0.4 * _higher(speech, times[peaks])
    strength = np.clip(strength + 0.3 * _stressed(speech, times[peaks]), 0, 1)
    course = np.zeros(len(loudness))
    course[peaks] = strength
    kept = strength >= maximum_filter1d(course, 2 * round(ACCENT_GAP / STEP) + 1)[peaks]
    return np.stack([times[peaks][kept], strength[kept]], axis=-1)


def _stressed(speech: Speech, instants: Floats) -> Floats:
    """1 where a vowel with primary stress is spoken, when the phonemes are known."""
    spans = [(phone.start, phone.end) for phone in speech.phonemes or () if phone.stress == 1]
    if not spans:
        return np.zeros(len(instants))
    starts, ends = np.array(spans).T
    index = np.clip(np.searchsorted(starts, instants + 0.06) - 1, 0, len(starts) - 1)
    return ((instants >= starts[index] - 0.06) & (instants <= ends[index] + 0.06)).astype(np.float64)


def _higher(speech: Speech, instants: Floats) -> Floats:
    """How far the pitch lies above its surroundings, 0 to 1 (about five semitones)."""
    pitch = pitches(speech)
    if not len(pitch) or not (pitch > 0).any():
        return np.zeros(len(instants))
    at = (np.arange(len(pitch)) + 0.5) * PITCH_STEP
    tone = 12 * np.log2(np.interp(at, at[pitch > 0], pitch[pitch > 0]))
    tone = median_filter(tone, 5, mode="nearest")
    above = tone - gaussian_filter1d(tone, 1.5 * CONTEXT / PITCH_STEP, mode="nearest")
    return np.clip(np.interp(instants, at, above) / 5, 0, 1)


def pitches(speech: Speech) -> Floats:
    """Return the pitch of every 20 ms in Hz, float32 (n,), 0 where there is none.

    The highest peak of the normalised autocorrelation (Boersma 1993, without its path search).
    """
    hop, width = round(PITCH_STEP * speech.rate), round(PITCH_WINDOW * speech.rate)
    count = max(0, (len(speech.samples) - width) // hop + 1)
    low, high = int(speech.rate / HIGHEST_PITCH), min(int(speech.rate / LOWEST_PITCH), width - 1)
    size = fft.next_fast_len(width + high, real=True)  # long enough that no lag of interest wraps round
    window = np.hanning(width).astype(np.float32)
    own = fft.irfft(np.abs(fft.rfft(window, size)) ** 2, size)
    octaves = np.log2(np.arange(low, high + 1) / low)
    result = np.zeros(count, np.float32)
    for first in range(0, count, BLOCK_WINDOWS):
        number = min(BLOCK_WINDOWS, count - first)
        block = np.asarray(speech.samples[first * hop : (first + number - 1) * hop + width], np.float32)
        frames = np.lib.stride_tricks.sliding_window_view(block, width)[::hop]
        frames = (frames - frames.mean(axis=1, keepdims=True)) * window
        correlation = fft.irfft(np.abs(fft.rfft(frames, size)) ** 2, size)[:, : high + 1]
        ratio = correlation[:, low:] / np.maximum(correlation[:, :1], 1e-9) * (own[0] / own[low : high + 1])
        lag = (ratio - OCTAVE_COST * octaves).argmax(axis=1)
        found = (ratio[np.arange(number), lag] > VOICED) & (correlation[:, 0] > 1e-6 * width)
        result[first : first + number] = np.where(found, speech.rate / (lag + low), 0)
    return result
