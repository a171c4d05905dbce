"""Speech → how the mouth moves at every frame."""

from __future__ import annotations

from collections.abc import Iterable
from fractions import Fraction

import numpy as np
from scipy import ndimage

from lipsync_colab.audio.level import STEP, SpeechGate, frame_times
from lipsync_colab.audio.voicing import voiced_gate
from lipsync_colab.engines.viseme.coarticulation import activity, blended, events, tongue
from lipsync_colab.engines.viseme.decoding import closures, confirmed, shapes_at, speaks, wakefulness
from lipsync_colab.engines.viseme.learned import Weights, heard_outputs
from lipsync_colab.engines.viseme.motion import CHANNELS, MOUTH, MotionTrack, empty_track
from lipsync_colab.engines.viseme.outputs import EVENTS
from lipsync_colab.engines.viseme.visemes import SHAPES, gestures
from lipsync_colab.phonemes.encoded import encoder_available
from lipsync_colab.phonemes.loop import phone_loop
from lipsync_colab.phonemes.source import AlignedWords, aligned_words
from lipsync_colab.phonemes.sphinx import sphinx_available
from lipsync_colab.types import Array, Phoneme, Speech

LOUDNESS_SMOOTHING = 0.10
"""Seconds (standard deviation): the loudness of a syllable, not of a pitch period."""
LOUDNESS_SLOPE = 0.022
"""Opening per dB: 10 dB louder opens the jaw about a fifth wider."""
SOFTEST, LOUDEST = 0.72, 1.22
EVENT_REACH = 0.10
"""Seconds around audible speech in which lips may already (or still) be closed for a consonant."""


def mouth_track(
    speech: Speech,
    fps: Fraction,
    frames: int,
    expression: float = 1.0,
    text: str = "",
    weights: Weights | None = None,
) -> MotionTrack:
    """Return the mouth's parameters at the centre of every frame; the other channels stay 0.

    The best source that there is tells them: phonemes that came with the speech, else words that are found in the sound
    where the viseme network hears the mouth move alike, else what the network hears (:func:`heard_mouth`).

    Args:
        speech: the voice, 16 kHz.
        fps: frames per second.
        frames: how many.
        expression: amount of articulation, 0 (the mouth stays at rest) to 2.
        text: what is said, where it is known and the speech does not carry it.
        weights: of the viseme network; None takes the shipped ones.
    """
    gate = SpeechGate.of(speech) if speech.phonemes else voiced_gate(speech)
    if expression <= 0 or not gate.active.any():
        return empty_track(frames, "phonemes" if speech.phonemes else "energy")
    times = frame_times(fps, frames)
    if speech.phonemes:
        return track_of(mouth_of(speech.phonemes, gate, times), "phonemes", expression)
    shapes, source = heard_mouth(speech, gate, times, aligned_words(speech, text, gate), weights)
    return track_of(shapes, source, expression)


def heard_mouth(
    speech: Speech,
    gate: SpeechGate,
    times: np.ndarray,
    words: Iterable[AlignedWords] = (),
    weights: Weights | None = None,
) -> tuple[dict[str, Array], str]:
    """Return the mouth's channels by the sound and by what may be said in it, and their source.

    The source is that of the first words that the viseme network confirms, otherwise ``"learned"``. Without the
    network's encoder it is that of the first words, or ``"phone loop"``. It is ``"energy"`` where nobody is heard.

    Args:
        speech: of anybody, in any language.
        gate: of the same recording.
        times: the frames' centres in seconds.
        words: that may be said, the likeliest first.
        weights: of the viseme network; None takes the shipped ones.
    """
    outputs = heard_outputs(speech, weights) if encoder_available() else None
    for one in words:
        if outputs is None or confirmed(outputs, one.phonemes):
            return mouth_of(one.phonemes, gate, times), one.source
    if outputs is not None and speaks(outputs):
        return mouth_of_sound(outputs, gate, times), "learned"
    if outputs is None and sphinx_available():
        phonemes = phone_loop(speech, gate)
        if len(phonemes) > 1:
            return mouth_of(phonemes, gate, times), "phone loop"
    return mouth_of_energy(gate, times), "energy"


def track_of(shapes: dict[str, Array], source: str, expression: float = 1.0) -> MotionTrack:
    """Return a track with the mouth's channels, each float32 (frames,)."""
    track = empty_track(len(shapes["jaw"]), source)
    for name in MOUTH:
        amount = expression if name in SHAPES else min(expression, 1.0)
        track.values[:, CHANNELS.index(name)] = np.clip(shapes[name] * amount, 0, 1)
    return track


def mouth_of(phonemes: tuple[Phoneme, ...], gate: SpeechGate, times: np.ndarray) -> dict[str, Array]:
    """Return the mouth's channels for timed phonemes at given seconds, each float32 (frames,)."""
    said = gestures(phonemes)
    opening = gate.opening(times) * activity(said, times)
    near = _widened(gate, times)
    blend = blended(said, times)
    shapes = {name: blend[:, column] * opening for column, name in enumerate(SHAPES)}
    shapes["jaw"] = shapes["jaw"] * loudness_gain(gate, times)
    shapes["press"] = events(said, times, "press") * near
    shapes["tuck"] = events(said, times, "tuck") * near
    shapes["tongue"] = tongue(said, times) * opening
    return shapes


def mouth_of_sound(outputs: Array, gate: SpeechGate, times: np.ndarray) -> dict[str, Array]:
    """Return the mouth's channels for what the viseme network hears, each float32 (frames,).

    Args:
        outputs: from :func:`~lipsync_colab.engines.viseme.learned.heard_outputs`.
        gate: of the same recording.
        times: the frames' centres in seconds.
    """
    awake = wakefulness(outputs, times)
    opening = gate.opening(times) * awake
    near = _widened(gate, times) * (awake > 0)
    shapes = {name: values * opening for name, values in shapes_at(outputs, times).items()}
    shapes["jaw"] = shapes["jaw"] * loudness_gain(gate, times)
    for name in EVENTS:
        shapes[name] = events(closures(outputs, name), times, name) * near
    return shapes


def mouth_of_energy(gate: SpeechGate, times: np.ndarray) -> dict[str, Array]:
    """Return a mouth that only opens and shuts with loudness: what is left when no phoneme is known."""
    level = ndimage.gaussian_filter1d(np.maximum(gate.level, gate.threshold), 0.025 / STEP, mode="nearest")
    open_share = np.clip((level - gate.threshold) / -gate.threshold, 0, 1.2) ** 1.5
    centres = (np.arange(len(open_share)) + 0.5) * STEP
    jaw = (np.interp(times, centres, open_share) * 0.6 * gate.opening(times)).astype(np.float32)
    still = np.zeros_like(jaw)
    return {**dict.fromkeys(MOUTH, still), "jaw": jaw, "upper": 0.2 * jaw, "lower": 0.2 * jaw}


def loudness_gain(gate: SpeechGate, times: np.ndarray) -> Array:
    """Return how much wider the jaw opens for a loud syllable than for a soft one, float32 (frames,), about 1."""
    audible = np.maximum(gate.level, gate.threshold)
    level = ndimage.gaussian_filter1d(audible, LOUDNESS_SMOOTHING / STEP, mode="nearest")
    usual = float(np.median(level[gate.active]))
    centres = (np.arange(len(level)) + 0.5) * STEP
    gain = 1 + LOUDNESS_SLOPE * (np.interp(times, centres, level) - usual)
    return np.clip(gain, SOFTEST, LOUDEST).astype(np.float32)


def _widened(gate: SpeechGate, times: np.ndarray) -> Array:
    """1 within reach of audible speech, else 0, with a short ramp."""
    reach = round(EVENT_REACH / STEP)
    near = ndimage.maximum_filter1d(gate.active.astype(np.float32), 2 * reach + 1, mode="constant")
    centres = (np.arange(len(near)) + 0.5) * STEP
    return np.interp(times, centres, near, right=0).astype(np.float32)
