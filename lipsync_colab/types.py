"""The nouns that every stage shares: frozen dataclasses over numpy arrays, and the protocols of a stage."""

from __future__ import annotations

import dataclasses
import hashlib
import json
import math
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any, Generic, Protocol, TypeVar

import numpy as np
from numpy.typing import NDArray

Image = NDArray[np.uint8]
"""uint8 (H, W, 3) RGB."""
Array = NDArray[np.float32]

Item = TypeVar("Item")
Progress = Callable[[str, int, int], None]
"""``progress(stage, done, total)``, called from the thread that renders."""


@dataclass(frozen=True, eq=False)
class Face:
    """One face found in a picture.

    Attributes:
        box: ``(left, top, right, bottom)`` in pixels, the extent of the landmarks.
        mesh: float32 (478, 3): x and y in pixels, z in pixels too (towards the camera is negative),
            in the vertex order of MediaPipe's FaceLandmarker.
        blendshapes: the model's 52 expression scores in [0, 1] by name; empty when the backend has none.
        score: the detector's confidence in [0, 1].
    """

    box: tuple[float, float, float, float]
    mesh: Array
    blendshapes: dict[str, float] = dataclasses.field(default_factory=dict)
    score: float = 1.0

    @property
    def landmarks(self) -> Array:
        """float32 (478, 2): the mesh's x and y in pixels."""
        return self.mesh[:, :2]

    @property
    def points(self) -> Array:
        """float32 (5, 2): eye centres (picture left, right), nose tip, mouth corners (picture left, right)."""
        marks = self.landmarks
        left = (marks[33] + marks[133]) / 2
        right = (marks[362] + marks[263]) / 2
        return np.stack([left, right, marks[1], marks[61], marks[291]]).astype(np.float32)

    @property
    def eye_distance(self) -> float:
        """Distance between the eye centres in pixels: the unit ``u`` of the rigs (about 63 mm)."""
        return float(np.linalg.norm(self.points[1] - self.points[0]))

    def moved(self, transform: Array) -> Face:
        """Return the face under an affine transform.

        Args:
            transform: float (2, 3), old pixels to new pixels. z is scaled by the transform's mean scale.
        """
        matrix = np.asarray(transform, np.float64)
        scale = math.sqrt(abs(np.linalg.det(matrix[:, :2])))
        flat = self.mesh[:, :2] @ matrix[:, :2].T + matrix[:, 2]
        mesh = np.column_stack([flat, self.mesh[:, 2] * scale]).astype(np.float32)
        low, high = mesh[:468, :2].min(axis=0), mesh[:468, :2].max(axis=0)
        box = (float(low[0]), float(low[1]), float(high[0]), float(high[1]))
        return dataclasses.replace(self, box=box, mesh=mesh)


@dataclass(frozen=True, eq=False)
class Portrait:
    """A still picture and the face in it that will speak.

    Attributes:
        image: uint8 (H, W, 3) RGB, upright.
        face: the chosen face.
        source: the file's name or a short description, for messages and provenance.
        others: every other face that was found; they are left untouched.
    """

    image: Image
    face: Face
    source: str = ""
    others: tuple[Face, ...] = ()

    @property
    def size(self) -> tuple[int, int]:
        """``(width, height)`` in pixels."""
        return self.image.shape[1], self.image.shape[0]


@dataclass(frozen=True)
class Phoneme:
    """One timed phoneme.

    Attributes:
        symbol: an ARPAbet symbol without stress (``"AA"``, ``"M"``), or ``"SIL"``.
        start: seconds.
        end: seconds, at least ``start``.
        stress: 0 none, 1 primary, 2 secondary.
        word: the word that it belongs to, when known.
    """

    symbol: str
    start: float
    end: float
    stress: int = 0
    word: str = ""


@dataclass(frozen=True)
class Mood:
    """How a face feels for a while.

    Attributes:
        start: seconds; the face changes a little before and after.
        end: seconds.
        tag: ``"happy"``, ``"sad"`` …, ``"emphasis"`` for a stressed word; see :mod:`lipsync_colab.moods`.
        amount: 0 to 2 times what the tag usually does.
        head: amount of head motion meanwhile, a factor.
    """

    start: float
    end: float
    tag: str = "neutral"
    amount: float = 1.0
    head: float = 1.0


@dataclass(frozen=True)
class Caption:
    """A line or two to read.

    Attributes:
        start: seconds.
        end: seconds.
        text: lines separated by newlines.
    """

    start: float
    end: float
    text: str


@dataclass(frozen=True, eq=False)
class Speech:
    """A voice as the engines hear it.

    Attributes:
        samples: float32 (N,), mono, in [-1, 1]; may be a read-only memory map for long audio.
        rate: samples per second (16,000 from :mod:`lipsync_colab.audio`).
        track: the original file, for muxing; None when the samples are all there is.
        phonemes: timed phonemes where the speech came with exact ones (our own synthesis), or None.
        text: what is said, when known.
        moods: how the face feels while it speaks.
    """

    samples: Array
    rate: int
    track: Path | None = None
    phonemes: tuple[Phoneme, ...] | None = None
    text: str = ""
    moods: tuple[Mood, ...] = ()

    @property
    def seconds(self) -> float:
        """Length in seconds."""
        return len(self.samples) / self.rate


@dataclass(frozen=True, eq=False)
class Patch:
    """A piece of picture to lay over the still.

    Attributes:
        pixels: uint8 (h, w, 3) RGB.
        transform: float32 (2, 3), patch pixels to still pixels (pixel centres at integers). A pure
            translation by whole pixels is laid in without resampling.
        mask: float32 (h, w) in [0, 1], 0 at the border; None when the patch already equals the still
            along its border and replaces what lies under it.
        motion: float32 (2, 3), still to still: where the engine moved the head in this frame, so that a restorer
            follows it; None where the head is still.
    """

    pixels: Image
    transform: Array
    mask: Array | None = None
    motion: Array | None = None

    @classmethod
    def at(cls, pixels: Image, left: int, top: int, mask: Array | None = None) -> Patch:
        """Return a patch whose top left pixel lies on still pixel ``(left, top)``."""
        return cls(pixels, np.array([[1, 0, left], [0, 1, top]], np.float32), mask)


Patches = tuple[Patch, ...]
"""What one frame lays over the still, in order; empty when nothing moves."""


class FrameStream(Generic[Item]):
    """An iterator of frames that knows its size, rate and length. Closing it closes its source.

    Attributes:
        size: ``(width, height)`` of the finished frame in pixels.
        fps: frames per second, exact.
        total: how many frames the whole clip has (a stream that starts late still tells the whole).
    """

    def __init__(self, frames: Iterator[Item], size: tuple[int, int], fps: Fraction, total: int) -> None:
        self._frames = frames
        self.size = size
        self.fps = fps
        self.total = total

    def __iter__(self) -> FrameStream[Item]:
        return self

    def __next__(self) -> Item:
        return next(self._frames)

    def close(self) -> None:
        """Close the source, and through it every stage below."""
        close = getattr(self._frames, "close", None)
        if close is not None:
            close()


def frame_count(seconds: float, fps: Fraction) -> int:
    """Return how many frames cover ``seconds``: ``ceil(seconds * fps)``, at least 1. Audio is the clock."""
    exact = Fraction(seconds).limit_denominator(1_000_000) * fps
    return max(1, math.ceil(exact))


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


class Engine(Protocol):
    """Portrait and speech in, patches out."""

    def animate(self, portrait: Portrait, speech: Speech, plan: RenderPlan, start: int = 0) -> FrameStream[Patches]:
        """Yield the patches of frames ``start`` to ``plan.frames - 1``.

        Args:
            portrait: the *finished* still (the canvas at output size) with the face's landmarks on it.
            speech: mono at 16 kHz.
            plan: size, fps, seed, amounts of motion, device.
            start: first frame; the patches of a frame do not depend on where the stream began.
        """
        ...


class Restorer(Protocol):
    """Gives a patch the detail of a real face."""

    def __call__(self, patch: Patch) -> Patch:
        """Return the patch restored, in the same place."""
        ...


class Upscaler(Protocol):
    """Enlarges a picture."""

    def __call__(self, image: Image, scale: float) -> Image:
        """Return the picture ``scale`` times as large."""
        ...
