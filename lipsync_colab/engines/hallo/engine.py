"""Hallo on the still: a head that a diffusion model draws from the voice, laid into the picture."""

from __future__ import annotations

import functools
import math
import threading
from collections.abc import Callable, Iterator
from fractions import Fraction
from pathlib import Path

import torch

from lipsync_colab.device import is_out_of_memory
from lipsync_colab.engines.hallo import loading
from lipsync_colab.engines.hallo.chain import CLIP, Chain
from lipsync_colab.engines.hallo.coder import Coder
from lipsync_colab.engines.hallo.identity import identity
from lipsync_colab.engines.hallo.leaning import AT_REST, Leaning
from lipsync_colab.engines.hallo.masks import RegionMasks
from lipsync_colab.engines.hallo.options import Choices, Weights
from lipsync_colab.engines.hallo.sampler import Sampler
from lipsync_colab.engines.hallo.voice import RATE, Voice
from lipsync_colab.engines.headmotion.amounts import Amounts
from lipsync_colab.engines.headmotion.crop import HeadCrop
from lipsync_colab.engines.headmotion.patches import HeadPatches
from lipsync_colab.engines.headmotion.track import NATIVE_FPS, native_frames
from lipsync_colab.errors import MachineError
from lipsync_colab.stream import stop_if
from lipsync_colab.types import FrameStream, Image, Patches, Portrait, RenderPlan, Speech

SIZE = 512
"""Side of the drawn head in pixels, what the network was trained on."""

FACE_ROOM, FACE_RIM = 1.15, 0.03
"""The least square in lengths of the face, and what stays free round the face in sides of the square."""


class HalloEngine:
    """Draws the whole head, 16 frames at a time, at 25 a second; other rates show the nearest of these.

    Options of a plan (``RenderSettings.options``): ``steps`` of denoising, ``guidance``, and how much the voice's
    attention weighs outside the face, on it and on the lips: ``pose``, ``face``, ``lip``. The amount of head motion
    multiplies the first, that of expression the other two; the head moves a little even at 0, and lids blink as the
    network will. The sound is heard as it is: the release takes music out of it first, by a network not used here.

    Attributes:
        folder: where the heads that a clip goes on from are kept between two runs; None keeps none.
        cancel: looked at before every step of denoising: a clip takes minutes.
        tell: told before every step how many frames of the video are drawn so far.
    """

    def __init__(self) -> None:
        self.folder: Path | None = None
        self.cancel: threading.Event | None = None
        self.tell: Callable[[float], None] | None = None

    def animate(self, portrait: Portrait, speech: Speech, plan: RenderPlan, start: int = 0) -> FrameStream[Patches]:
        """Yield the patches of frames ``start`` to ``plan.frames - 1``.

        Args:
            portrait: the finished still with the face's landmarks on it.
            speech: mono at 16 kHz.
            plan: frame rate, device, seed and the engine's options.
            start: first frame. The clips before it are drawn first, but for those whose last heads are kept.

        Raises:
            InputError: an option has no such value.
            WeightsError: a file is missing or wrong, or its licence has not been accepted.
        """
        if speech.rate != RATE:
            raise ValueError(f"Hallo hears {RATE} Hz, not {speech.rate}")
        crop = head_square(portrait)
        clips = _Clips(portrait, speech, plan, crop, self._watch(plan))
        chain = Chain(clips.head, clips.draw, self.folder, resumable(plan))
        patches = HeadPatches.on(portrait, crop, SIZE)
        leaning = Leaning(portrait.face, crop, SIZE) if plan.restore_patch != "none" else None
        return FrameStream(_frames(chain, patches, leaning, plan, start), plan.size, plan.rate, plan.frames)

    def _watch(self, plan: RenderPlan) -> Callable[[float], None]:
        """Return what looks after a clip at work; it is called with the clips that are drawn, parts of one counted."""
        cancel, tell = self.cancel, self.tell

        def frames_before(clip: int) -> Fraction:
            return min(clip * CLIP * plan.rate / NATIVE_FPS, Fraction(plan.frames))

        def watch(clips: float) -> None:
            stop_if(cancel)
            if tell is not None:
                share, clip = math.modf(clips)
                before, after = frames_before(int(clip)), frames_before(int(clip) + 1)
                tell(float(before) + share * float(after - before))

        return watch


class _Clips:
    """Draws the clips of one video; networks are loaded when the first one is asked for."""

    def __init__(
        self, portrait: Portrait, speech: Speech, plan: RenderPlan, crop: HeadCrop, watch: Callable[[float], None]
    ) -> None:
        self._watch = watch
        self._portrait, self._speech, self._plan, self._crop = portrait, speech, plan, crop
        self._choices = Choices.of(plan.settings)
        self.head = crop.cut(portrait.image, SIZE)

    def draw(self, clip: int, carried: Image) -> Image:
        """Return a clip's heads, uint8 (16, 512, 512, 3) RGB.

        Args:
            clip: its number.
            carried: the heads that it goes on from.

        Raises:
            MachineError: memory does not hold a clip.
            Cancelled: the person stopped the work.
        """
        try:
            return self._drawn(clip, carried)
        except (RuntimeError, MemoryError) as error:
            if not is_out_of_memory(error):
                raise
            raise MachineError(
                f"not enough memory for {CLIP} frames of Hallo, which are drawn together; close other programs, or use "
                "--engine sadtalker or viseme"
            ) from error

    def _drawn(self, clip: int, carried: Image) -> Image:
        before = torch.cat([self._still, self._coder.encode(carried)])
        latents = self._sampler.draw(clip, self._voice.clip(clip), before, self._weights[clip], self._watch)
        return self._coder.decode(latents)

    @functools.cached_property
    def _weights(self) -> list[Weights]:
        return self._choices.by_clip(Amounts.of(self._plan.settings, self._plan.moods), self._voice.clips)

    @functools.cached_property
    def _voice(self) -> Voice:
        plan = self._plan
        network = loading.open_hearing(plan.device)
        return Voice(self._speech.samples, native_frames(plan.frames, plan.rate), network, plan.device)

    @functools.cached_property
    def _coder(self) -> Coder:
        plan = self._plan
        return Coder(loading.open_coder(plan.device, plan.dtype), plan.device, plan.dtype)

    @functools.cached_property
    def _still(self) -> torch.Tensor:
        return self._coder.encode(self.head[None])

    @functools.cached_property
    def _sampler(self) -> Sampler:
        plan = self._plan
        face = identity(self._portrait.image, self._portrait.face, loading.open_face())
        masks = RegionMasks.of_marks(self._crop.locate(self._portrait.face.landmarks, SIZE), SIZE)
        network = loading.open_network(plan.device, plan.dtype)
        return Sampler(network, face, masks, self._choices, plan.device, plan.dtype)


def head_square(portrait: Portrait) -> HeadCrop:
    """Return the square that is drawn: the one round the head, moved (and made smaller where it must) into the picture.

    The network was trained on whole pictures, of which the face takes a half or more, and knows no repeated borders.
    Only where a picture is narrower than its face does the square reach beyond it.
    """
    wanted, face = HeadCrop.of_face(portrait.face), portrait.face.box
    largest = max(face[2] - face[0], face[3] - face[1]) * FACE_ROOM
    side = min(wanted.side, max(min(portrait.size), math.ceil(largest)))
    left, top = (
        _start(start + (wanted.side - side) // 2, side, length, face[axis], face[axis + 2])
        for axis, (start, length) in enumerate(zip((wanted.left, wanted.top), portrait.size, strict=True))
    )
    return HeadCrop(left, top, side)


def _start(start: int, side: int, length: int, low: float, high: float) -> int:
    """Return where the square begins along one side of the picture, with the face in it and a rim round the face."""
    rim = FACE_RIM * side
    inside = min(max(start, 0), length - side) if side <= length else start
    return round(min(max(inside, high + rim - side), low - rim))


def native_frame(frame: int, rate: Fraction) -> int:
    """Return the frame at 25 a second that is nearest in time."""
    return math.floor(frame * NATIVE_FPS / rate + Fraction(1, 2))


def resumable(plan: RenderPlan) -> set[int]:
    """Return the clips before those in which a segment begins."""
    return {native_frame(start, plan.rate) // CLIP - 1 for start in range(0, plan.frames, plan.segment)} - {-1}


def _frames(
    chain: Chain, patches: HeadPatches, leaning: Leaning | None, plan: RenderPlan, start: int
) -> Iterator[Patches]:
    try:
        for frame in range(start, plan.frames):
            native = native_frame(frame, plan.rate)
            head = chain.clip(native // CLIP)[native % CLIP]
            yield patches.patch(head, AT_REST if leaning is None else leaning.of(head))
    finally:
        if leaning is not None:
            leaning.close()
