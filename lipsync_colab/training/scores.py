"""How well a mouth that only hears follows one that knows the phonemes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction

import numpy as np

from lipsync_colab.audio.level import STEP, SpeechGate, frame_times
from lipsync_colab.engines.viseme.motion import MotionTrack
from lipsync_colab.phonemes.arpabet import CLOSURES, SILENCE
from lipsync_colab.types import Array, Phoneme

FPS = Fraction(25)
PRESSED = 0.9
"""Lips count as closed from here on."""
SLACK = 0.04
"""Seconds, one frame, by which a closure may come early or late."""
REST_MARGIN = 0.2
"""Seconds from speech beyond which a mouth must rest."""


def openness(track: MotionTrack) -> Array:
    """Return the distance between the lips in eye distances, float32 (frames,).

    The rig's own amplitudes: the jaw and the lower lip drop by up to 0.2, pressed lips touch, f and v leave a third.
    """
    jaw, upper, lower = (track.channel(name) for name in ("jaw", "upper", "lower"))
    parted = 0.203 * jaw + 0.045 * upper + 0.05 * lower + 0.055 * track.channel("round")
    press, tuck = np.clip(track.channel("press"), 0, 1), np.clip(track.channel("tuck"), 0, 1)
    result: Array = parted * (1 - press**2 * (3 - 2 * press)) * (1 - 0.7 * tuck)
    return result


@dataclass(frozen=True, eq=False)
class Comparison:
    """One recording's mouth beside the one that knows the phonemes.

    Attributes:
        heard: openness by frame.
        known: openness by frame of the reference.
        found: closures of the reference at which the lips close.
        closures: of the reference.
        spurious: closures where the reference has none.
        minutes: of speech.
        moving: frames that move in silence.
        silent: frames of silence.
    """

    heard: Array
    known: Array
    found: int
    closures: int
    spurious: int
    minutes: float
    moving: int
    silent: int


def compared(track: MotionTrack, reference: MotionTrack, phonemes: Sequence[Phoneme]) -> Comparison:
    """Compare two tracks of one recording at :data:`FPS`; the phonemes are the reference's."""
    times = frame_times(FPS, len(track))
    pressed = track.channel("press") >= PRESSED
    allowed = np.zeros(len(times), bool)
    spoken = np.zeros(len(times), bool)
    near = np.zeros(len(times), bool)
    found = closures = 0
    for one in phonemes:
        if one.symbol in CLOSURES:
            around = (times >= one.start - SLACK) & (times <= one.end + SLACK)
            closures += 1
            found += bool(pressed[around].any())
            allowed |= around
        if one.symbol != SILENCE:
            spoken |= (times >= one.start) & (times <= one.end)
            near |= (times >= one.start - REST_MARGIN) & (times <= one.end + REST_MARGIN)
    spurious = sum(not allowed[start:end].any() for start, end in runs(pressed))
    opened = openness(track)
    moving = int(((opened > 0.01) & ~near).sum())
    minutes = float(spoken.sum()) / float(FPS) / 60
    return Comparison(opened, openness(reference), found, closures, spurious, minutes, moving, int((~near).sum()))


def runs(mask: np.ndarray) -> list[tuple[int, int]]:
    """Return (start, end) of every stretch of True."""
    edges = np.flatnonzero(np.diff(np.concatenate([[0], mask.astype(np.int8), [0]])))
    return [(int(start), int(end)) for start, end in edges.reshape(-1, 2)]


@dataclass(frozen=True)
class Score:
    """Many comparisons together.

    Attributes:
        openness: correlation over all frames.
        gain: how far the mouth opens against the reference (slope of the regression).
        recall: share of closures found.
        spurious: wrong closures per minute of speech.
        moving: share of the silent frames that move.
        minutes: of speech.
    """

    openness: float
    gain: float
    recall: float
    spurious: float
    moving: float
    minutes: float


def score_of(comparisons: Sequence[Comparison]) -> Score:
    """Return the score of a set of recordings."""
    heard = np.concatenate([one.heard for one in comparisons])
    known = np.concatenate([one.known for one in comparisons])
    minutes = sum(one.minutes for one in comparisons)
    silent = sum(one.silent for one in comparisons)
    moves = float(np.std(heard)) > 0
    return Score(
        float(np.corrcoef(heard, known)[0, 1]) if moves else 0.0,
        float(np.polyfit(known, heard, 1)[0]),
        sum(one.found for one in comparisons) / max(sum(one.closures for one in comparisons), 1),
        sum(one.spurious for one in comparisons) / max(minutes, 1e-6),
        sum(one.moving for one in comparisons) / max(silent, 1),
        minutes,
    )


@dataclass(frozen=True)
class UnknownScore:
    """What can be told without a reference, in a language that nobody aligned.

    Attributes:
        closures: per minute of speech.
        dip: how much quieter, in dB, the middle of the spectrum is while lips are closed than half a syllable around.
        dips: share of the closures with a dip of 6 dB at least.
        energy: correlation of the openness with the level in dB, inside speech.
        moving: share of the frames well inside pauses that move.
    """

    closures: float
    dip: float
    dips: float
    energy: float
    moving: float


def unknown_score(tracks: Sequence[MotionTrack], levels: Sequence[Array], gates: Sequence[SpeechGate]) -> UnknownScore:
    """Score tracks at :data:`FPS` by the sound alone.

    Args:
        tracks: of several recordings.
        levels: of each, in dB by 10 ms, of 500 to 3,500 Hz.
        gates: of each.
    """
    dips: list[float] = []
    opened, loud, moving, silent, seconds = [], [], 0, 0, 0.0
    for track, level, gate in zip(tracks, levels, gates, strict=True):
        times = frame_times(FPS, len(track))
        places = np.minimum((times / STEP).astype(int), len(level) - 1)
        dips += [_dip(level, times[start], times[end - 1]) for start, end in runs(track.channel("press") >= PRESSED)]
        active = gate.active[np.minimum(places, len(gate.active) - 1)]
        reach = round(REST_MARGIN / STEP)
        around = np.convolve(gate.active, np.ones(2 * reach + 1), "same") > 0
        resting = ~around[np.minimum(places, len(around) - 1)]
        gap = openness(track)
        moving, silent = moving + int((gap[resting] > 0.01).sum()), silent + int(resting.sum())
        opened.append(gap[active])
        loud.append(level[places][active])
        seconds += float(gate.active.sum()) * STEP
    return UnknownScore(
        60 * len(dips) / max(seconds, 1e-6),
        float(np.median(dips)) if dips else 0.0,
        float(np.mean(np.array(dips) >= 6)) if dips else 0.0,
        float(np.corrcoef(np.concatenate(opened), np.concatenate(loud))[0, 1]),
        moving / max(silent, 1),
    )


def _dip(level: Array, start: float, end: float) -> float:
    """How far the level falls between two frames' centres, against the loudest moment within 0.15 s, in dB."""
    first, last = int((start - 0.03) / STEP), int((end + 0.03) / STEP) + 1
    inside = level[max(first, 0) : last]
    around = level[max(first - 15, 0) : last + 15]
    return float(around.max() - inside.min()) if len(inside) else 0.0
