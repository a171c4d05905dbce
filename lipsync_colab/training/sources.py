"""The sources of mouth movement that are compared, each as a function of a recording and its text."""

from __future__ import annotations

import functools
from collections.abc import Callable

import numpy as np

from lipsync_colab.audio.level import frame_times
from lipsync_colab.audio.voicing import voiced_gate
from lipsync_colab.engines.viseme.learned import Weights, heard_outputs
from lipsync_colab.engines.viseme.motion import MotionTrack, empty_track
from lipsync_colab.engines.viseme.track import mouth_of, mouth_of_energy, mouth_of_sound, mouth_track, track_of
from lipsync_colab.phonemes.loop import phone_loop
from lipsync_colab.training.scores import FPS
from lipsync_colab.types import Phoneme, Speech, frame_count

Source = Callable[[Speech, str], MotionTrack]


def reference(speech: Speech) -> MotionTrack:
    """Return the mouth of speech whose phonemes are known."""
    return mouth_track(speech, FPS, frame_count(speech.seconds, FPS))


def by_loop(speech: Speech, text: str) -> MotionTrack:
    """The recogniser's phone loop."""
    return _of_phonemes(speech, _looped(speech))


@functools.lru_cache(maxsize=256)
def _looped(speech: Speech) -> tuple[Phoneme, ...]:
    return phone_loop(speech, voiced_gate(speech))


def by_energy(speech: Speech, text: str) -> MotionTrack:
    """Loudness alone."""
    return track_of(mouth_of_energy(voiced_gate(speech), _times(speech)), "energy")


def by_network(weights: Weights | None = None) -> Source:
    """Return the viseme network as a source, with the shipped weights or others."""

    def learned(speech: Speech, text: str) -> MotionTrack:
        outputs = heard_outputs(speech, weights)
        return track_of(mouth_of_sound(outputs, voiced_gate(speech), _times(speech)), "learned")

    return learned


def by_default(weights: Weights | None = None) -> Source:
    """Return what renders use for a recording without a text, with the shipped weights or others."""

    def followed(speech: Speech, text: str) -> MotionTrack:
        return mouth_track(speech, FPS, frame_count(speech.seconds, FPS), weights=weights)

    return followed


def _of_phonemes(speech: Speech, phonemes: tuple[Phoneme, ...]) -> MotionTrack:
    gate = voiced_gate(speech)
    if len(phonemes) < 2 or not gate.active.any():
        return empty_track(frame_count(speech.seconds, FPS), "phonemes")
    return track_of(mouth_of(phonemes, gate, _times(speech)), "phonemes")


def _times(speech: Speech) -> np.ndarray:
    return frame_times(FPS, frame_count(speech.seconds, FPS))
