"""Audio2Head's motion on its own renderer, laid into the still."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction

import numpy as np

from lipsync_colab.audio.level import SpeechGate
from lipsync_colab.engines.audio2head.driver import KeypointTrack
from lipsync_colab.engines.audio2head.features import framed, voice_features
from lipsync_colab.engines.audio2head.fomm import FirstOrderRenderer
from lipsync_colab.engines.headmotion.amounts import Amounts
from lipsync_colab.engines.headmotion.crop import HeadCrop
from lipsync_colab.engines.headmotion.loading import picture_tensor, ready
from lipsync_colab.engines.headmotion.patches import HeadPatches, batch_size, patch_stream
from lipsync_colab.engines.headmotion.similarity import similarity
from lipsync_colab.engines.headmotion.track import NATIVE_FPS, native_frames, native_position
from lipsync_colab.engines.registry import ENGINES
from lipsync_colab.errors import InputError
from lipsync_colab.types import Array, FrameStream, Image, Patches, Portrait, RenderPlan, Speech

RATE = 16_000
HEAD = 256


class Audio2HeadEngine:
    """Moves the whole head by keypoints that the voice draws.

    Options of a plan (``RenderSettings.options``): ``renderer`` (``fomm``, the only one that knows its keypoints).
    """

    def animate(self, portrait: Portrait, speech: Speech, plan: RenderPlan, start: int = 0) -> FrameStream[Patches]:
        """Yield the patches of frames ``start`` to ``plan.frames - 1``.

        Args:
            portrait: the finished still with the face's landmarks on it.
            speech: mono at 16 kHz.
            plan: frame rate, device, batch and amounts of motion.
            start: first frame.

        Raises:
            InputError: an option has no such value, or an amount of blinks is asked for.
            MachineError: pyworld is not installed.
            WeightsError: the checkpoint is missing, or its licence has not been accepted.
        """
        if speech.rate != RATE:
            raise ValueError(f"Audio2Head hears {RATE} Hz, not {speech.rate}")
        info = ENGINES["audio2head"]
        info.choice(plan.settings, "renderer")
        if plan.settings.blink != 1:
            raise InputError("the engine audio2head has no control of blinks; leave --blink at 1 or choose sadtalker")
        crop = HeadCrop.of_face(portrait.face)
        head = crop.cut(portrait.image, HEAD)
        track = _track(head, speech, plan)
        renderer = FirstOrderRenderer(
            ready("audio2head.generator", info.weights[0], "generator", plan.device, plan.dtype),
            ready("audio2head.kp_detector", info.weights[0], "kp_detector", plan.device),
            head=head,
            device=plan.device,
            dtype=plan.dtype,
        )
        patches = HeadPatches.on(portrait, crop, HEAD)
        scene = Scene(renderer, track, plan.rate)
        frames = patch_stream(scene, patches, plan.frames, batch_size(plan), start)
        return FrameStream(frames, plan.size, plan.rate, plan.frames)


class Scene:
    """A renderer and the keypoints of one clip."""

    def __init__(self, renderer: FirstOrderRenderer, track: KeypointTrack, rate: Fraction) -> None:
        self._renderer, self._track, self._rate = renderer, track, rate

    def draw(self, frames: Sequence[int]) -> Image:
        """Return the heads of frames, uint8 (B, 256, 256, 3) RGB."""
        return self._renderer.draw(np.stack([self._keypoints(frame) for frame in frames]))

    def motion(self, frame: int) -> Array:
        """Return how the head lies compared with the still's, float32 (2, 3), crop to crop; by the keypoints."""
        before, after = self._renderer.places, self._keypoints(frame)[:, :2]
        return similarity((before + 1) / 2 * (HEAD - 1), (after + 1) / 2 * (HEAD - 1))

    def _keypoints(self, frame: int) -> Array:
        return self._track.at(native_position(frame, self._rate))


def _track(head: Image, speech: Speech, plan: RenderPlan) -> KeypointTrack:
    frames = native_frames(plan.frames, plan.rate)
    row = ENGINES["audio2head"].weights[0]
    return KeypointTrack(
        ready("audio2head.audio2pose", row, "audio2pose", plan.device),
        ready("audio2head.audio2kp", row, "audio2kp", plan.device),
        image=picture_tensor(head, plan.device, "float32"),
        audio=framed(voice_features(speech.samples), frames),
        speaking=SpeechGate.of(speech).opening(np.arange(frames) / NATIVE_FPS),
        amounts=Amounts.of(plan.settings, plan.moods),
    )
