"""Programme loudness (ITU-R BS.1770-4, mono) and bringing a voice to a target."""

from __future__ import annotations

import numpy as np
import scipy.signal
from numpy.typing import NDArray
from scipy import ndimage

from lipsync_colab.types import Array

TARGET_LUFS = -16.0
"""What podcasts and phones are mixed to."""
PEAK_CEILING = 10 ** (-1 / 20)
"""-1 dBFS: a codec may overshoot a little."""
BLOCK_SECONDS, STEP_SECONDS = 0.4, 0.1
ABSOLUTE_GATE, RELATIVE_GATE = -70.0, -10.0
OFFSET = -0.691
"""BS.1770's calibration, so that a full-scale 997 Hz sine reads -3.01 LUFS."""
LOOKAHEAD_SECONDS = 0.005
LIMITER_ROUNDS = 3


def loudness(samples: Array, rate: int) -> float:
    """Return the integrated loudness in LUFS, ``-inf`` for silence.

    Args:
        samples: float32 (N,), mono; one shorter than 0.4 s is measured as a whole.
        rate: samples per second.
    """
    if not len(samples):
        return float("-inf")
    weighted = scipy.signal.sosfilt(weighting_filter(rate), samples.astype(np.float64))
    block, step = min(round(BLOCK_SECONDS * rate), len(samples)), round(STEP_SECONDS * rate)
    total = np.concatenate([[0.0], np.cumsum(weighted**2)])
    starts = np.arange(0, len(samples) - block + 1, step)
    power = np.maximum((total[starts + block] - total[starts]) / block, 1e-20)
    level = OFFSET + 10 * np.log10(power)
    heard = level > ABSOLUTE_GATE
    if not heard.any():
        return float("-inf")
    relative = OFFSET + 10 * np.log10(power[heard].mean()) + RELATIVE_GATE
    return float(OFFSET + 10 * np.log10(power[heard & (level > relative)].mean()))


def weighting_filter(rate: int) -> NDArray[np.float64]:
    """Return the K-weighting at a sampling rate as two second-order sections, float64 (2, 6).

    The standard gives coefficients at 48 kHz only; these are its analogue prototypes (De Man, 2014).
    """
    return np.stack([_high_shelf(rate), _high_pass(rate)])


def _high_shelf(rate: int) -> NDArray[np.float64]:
    k = np.tan(np.pi * 1681.974450955533 / rate)
    quality, gain = 0.7071752369554196, 10 ** (3.999843853973347 / 20)
    middle = gain**0.4996667741545416
    scale = 1 + k / quality + k * k
    top = [gain + middle * k / quality + k * k, 2 * (k * k - gain), gain - middle * k / quality + k * k]
    return np.array([*(np.array(top) / scale), 1, 2 * (k * k - 1) / scale, (1 - k / quality + k * k) / scale])


def _high_pass(rate: int) -> NDArray[np.float64]:
    k = np.tan(np.pi * 38.13547087602444 / rate)
    quality = 0.5003270373238773
    scale = 1 + k / quality + k * k
    return np.array([1.0, -2.0, 1.0, 1, 2 * (k * k - 1) / scale, (1 - k / quality + k * k) / scale])


def normalised(samples: Array, rate: int, target: float = TARGET_LUFS) -> Array:
    """Return a voice at the target loudness, float32 (N,), with peaks held at -1 dBFS.

    Peaks that the gain would lift over the ceiling are turned down smoothly around them, so the target is met
    without clipping. Silence stays as it is.
    """
    current = loudness(samples, rate)
    if not np.isfinite(current):
        return samples
    louder = samples
    for _ in range(LIMITER_ROUNDS):  # what the limiter takes away is given back
        louder = limited(louder * np.float32(10 ** ((target - current) / 20)), rate)
        current = loudness(louder, rate)
    return louder


def limited(samples: Array, rate: int) -> Array:
    """Return the samples with no peak over the ceiling: a gain that looks 5 ms ahead and moves smoothly."""
    magnitude = np.abs(samples)
    if magnitude.max(initial=0) <= PEAK_CEILING:
        return samples
    width = 2 * round(LOOKAHEAD_SECONDS * rate) + 1
    wanted = np.minimum(1.0, PEAK_CEILING / np.maximum(magnitude, 1e-9))
    # The lowest gain in the window, then its mean over the same window, never exceeds what the centre needs.
    held = ndimage.minimum_filter1d(wanted, width, mode="nearest")
    return (samples * ndimage.uniform_filter1d(held, width, mode="nearest")).astype(np.float32)
