"""One render: what is asked for, what was planned of it, and what it gave."""

from __future__ import annotations

import dataclasses
import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any

from lipsync_colab.types.sound import Caption, Mood

LARGEST_SEED = 2**31 - 1
"""Every runtime that is seeded takes 0 to this; llama.cpp reads 2³² - 1 as "any"."""


@dataclass(frozen=True)
class RenderSettings:
    """What a person asked for; the fields are the options of ``lipsync-colab render``."""

    engine: str = "auto"
    text: str = ""
    face: int | None = None
    size: str = "1080p"
    aspect: str = "match"
    background: str = "blur"
    fps: str = "25"
    restore: str = "none"
    strength: float = 0.8
    upscale: str = "auto"
    bitrate: str = ""
    crf: int = 18
    container: str = ""
    device: str = "auto"
    seed: int = 0
    head_motion: float = 1.0
    expression: float = 1.0
    blink: float = 1.0
    still: bool = False
    label: bool = False
    watermark: bool = False
    captions: str = "none"
    options: tuple[tuple[str, str], ...] = ()
    """Engine-specific choices by name (``("renderer", "pirender")``), sorted."""

    def option(self, name: str, default: str = "") -> str:
        """Return an engine-specific choice."""
        return dict(self.options).get(name, default)


@dataclass(frozen=True)
class Budget:
    """What a render is expected to take; see :mod:`lipsync_colab.estimate`.

    Attributes:
        memory: bytes of host memory.
        device_memory: bytes on the GPU; 0 without one.
        disk: bytes of segments and video together.
        seconds: of work, from the accepted inputs to the finished file.
        measured: whether the seconds follow from a probe of this machine, or from a table.
    """

    memory: int
    device_memory: int
    disk: int
    seconds: float
    measured: bool


UNHASHED = ("reasons", "batch", "tile", "budget")
"""Fields of a plan that change no picture."""


@dataclass(frozen=True)
class RenderPlan:
    """Every choice of one render: what ``plan.py`` made of the settings on this machine.

    Attributes:
        settings: what was asked.
        engine: the engine's registry name.
        portrait: sha256 of the portrait's file.
        speech: sha256 of the audio's file.
        background: sha256 of the background's file; empty when it is no file.
        width: of the video in pixels, even.
        height: of the video in pixels, even.
        fps: ``"25"`` or ``"30000/1001"``.
        frames: how many frames the video has.
        segment: frames in one segment.
        restore_still: the restorer that runs once on the still, or ``"none"``.
        upscale_still: the upscaler that runs once on the still, or ``"none"`` (Lanczos).
        restore_patch: the restorer that runs on every frame's patches, or ``"none"``.
        upscale_patch: the upscaler that runs on every frame's patches, or ``"none"``.
        patch_scale: how many times it enlarges them.
        device: ``"cpu"`` or ``"cuda"``.
        dtype: ``"float32"`` or ``"float16"``.
        batch: frames in one network call; not part of the hash, since it changes no picture.
        tile: longest side of a piece of the still that is enlarged at once, 0 without a network; not part of the hash.
        moods: how the face feels, by time.
        captions: what is drawn into the picture, by time; empty when nothing is.
        budget: memory, disk and time; not part of the hash.
        version: of this package.
        reasons: why each choice was made or lowered; not part of the hash.
    """

    settings: RenderSettings
    engine: str
    portrait: str
    speech: str
    width: int
    height: int
    fps: str
    frames: int
    segment: int
    background: str = ""
    restore_still: str = "none"
    upscale_still: str = "none"
    restore_patch: str = "none"
    upscale_patch: str = "none"
    patch_scale: float = 1.0
    device: str = "cpu"
    dtype: str = "float32"
    batch: int = dataclasses.field(default=1, compare=False)
    tile: int = dataclasses.field(default=0, compare=False)
    budget: Budget | None = dataclasses.field(default=None, compare=False)
    moods: tuple[Mood, ...] = ()
    captions: tuple[Caption, ...] = ()
    version: str = ""
    reasons: tuple[str, ...] = dataclasses.field(default=(), compare=False)

    @property
    def rate(self) -> Fraction:
        """Frames per second, exact."""
        return Fraction(self.fps)

    @property
    def size(self) -> tuple[int, int]:
        """``(width, height)`` in pixels."""
        return self.width, self.height

    def to_json(self) -> dict[str, Any]:
        """Return the plan as plain JSON values."""
        return dataclasses.asdict(self)

    @property
    def digest(self) -> str:
        """First 16 hex digits of the sha256 of every choice that changes the picture or the sound."""
        return plan_digest(self.to_json())


def plan_digest(values: Mapping[str, Any]) -> str:
    """Return the digest of a plan that is given as JSON values; see :attr:`RenderPlan.digest`."""
    chosen = {name: value for name, value in values.items() if name not in UNHASHED}
    return hashlib.sha256(json.dumps(chosen, sort_keys=True).encode()).hexdigest()[:16]


@dataclass(frozen=True)
class RenderResult:
    """What one render gave.

    Attributes:
        path: the video.
        plan: what was carried out.
        seconds: wall seconds by stage.
        peak_memory: highest resident memory in bytes.
        report: figures measured on the way (frames, fps, phoneme source …).
    """

    path: Path
    plan: RenderPlan
    seconds: dict[str, float]
    peak_memory: int
    report: dict[str, Any]
