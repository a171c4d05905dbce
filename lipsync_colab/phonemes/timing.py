"""Putting timed phonemes in order: no overlaps, pauses where the sound has them."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Sequence

import numpy as np

from lipsync_colab.audio.level import STEP, SpeechGate
from lipsync_colab.phonemes.arpabet import SILENCE
from lipsync_colab.types import Phoneme

SILENT_LEAD = 0.09
"""Seconds that a sound's articulation may reach into silence: lips close for a p before anything is heard."""
SHORTEST = 0.02
"""Seconds; no phoneme is cut shorter."""
SMALLEST_GAP = 0.005


def trimmed(phonemes: Iterable[Phoneme], gate: SpeechGate) -> list[Phoneme]:
    """Return the phonemes without the pauses that they swallowed.

    A synthesiser's or aligner's last sound before a pause often lasts until the pause ends.

    Args:
        phonemes: in order of time, in the gate's own time.
        gate: of the same recording.
    """
    kept = []
    for phoneme in phonemes:
        if phoneme.symbol == SILENCE:
            continue
        first, last = int(phoneme.start / STEP), max(int(np.ceil(phoneme.end / STEP)), int(phoneme.start / STEP) + 1)
        heard = np.flatnonzero(gate.active[first:last])
        if len(heard):
            start = max(phoneme.start, (first + heard[0]) * STEP - SILENT_LEAD)
            end = min(phoneme.end, (first + heard[-1] + 1) * STEP + SILENT_LEAD / 2)
        else:
            start, end = phoneme.start, min(phoneme.end, phoneme.start + SILENT_LEAD)
        if end - start < SHORTEST:
            start, end = phoneme.start, max(phoneme.end, phoneme.start)
        kept.append(dataclasses.replace(phoneme, start=start, end=end))
    return kept


def tiled(phonemes: Sequence[Phoneme], seconds: float) -> tuple[Phoneme, ...]:
    """Return the phonemes one after the other from 0 to ``seconds``, every gap filled by a silence."""
    result: list[Phoneme] = []
    now = 0.0
    for phoneme in phonemes:
        if phoneme.symbol == SILENCE:
            continue
        start, end = max(phoneme.start, now), min(phoneme.end, seconds)
        if end <= start:
            continue
        if start - now > SMALLEST_GAP:
            result.append(Phoneme(SILENCE, now, start))
        else:
            start = now
        result.append(dataclasses.replace(phoneme, start=start, end=end))
        now = end
    if seconds - now > 0:
        result.append(Phoneme(SILENCE, now, seconds))
    return tuple(result)


def shifted(phonemes: Iterable[Phoneme], seconds: float) -> list[Phoneme]:
    """Return the phonemes later by ``seconds``."""
    return [dataclasses.replace(item, start=item.start + seconds, end=item.end + seconds) for item in phonemes]
