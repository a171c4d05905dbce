"""Where the vocal folds sound: what tells a voice from breath and noise."""

from __future__ import annotations

import dataclasses
from typing import cast

import numpy as np
import scipy.fft

from lipsync_colab.audio.level import STEP, SpeechGate
from lipsync_colab.types import Array, Speech

LOWEST_PITCH, HIGHEST_PITCH = 60.0, 420.0
WINDOW = 0.04
"""Seconds: two and a half periods of the lowest pitch."""
BLOCK_STEPS = 6_000
CONSONANT = 0.1
"""Seconds next to a voice that may be its last or first consonant, an s for instance."""
VOICED = 0.5
"""Periodicity above this is a voice."""


def voicing(speech: Speech) -> Array:
    """Return how periodic the sound is every 10 ms, float32 (n,) in [0, 1]: vowels near 1, breath and hiss near 0.3.

    It is the highest peak of the normalised autocorrelation between the periods of 420 and 60 Hz (Boersma, 1993).
    """
    hop, window = round(speech.rate * STEP), round(speech.rate * WINDOW)
    count = -(-len(speech.samples) // hop)
    result = np.empty(count, np.float32)
    for first in range(0, count, BLOCK_STEPS):
        last = min(first + BLOCK_STEPS, count)
        result[first:last] = _periodicity(_windows(speech, first, last, hop, window), speech.rate)
    return result


def _windows(speech: Speech, first: int, last: int, hop: int, window: int) -> np.ndarray:
    """Windows centred on the steps' middles, silence beyond the ends, without their means."""
    start = first * hop + hop // 2 - window // 2
    stop = (last - 1) * hop + hop // 2 - window // 2 + window
    inside = np.asarray(speech.samples[max(start, 0) : max(stop, 0)], np.float32)
    padded = np.pad(inside, (max(-start, 0), max(stop - len(speech.samples), 0)))[: stop - start]
    windows = np.lib.stride_tricks.sliding_window_view(padded, window)[::hop]
    return windows - windows.mean(axis=1, keepdims=True)


def _periodicity(windows: np.ndarray, rate: int) -> Array:
    taper = np.hanning(windows.shape[1]).astype(np.float32)
    length = scipy.fft.next_fast_len(2 * windows.shape[1])
    spectrum = np.abs(scipy.fft.rfft(windows * taper, length, axis=1)) ** 2
    correlation = scipy.fft.irfft(spectrum, axis=1)
    of_taper = scipy.fft.irfft(np.abs(scipy.fft.rfft(taper, length)) ** 2)
    low, high = int(rate / HIGHEST_PITCH), int(rate / LOWEST_PITCH)
    power = np.maximum(correlation[:, :1], 1e-9)
    normalised = correlation[:, low:high] / power / (of_taper[low:high] / of_taper[0])
    return cast(Array, np.clip(normalised.max(axis=1), 0, 1).astype(np.float32))


def breaths(speech: Speech, active: np.ndarray, shortest: float = 0.3, least_voice: float = 0.15) -> np.ndarray:
    """Return where a recording is loud enough for speech but only breathes or hisses.

    Args:
        speech: the voice.
        active: bool (n,), every 10 ms, from :class:`~lipsync_colab.audio.level.SpeechGate`.
        shortest: seconds; an unvoiced stretch that is shorter may be a consonant.
        least_voice: a recording with a smaller share of voice is whispered, and has no breaths.

    Returns:
        bool (n,).
    """
    voiced = (voicing(speech) > VOICED) & active
    found = np.zeros(len(active), bool)
    if voiced.sum() < least_voice * active.sum():
        return found
    for start, end in _runs(~voiced):
        for first, last in _runs(active[start:end]):
            if (last - first) * STEP >= shortest:
                after = round(CONSONANT / STEP) if first == 0 and start else 0
                before = round(CONSONANT / STEP) if last == end - start and end < len(active) else 0
                found[start + first + after : start + last - before] = True
    return found


def voiced_gate(speech: Speech) -> SpeechGate:
    """Return the speech gate of a recording, shut while it only breathes."""
    gate = SpeechGate.of(speech)
    if not gate.active.any():
        return gate
    return dataclasses.replace(gate, active=gate.active & ~breaths(speech, gate.active))


def _runs(mask: np.ndarray) -> np.ndarray:
    """The (start, end) of every stretch of True, int (n, 2)."""
    return np.flatnonzero(np.diff(np.concatenate([[0], mask.astype(np.int8), [0]]))).reshape(-1, 2)
