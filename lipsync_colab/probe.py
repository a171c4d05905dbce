"""How fast this machine is, in about a second: the pipeline's own shape in small, and one block of a network."""

from __future__ import annotations

import dataclasses
import functools
import subprocess
import time
from collections.abc import Iterator
from fractions import Fraction
from typing import Any

import cv2
import numpy as np

from lipsync_colab import stream
from lipsync_colab.audio.ffmpeg import ffmpeg_executable
from lipsync_colab.device import Machine, Pace
from lipsync_colab.encode import Encoding, segment_arguments
from lipsync_colab.estimate import DRAW_SECONDS, LAY_SECONDS, table_pace
from lipsync_colab.types import Image

SIDE = 1000
"""Of the probe's frames in pixels: a million."""
HEAD = 640
"""Side of the part that moves."""
FRAMES, FIRST = 60, 4
"""Frames that are timed, and those that start the encoder before."""
REFERENCE_SECONDS = 0.0146
"""Seconds a frame of the probe where the embedded engine's moving frames take ``LAY_SECONDS + DRAW_SECONDS`` for a
million pixels: by CPU seconds of probe and renders in turn in one process (a moving frame took 1.5 times the probe's
for each million pixels)."""
MAP = 128
"""Side of the features that the block is timed on."""
CONVOLUTION_SECONDS = 0.5


def probed(machine: Machine, networks: bool = False) -> Machine:
    """Return the machine with its pace, measured once in a process.

    Args:
        machine: as it was inspected.
        networks: measure convolutions too; this imports torch.
    """
    pace = machine.pace or table_pace(machine)
    scale = frame_seconds() / REFERENCE_SECONDS
    flops = convolution_speed(machine.device) if networks and machine.torch else pace.flops
    return dataclasses.replace(machine, pace=Pace(flops, LAY_SECONDS * scale, DRAW_SECONDS * scale, probed=True))


@functools.cache
def frame_seconds() -> float:
    """Return the seconds of one frame of a million pixels, drawn in one thread, laid and encoded in others."""
    short, long = _rendered(FIRST), _rendered(FIRST + FRAMES)
    return max(1e-4, (long - short) / FRAMES)


def _rendered(count: int) -> float:
    """Return the wall seconds of a clip of the probe's frames."""
    command = segment_arguments(ffmpeg_executable(), (SIDE, SIDE), Fraction(25), Encoding(), "-")
    command[command.index("-f", command.index("+bitexact")) + 1] = "null"
    still = _still()
    started = time.perf_counter()
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.DEVNULL) as encoder:
        assert encoder.stdin is not None
        heads = stream.prefetch(_heads(still, count), 4)
        top = (SIDE - HEAD) // 2
        for head in heads:
            frame = still.copy()
            frame[top : top + HEAD, top : top + HEAD] = head
            encoder.stdin.write(frame.data)
        stream.close(heads)
        encoder.stdin.close()
        encoder.wait()
    return time.perf_counter() - started


def _still() -> Image:
    """Return a picture as smooth and as fine as a portrait."""
    noise = np.random.default_rng(0).integers(0, 256, (SIDE // 8, SIDE // 8, 3), np.uint8)
    coarse = cv2.resize(noise, (SIDE, SIDE), interpolation=cv2.INTER_CUBIC)
    return np.asarray(cv2.GaussianBlur(coarse, (0, 0), 6), np.uint8)


def _heads(still: Image, count: int) -> Iterator[Image]:
    """Yield the middle of the still, swaying, blended over itself as an engine's patch is."""
    top = (SIDE - HEAD) // 2
    part = still[top : top + HEAD, top : top + HEAD]
    y, x = np.mgrid[:HEAD, :HEAD].astype(np.float32)
    weight = np.outer(np.hanning(HEAD), np.hanning(HEAD)).astype(np.float32)
    for index in range(count):
        shift = np.float32(2 * np.sin(index / 4))
        moved = cv2.remap(part, x + shift * weight, y + shift * weight, cv2.INTER_LINEAR)
        yield np.asarray(cv2.blendLinear(moved, part, weight, 1 - weight), np.uint8)


@functools.cache
def convolution_speed(device: str) -> float:
    """Return the floating-point operations in a second of what takes longest here: a super-resolution trunk's block.

    A plain convolution does half as many more: a dense block also copies what it has seen.

    Args:
        device: ``"cpu"`` (float32) or ``"cuda"`` (float16).
    """
    import torch

    from lipsync_colab.networks.rrdbnet import ResidualBlock

    place: dict[str, Any] = {"device": device, "dtype": torch.float16 if device == "cuda" else torch.float32}
    block = ResidualBlock(channels=64, growth=32).requires_grad_(False)
    block.to(memory_format=torch.channels_last, **place)
    picture = torch.zeros(1, 64, MAP, MAP, **place).to(memory_format=torch.channels_last)
    flops = 2 * MAP**2 * sum(weight.numel() for weight in block.parameters() if weight.ndim == 4)
    with torch.inference_mode():
        block(picture)
        _finish(device)
        started, runs = time.perf_counter(), 0
        while (spent := time.perf_counter() - started) < CONVOLUTION_SECONDS:
            block(picture)
            _finish(device)
            runs += 1
    return flops * runs / spent


def _finish(device: str) -> None:
    """Wait until the device has done what it was given."""
    if device == "cuda":
        import torch

        torch.cuda.synchronize()
