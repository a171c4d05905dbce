"""SadTalker's motion on its own renderer or on PIRenderer, laid into the still."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np

from lipsync_colab.engines.headmotion.amounts import Amounts
from lipsync_colab.engines.headmotion.crop import HeadCrop
from lipsync_colab.engines.headmotion.loading import ready
from lipsync_colab.engines.headmotion.patches import HeadPatches, batch_size, patch_stream
from lipsync_colab.engines.headmotion.similarity import similarity
from lipsync_colab.engines.headmotion.track import MotionTrack, native_frames, native_position
from lipsync_colab.engines.registry import ENGINES
from lipsync_colab.engines.sadtalker.camera import camera_path, parse_degrees
from lipsync_colab.engines.sadtalker.coefficients import CoefficientReader
from lipsync_colab.engines.sadtalker.driver import References, SadTalkerDriver
from lipsync_colab.engines.sadtalker.facevid2vid import RADIUS, FaceVid2Vid
from lipsync_colab.engines.sadtalker.pirenderer import PIRenderer
from lipsync_colab.engines.sadtalker.projection import face_points
from lipsync_colab.engines.sadtalker.reference import read_reference
from lipsync_colab.engines.sadtalker.style import parse_style
from lipsync_colab.errors import InputError
from lipsync_colab.types import Array, FrameStream, Image, Patches, Portrait, RenderPlan, RenderSettings, Speech

RATE = 16_000
ANGLES = ("yaw", "pitch", "roll")


class HeadRenderer(Protocol):
    """Draws the heads of coefficient windows."""

    def draw(self, windows: Array, angles: dict[str, Array] | None = None) -> Image:
        """Return uint8 (B, size, size, 3) RGB of float32 (B, 73, 27)."""
        ...


@dataclass(frozen=True)
class Choices:
    """The engine's own options, checked.

    Attributes:
        checkpoint: row of the weights table with every network of SadTalker but the mapping.
        size: side of the drawn head in pixels, 256 or 512.
        renderer: ``"facevid2vid"``, ``"facevid2vid-crop"`` or ``"pirender"``.
        style: of head motion, 0 to 45.
        angles: yaw, pitch and roll by hand, in degrees; only those that were given.
        pose: video whose head motion is added, or empty.
        blink: video whose lids are followed, or empty.
    """

    checkpoint: str
    size: int
    renderer: str
    style: int
    angles: dict[str, tuple[float, ...]]
    pose: str
    blink: str

    @classmethod
    def of(cls, settings: RenderSettings) -> Choices:
        """Read the options of a render.

        Raises:
            InputError: an option has no such value, or two do not fit together.
        """
        info = ENGINES["sadtalker"]
        renderer, size = (info.choice(settings, option) for option in ("renderer", "head"))
        angles = {name: parse_degrees(settings.option(name)) for name in ANGLES}
        given = {name: degrees for name, degrees in angles.items() if degrees}
        if renderer == "pirender" and size != "256":
            raise InputError(f"the renderer pirender draws heads of 256 pixels, not {size}; choose head=256")
        if renderer == "pirender" and given:
            raise InputError("the renderer pirender takes no yaw, pitch or roll; choose renderer=facevid2vid")
        return cls(
            info.variants["head"][size][0],
            int(size),
            renderer,
            parse_style(settings.option("style")),
            given,
            settings.option("reference_pose"),
            settings.option("reference_blink"),
        )


class SadTalkerEngine:
    """Moves the whole head: expression, pose and blinks from the voice.

    Options of a plan (``RenderSettings.options``): ``renderer`` (``facevid2vid``; ``facevid2vid-crop``, whose mapping
    was trained without the face's place in the picture; ``pirender``), ``head`` (256 or 512 pixels), ``style`` (0 to
    45), ``yaw``, ``pitch`` and ``roll`` (degrees, one or a path such as ``-20,30,10``), ``reference_pose`` and
    ``reference_blink`` (videos).
    """

    def animate(self, portrait: Portrait, speech: Speech, plan: RenderPlan, start: int = 0) -> FrameStream[Patches]:
        """Yield the patches of frames ``start`` to ``plan.frames - 1``.

        Args:
            portrait: the finished still with the face's landmarks on it.
            speech: mono at 16 kHz.
            plan: frame rate, device, batch, seed, amounts of motion and the engine's options.
            start: first frame.

        Raises:
            InputError: an option has no such value, or two do not fit together.
            WeightsError: a checkpoint is missing, or its licence has not been accepted.
        """
        if speech.rate != RATE:
            raise ValueError(f"SadTalker hears {RATE} Hz, not {speech.rate}")
        choices = Choices.of(plan.settings)
        crop = HeadCrop.of_face(portrait.face)
        reader = CoefficientReader(
            ready("sadtalker.face_3drecon", choices.checkpoint, "face_3drecon", plan.device), plan.device
        )
        still = reader.read(portrait.image, portrait.face, crop)
        references = References(
            read_reference(choices.pose, reader, "pose") if choices.pose else None,
            read_reference(choices.blink, reader, "blink") if choices.blink else None,
        )
        track = _driven(speech, still, plan, choices, references)
        renderer = make_renderer(choices, crop.cut(portrait.image, choices.size), still, plan)
        scene = Scene(renderer=renderer, still=still, track=track, plan=plan, angles=choices.angles, size=choices.size)
        patches = HeadPatches.on(portrait, crop, choices.size)
        frames = patch_stream(scene, patches, plan.frames, batch_size(plan), start)
        return FrameStream(frames, plan.size, plan.rate, plan.frames)


def _driven(speech: Speech, still: Array, plan: RenderPlan, choices: Choices, references: References) -> MotionTrack:
    driver = SadTalkerDriver(
        ready("sadtalker.audio2exp", choices.checkpoint, "audio2exp", plan.device),
        ready("sadtalker.audio2pose", choices.checkpoint, "audio2pose", plan.device),
        plan.device,
    )
    return driver.drive(
        speech,
        still,
        native_frames(plan.frames, plan.rate),
        Amounts.of(plan.settings, plan.moods),
        seed=plan.settings.seed,
        style=choices.style,
        references=references,
    )


def make_renderer(choices: Choices, head: Image, still: Array, plan: RenderPlan) -> HeadRenderer:
    """Return the renderer of the options, with its weights, bound to a head.

    Raises:
        WeightsError: a checkpoint is missing, or its licence has not been accepted.
    """
    row = ENGINES["sadtalker"].variants["renderer"][choices.renderer][0]
    if choices.renderer == "pirender":
        network = ready("pirender", row, "", plan.device, plan.dtype)
        return PIRenderer(network, head=head, device=plan.device, dtype=plan.dtype)
    mapping = "sadtalker.mapping_full" if choices.renderer == "facevid2vid" else "sadtalker.mapping"
    return FaceVid2Vid(
        ready("sadtalker.generator", choices.checkpoint, "generator", plan.device, plan.dtype),
        ready("sadtalker.kp_extractor", choices.checkpoint, "kp_extractor", plan.device),
        ready(mapping, row, "mapping", plan.device),
        head=head,
        still=still,
        device=plan.device,
        dtype=plan.dtype,
    )


class Scene:
    """A renderer and the motion of one clip.

    Args:
        renderer: bound to the still's head.
        still: its 73 coefficients.
        track: 73 coefficients at 25 frames per second.
        plan: frame rate and length.
        angles: given by hand, in degrees.
        size: side of the drawn head in pixels.
    """

    def __init__(
        self,
        *,
        renderer: HeadRenderer,
        still: Array,
        track: MotionTrack,
        plan: RenderPlan,
        angles: dict[str, tuple[float, ...]],
        size: int,
    ) -> None:
        self._renderer, self._still, self._track, self._rate = renderer, still, track, plan.rate
        self._size = size
        self._angles = {name: camera_path(degrees, plan.frames) for name, degrees in angles.items()}

    def motion(self, frame: int) -> Array:
        """Return how the head lies compared with the still's, float32 (2, 3), crop to crop; by the coefficients."""
        here = self._track.at(np.array(native_position(frame, self._rate)))
        return similarity(face_points(self._still, self._size), face_points(here, self._size))

    def draw(self, frames: Sequence[int]) -> Image:
        """Return the heads of frames, uint8 (B, size, size, 3) RGB."""
        positions = np.array([native_position(frame, self._rate) for frame in frames])
        angles = {name: path[list(frames)] for name, path in self._angles.items()}
        return self._renderer.draw(self._track.windows(positions, RADIUS), angles)
