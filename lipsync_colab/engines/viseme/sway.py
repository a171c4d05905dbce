"""How the head moves with speech: postures by phrase, nods on accents, stillness in silence, and breath."""

from __future__ import annotations

import numpy as np
from scipy.interpolate import PchipInterpolator
from scipy.ndimage import gaussian_filter1d
from scipy.signal import bilinear, lfilter

from lipsync_colab.audio.level import STEP
from lipsync_colab.engines.viseme.floats import Floats
from lipsync_colab.engines.viseme.prosody import Prosody

HEAD = ("head_x", "head_y", "roll", "yaw", "pitch")
POSTURE = np.array([0.013, 0.007, 0.013, 0.026, 0.012])
"""Spread of the postures that a speaker takes: eye distances, then radians."""
SWAY = np.array([0.006, 0.004, 0.005, 0.010, 0.006])
"""The slow unrest on top of them while speaking."""
LIMIT = np.array([0.045, 0.035, 0.04, 0.08, 0.08])
"""No amount goes beyond: the picture holds no more of the head than it shows."""

POSTURE_SECONDS = (1.3, 3.2)
POSTURE_RATE = 0.5  # Hz: how fast a posture is taken
RESTING = 0.4  # what is left of a posture in a pause
LONG_PAUSE = 0.5  # seconds
SWAY_RATE = 0.8  # Hz

NOD = 0.030  # radians at the strongest accent
NOD_SHARE = 0.75  # of accents are nods, the rest turns and tilts
NODDING = np.array([0.0, 0.12, 0.0, 0.0, 1.0])
TURNING = np.array([0.0, 0.05, 0.25, 0.6, 0.35])
NOD_TIMES = (-0.16, -0.06, 0.07, 0.24, 0.45)
NOD_SHAPE = (0.0, -0.12, 1.0, 0.15, 0.0)
"""A small rise before, the drop with the vowel, the return."""
LOUD_PITCH = 0.016  # radians at full loudness: the chin goes down a little with every stressed stretch

BREATH = 0.009  # eye distances that the chest rises
BREATH_SECONDS = (2.6, 4.6)
INHALE_SPEAKING, INHALE_RESTING = 0.45, 1.5  # seconds


def head_sway(prosody: Prosody, times: Floats, random: np.random.Generator) -> Floats:
    """Return the head's motion at given instants (ascending), float (n, 5) in the order of ``HEAD``."""
    clock = prosody.times
    if not len(clock) or not prosody.phrases:
        return np.zeros((len(times), len(HEAD)))
    speaking = gaussian_filter1d(prosody.activity, 0.2 / STEP, mode="nearest")
    moved = _damped(_postures(prosody, random), POSTURE_RATE)
    moved += SWAY * _noise(clock, SWAY_RATE, len(HEAD), random) * speaking[:, None]
    moved += _nods(prosody, random)
    loud = gaussian_filter1d(prosody.loudness, 0.18 / STEP, mode="nearest")
    moved[:, HEAD.index("pitch")] += LOUD_PITCH * loud
    return np.stack([np.interp(times, clock, column) for column in moved.T], axis=-1)


def breath(prosody: Prosody, times: Floats, random: np.random.Generator) -> Floats:
    """Return the rise of the chest at given instants, float (n,) in eye distances: quick in, slowly out.

    Air is drawn in the pauses, where there are some.
    """
    pauses = np.array(prosody.pauses).reshape(-1, 2)
    gaps = pauses[pauses[:, 1] - pauses[:, 0] > 0.3, 0]
    instants, heights = [-1.0], [0.0]
    now = random.uniform(0.2, 1.0)
    while now < prosody.seconds + 6:
        current = int(np.searchsorted(pauses[:, 0], now, side="right")) - 1
        resting = current >= 0 and now + INHALE_RESTING < pauses[current, 1]
        inhale = INHALE_RESTING if resting else INHALE_SPEAKING
        instants += [now, now + inhale]
        heights += [0.0, BREATH * random.uniform(0.8, 1.1)]
        due = now + inhale + random.uniform(*BREATH_SECONDS) - INHALE_SPEAKING
        near = gaps[(gaps > now + inhale + 0.6) & (np.abs(gaps - due) < 1.2)]
        now = float(near[np.abs(near - due).argmin()]) if len(near) else due
    return PchipInterpolator(instants, heights)(np.minimum(times, instants[-1]))


def _postures(prosody: Prosody, random: np.random.Generator) -> Floats:
    """Steps from posture to posture: a new one with each phrase and every few seconds within, less of it in pauses."""
    target = np.zeros((len(prosody.times), len(HEAD)))
    following = [start for start, _ in prosody.phrases[1:]] + [prosody.seconds]
    for (start, end), after in zip(prosody.phrases, following, strict=True):
        now = start
        while now < end:
            length = random.uniform(*POSTURE_SECONDS)
            drawn = np.clip(random.normal(0, 0.8, len(HEAD)), -1.5, 1.5)
            # Heads shift to the side that they turn and lean to.
            drawn[0] = 0.6 * drawn[0] + 0.5 * drawn[3]
            drawn[2] = 0.7 * drawn[2] + 0.4 * drawn[3]
            until = now + length if now + length < end else after
            first, last = np.searchsorted(prosody.times, (now - 0.1, until))
            target[first:last] = POSTURE * drawn
            now += length
    for start, end in prosody.pauses:
        if end - start >= LONG_PAUSE:
            first, last = np.searchsorted(prosody.times, (start, end - 0.1))
            target[first:last] *= RESTING
    return target


def _damped(target: Floats, rate: float) -> Floats:
    """Follow a target like a critically damped spring, starting at rest at 0."""
    omega = 2 * np.pi * rate
    upper, lower = bilinear([omega**2], [1, 2 * omega, omega**2], 1 / STEP)
    return np.asarray(lfilter(upper, lower, target, axis=0))


def _noise(clock: Floats, rate: float, channels: int, random: np.random.Generator) -> Floats:
    """Smooth noise of about unit spread, (n, channels): random knots, joined by cubics."""
    knots = int(np.ceil(clock[-1] * rate)) + 4
    values = np.clip(random.normal(0, 1, (knots, channels)), -2, 2)
    return np.asarray(PchipInterpolator(np.arange(knots) / rate - 1 / rate, values)(clock))


def _nods(prosody: Prosody, random: np.random.Generator) -> Floats:
    """A nod, or now and then a turn or a tilt, on every accent."""
    moved = np.zeros((len(prosody.times), len(HEAD)))
    curve = PchipInterpolator(NOD_TIMES, NOD_SHAPE)
    for at, strength in prosody.accents:
        kind, side, size, haste = random.uniform(0, 1, 4)
        nod = kind < NOD_SHARE
        stretch = (0.85 if nod else 1.4) + 0.5 * haste
        first, last = np.searchsorted(prosody.times, (at + NOD_TIMES[0] * stretch, at + NOD_TIMES[-1] * stretch))
        shape = NOD * strength * (0.6 + 0.6 * size) * curve((prosody.times[first:last] - at) / stretch)
        direction = NODDING if nod else TURNING * (1, 1, 1 if side < 0.5 else -1, 1 if side < 0.5 else -1, 1)
        moved[first:last] += shape[:, None] * direction
    return moved
