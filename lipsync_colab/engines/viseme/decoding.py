"""What the viseme network hears → the mouth's channels: chances become closures that are whole."""

from __future__ import annotations

import numpy as np
import scipy.signal

from lipsync_colab.engines.viseme.outputs import OUTPUTS, STEP, step_times, targets
from lipsync_colab.engines.viseme.visemes import LIP_ON_TEETH, LIPS_CLOSED, SHAPES, Gesture, Viseme, gestures
from lipsync_colab.types import Array, Phoneme

LEAST_CHANCE = {"press": 0.45, "tuck": 0.45}
"""A peak below this is no closure. On recordings that are neither trained nor tested on .3 to .55 find .98 to .99 of
them, in 15 dB of noise .93 to .90, with 6 to 5 and 17 to 11 wrong ones a minute."""
PROMINENCE = 0.2
"""Two peaks with a shallower dip between them are one closure."""
EDGE = 0.5
"""A closure begins and ends where its chance has fallen by this share of the peak's prominence."""
SHORTEST = 0.04
"""Seconds."""
ASLEEP, AWAKE = 0.15, 0.55
"""Below the first the mouth rests, above the second it moves in full."""
LEAST_ALIKE = 0.85
"""Correlation of the jaws from which words are believed, whoever says that they are said. Of 40 prompts that are tuned
on 37 have it with the words that the recogniser hears, in 15 dB of noise 23, and wrong words hardly: the lips follow
better than with .75 or .9. The texts of 20 clean English prompts have .91 and more, of 51 Spanish, Italian and French
ones, which the English aligner takes as well, none more than .83."""
SPOKEN = 0.1
"""Seconds of full wakefulness without which nobody speaks."""


def speaks(outputs: Array) -> bool:
    """Tell whether the network hears somebody speak at all."""
    return float((outputs[:, OUTPUTS.index("activity")] > AWAKE).sum()) * STEP >= SPOKEN


def confirmed(outputs: Array, phonemes: tuple[Phoneme, ...]) -> bool:
    """Tell whether phonemes move the mouth nearly as the network hears it move.

    Args:
        outputs: float32 (n, len(OUTPUTS)).
        phonemes: of the same recording, from its beginning to its end; none are not confirmed.
    """
    spoken = outputs[:, OUTPUTS.index("activity")] > AWAKE
    if len(phonemes) < 2 or spoken.sum() < 2:
        return False
    column = OUTPUTS.index("jaw")
    heard, wanted = (values[spoken, column] for values in (outputs, targets(gestures(phonemes), len(outputs))))
    return bool(wanted.std() > 0 and np.corrcoef(heard, wanted)[0, 1] >= LEAST_ALIKE)


def closures(outputs: Array, name: str) -> list[Gesture]:
    """Return the closures that are heard, in order of time.

    Args:
        outputs: float32 (n, len(OUTPUTS)), from :func:`~lipsync_colab.engines.viseme.learned.heard_outputs`.
        name: ``"press"`` (both lips) or ``"tuck"`` (the lower lip and the teeth).
    """
    viseme = LIPS_CLOSED if name == "press" else LIP_ON_TEETH
    chance = np.pad(outputs[:, OUTPUTS.index(name)], 1)
    peaks, _ = scipy.signal.find_peaks(chance, height=LEAST_CHANCE[name], prominence=PROMINENCE)
    _, _, lefts, rights = scipy.signal.peak_widths(chance, peaks, rel_height=EDGE)
    spans: list[tuple[float, float]] = []
    for left, right in zip(lefts, rights, strict=True):
        if spans and left < spans[-1][1]:  # two peaks as high as each other with a shallow dip between them
            left, right = min(left, spans[-1][0]), max(right, spans.pop()[1])  # noqa: PLW2901
        spans.append((float(left), float(right)))
    return [_closure(viseme, left - 0.5, right - 0.5) for left, right in spans]


def _closure(viseme: Viseme, first: float, last: float) -> Gesture:
    """One closure between two places, counted in steps from the recording's beginning."""
    middle, half = (first + last) / 2 * STEP, max((last - first) * STEP, SHORTEST) / 2
    return Gesture(viseme, max(middle - half, 0.0), middle + half, vowel=False)


def shapes_at(outputs: Array, times: np.ndarray) -> dict[str, Array]:
    """Return the blended shapes and the tongue at given seconds, each float32 (frames,) in [0, 1]."""
    centres = step_times(len(outputs))
    return {
        name: np.clip(np.interp(times, centres, outputs[:, OUTPUTS.index(name)]), 0, 1).astype(np.float32)
        for name in (*SHAPES, "tongue")
    }


def wakefulness(outputs: Array, times: np.ndarray) -> Array:
    """Return 1 at frames inside speech and 0 where nothing is said, with soft edges, float32 (frames,)."""
    share = np.clip((outputs[:, OUTPUTS.index("activity")] - ASLEEP) / (AWAKE - ASLEEP), 0, 1)
    return np.interp(times, step_times(len(outputs)), share, right=0).astype(np.float32)
