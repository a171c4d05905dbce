"""What eyes and brows do while a person speaks: small shifts of gaze, brows raised with emphasis."""

from __future__ import annotations

import numpy as np
from scipy.interpolate import PchipInterpolator

from lipsync_colab.engines.viseme.floats import Floats
from lipsync_colab.engines.viseme.prosody import Prosody

FIXATION = (0.7, 2.4)  # seconds
SACCADE = 0.04  # seconds
SPREAD = (0.028, 0.010)  # of fixations, in widths of the eye: across, down
HOME = 0.45  # share of fixations on the listener
COUNTER_TURN = 0.4
"""Gaze in eye widths per radian of the head's turn that keeps it on the listener: the eyeball's radius (12 mm) over
the width of the opening (30 mm)."""
GAZE_LIMIT = np.array([0.06, 0.03])

BROW_LEAST = 0.45  # strength of the accents that raise brows
BROW_GAP = 1.4  # seconds between two raises at least
BROW_SHARE = 0.7
BROW_TIMES = (-0.22, -0.03, 0.15, 0.65)
BROW_SHAPE = (0.0, 1.0, 0.9, 0.0)


def gaze(prosody: Prosody, times: Floats, blinks: list[float], random: np.random.Generator) -> Floats:
    """Return the gaze at given instants (ascending), float (n, 2) in widths of the eye: across and down.

    Args:
        prosody: of the voice.
        times: seconds.
        blinks: when blinks begin, in seconds; a shift that falls near one hides behind it.
        random: decides the fixations.
    """
    starts, places = [0.0], [np.zeros(2)]
    closed = np.array(blinks) + 0.06
    now = random.uniform(*FIXATION)
    while now < prosody.seconds + 1:
        home, place = random.uniform(), np.clip(random.normal(0, 1, 2), -2, 2) * SPREAD
        near = closed[(closed > starts[-1] + 0.2) & (np.abs(closed - now) < 0.5)]
        starts.append(float(near[0]) if len(near) else now)
        places.append(np.zeros(2) if home < HOME else place)
        now = starts[-1] + random.uniform(*FIXATION)
    index = np.searchsorted(starts, times, side="right") - 1
    here = np.array(places)[index]
    before = np.array(places)[np.maximum(index - 1, 0)]
    step = np.clip((times - np.array(starts)[index]) / SACCADE, 0, 1)
    step = (step * step * (3 - 2 * step))[:, None]
    return np.asarray(before + (here - before) * step)


def brow_raise(prosody: Prosody, times: Floats, random: np.random.Generator) -> Floats:
    """Return how far the brows are raised at given instants (ascending), float (n,) in [0, 1]."""
    raised = np.zeros(len(times))
    curve = PchipInterpolator(BROW_TIMES, BROW_SHAPE)
    last_at = -BROW_GAP
    for at, strength in prosody.accents:
        chance, size, stretch = random.uniform(0, 1), random.uniform(0.7, 1.2), random.uniform(0.9, 1.5)
        if strength < BROW_LEAST or at - last_at < BROW_GAP or chance > BROW_SHARE:
            continue
        last_at = at
        first, last = np.searchsorted(times, (at + BROW_TIMES[0] * stretch, at + BROW_TIMES[-1] * stretch))
        raised[first:last] += (0.15 + 0.5 * strength) * size * curve((times[first:last] - at) / stretch)
    return np.clip(raised, 0, 1)


def smile(prosody: Prosody, times: Floats, random: np.random.Generator) -> Floats:
    """Return a faint come and go of the mouth's corners while speaking, float (n,), about ±0.15; 0 in silence."""
    knots = int(np.ceil(prosody.seconds / 2.5)) + 4
    values = np.clip(random.normal(0.03, 0.09, knots), -0.15, 0.2)
    course = PchipInterpolator(np.arange(knots) * 2.5 - 2.5, values)(np.minimum(times, prosody.seconds))
    if not len(prosody.times):
        return np.zeros(len(times))
    return course * np.interp(times, prosody.times, prosody.activity)
