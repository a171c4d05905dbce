"""Sounds one after the other, with equal-power cross-fades where they overlap; never more than a fade in memory."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import soundfile

from lipsync_colab.types import Array

BLOCK = 1 << 18
EDGE_SECONDS = 0.004
"""A cut fades over this much on either side, so that nothing clicks."""


def splice(sounds: Sequence[Path], spans: Sequence[tuple[int, int]], rate: int, path: Path) -> Path:
    """Write sounds into one WAV.

    Args:
        sounds: WAV files of that rate, mono or stereo; one that is too short is silent at its end.
        spans: (first, end) sample of each sound in the result, in order; each overlaps its neighbours at most.
        rate: samples per second.
        path: of the result, 16 bit, stereo when one of the sounds is.
    """
    channels = max(soundfile.info(sound).channels for sound in sounds)
    with soundfile.SoundFile(path, "w", rate, channels, subtype="PCM_16", format="WAV") as out:
        for index, (first, end) in enumerate(spans):
            before = spans[index - 1][1] if index else first
            after = spans[index + 1][0] if index + 1 < len(spans) else end
            if before > first:
                out.write(_crossed(sounds[index - 1 : index + 1], spans[index - 1 : index + 1], channels))
            fade_in, fade_out = index > 0 and before <= first, index + 1 < len(spans) and after >= end
            _copy(out, sounds[index], (max(before, first) - first, min(after, end) - first), (fade_in, fade_out))
    return path


def _crossed(sounds: Sequence[Path], spans: Sequence[tuple[int, int]], channels: int) -> Array:
    """Return the overlap of two sounds: one goes as the cosine, the other comes as the sine, power is constant."""
    first, end = spans[1][0], spans[0][1]
    angle = ((np.arange(end - first) + 0.5) / (end - first) * (np.pi / 2))[:, None]
    going = _read(sounds[0], first - spans[0][0], end - first, channels)
    coming = _read(sounds[1], 0, end - first, channels)
    return np.asarray(np.cos(angle) * going + np.sin(angle) * coming, np.float32)


def _copy(out: soundfile.SoundFile, sound: Path, part: tuple[int, int], faded: tuple[bool, bool]) -> None:
    """Copy a part of a sound by blocks, faded over an instant where it meets a cut."""
    edge = min(round(EDGE_SECONDS * out.samplerate), (part[1] - part[0]) // 2)
    for at in range(part[0], part[1], BLOCK):
        block = _read(sound, at, min(BLOCK, part[1] - at), out.channels)
        place = np.arange(at, at + len(block))
        gain = np.ones(len(block))
        if edge and faded[0]:
            gain = np.minimum(gain, (place - part[0] + 0.5) / edge)
        if edge and faded[1]:
            gain = np.minimum(gain, (part[1] - place - 0.5) / edge)
        out.write(block if not any(faded) else block * gain[:, None].astype(np.float32))


def _read(sound: Path, start: int, count: int, channels: int) -> Array:
    """Return float32 (count, channels) of a file, silence beyond its end."""
    result = np.zeros((count, channels), np.float32)
    with soundfile.SoundFile(sound) as file:
        if start < file.frames:
            file.seek(start)
            block = file.read(count, dtype="float32", always_2d=True)
            result[: len(block)] = block
    return result
