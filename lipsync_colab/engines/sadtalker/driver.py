"""Voice to motion: expression, head pose and blinks as one track of coefficients."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch

from lipsync_colab.audio.level import SpeechGate
from lipsync_colab.audio.mel import MelSpectrogram
from lipsync_colab.engines.headmotion.amounts import Amounts
from lipsync_colab.engines.headmotion.track import NATIVE_FPS, MotionTrack
from lipsync_colab.engines.sadtalker.blinks import blink_track
from lipsync_colab.engines.sadtalker.coefficients import EXPRESSION, POSE
from lipsync_colab.engines.sadtalker.smoothing import smooth_pose
from lipsync_colab.engines.sadtalker.sound import MelWindows
from lipsync_colab.networks.sadtalker.audio2pose import CHUNK, LATENT
from lipsync_colab.types import Array, Speech

BATCH = 256
"""Native frames in one call of a network."""


@dataclass(frozen=True)
class References:
    """Motion taken from a video instead of from the voice; at 25 frames per second, repeated when it is short.

    Attributes:
        pose: float32 (N, 6) coefficients, or None. Added to the voice's, relative to its first frame.
        blink: float32 (N, 64) expressions, or None. What the network takes of them replaces blinks of our own.
    """

    pose: Array | None = None
    blink: Array | None = None


class SadTalkerDriver:
    """Hears a voice and moves a still's coefficients.

    Args:
        expression: :class:`~lipsync_colab.networks.sadtalker.audio2exp.AudioToExpression`, float32.
        pose: :class:`~lipsync_colab.networks.sadtalker.audio2pose.AudioToPose`, float32.
        device: where they are.
    """

    def __init__(self, expression: Any, pose: Any, device: str = "cpu") -> None:
        self._expression, self._pose, self._device = expression, pose, device

    def drive(
        self,
        speech: Speech,
        still: Array,
        frames: int,
        amounts: Amounts,
        *,
        seed: int = 0,
        style: int = 0,
        references: References | None = None,
    ) -> MotionTrack:
        """Return the coefficients of every native frame, (frames, 73).

        With every amount at 0 each frame has the still's own coefficients. In a pause the expression returns to the
        still's, so lips that are closed there stay closed; head and lids go on.

        Args:
            speech: 16 kHz, mono.
            still: float32 (73,) coefficients of the still.
            frames: at 25 per second.
            amounts: of each motion.
            seed: of head motion and blinks.
            style: of head motion, 0 to 45.
            references: motion from a video.
        """
        references = references or References()
        windows = MelWindows(MelSpectrogram(speech.samples))
        track = np.repeat(still[None].astype(np.float32), frames, axis=0)
        times = np.arange(frames) / NATIVE_FPS
        speaking = SpeechGate.of(speech).opening(times)
        spoken = self._spoken(windows, still[EXPRESSION], frames) - still[EXPRESSION]
        track[:, EXPRESSION] += spoken * (amounts.expression_at(times) * speaking)[:, None]
        track[:, EXPRESSION] += amounts.blink * self._lids(still, frames, seed, references.blink)
        pose = smooth_pose(self._posed(windows, still, frames, seed, style))
        if references.pose is not None:
            pose = pose + repeated(references.pose, frames) - references.pose[0]
        track[:, POSE] += amounts.head_at(times)[:, None] * (pose - still[POSE])
        return MotionTrack(track)

    def _spoken(self, windows: MelWindows, still: Array, frames: int) -> Array:
        """Return what the voice makes of the expression, without blinks, float32 (frames, 64)."""
        reference = torch.from_numpy(still.astype(np.float32)).to(self._device)
        parts = []
        with torch.inference_mode():
            for mel in self._heard(windows, frames):
                count = len(mel)
                drawn = self._expression(mel, reference.expand(1, count, -1), reference.new_zeros(1, count, 1))
                parts.append(drawn[0].cpu().numpy())
        return np.concatenate(parts)

    def _lids(self, still: Array, frames: int, seed: int, video: Array | None) -> Array:
        """Return what blinks change; the network is linear in them, so they are added whatever is said."""
        if video is None:
            return blink_track(frames, seed)[:, None] * self._expression.blink_effect().cpu().numpy()
        change = repeated(video, frames) - still[EXPRESSION]
        return np.asarray(change @ self._expression.reference_effect().cpu().numpy().T, np.float32)

    def _posed(self, windows: MelWindows, still: Array, frames: int, seed: int, style: int) -> Array:
        """Return the head's pose, float32 (frames, 6), the first the still's."""
        chance = torch.Generator().manual_seed(seed)
        noise = torch.randn(-(-(frames - 1) // CHUNK), LATENT, generator=chance).to(self._device)
        reference = torch.from_numpy(still[None, POSE].astype(np.float32)).to(self._device)
        with torch.inference_mode():
            voice = [self._pose.hear(mel) for mel in self._heard(windows, frames)]
            return self._pose.move(torch.cat(voice)[1:], reference, style, noise)[0].cpu().numpy()

    def _heard(self, windows: MelWindows, frames: int) -> Iterator[torch.Tensor]:
        for first in range(0, frames, BATCH):
            yield torch.from_numpy(windows.stack(first, min(BATCH, frames - first))).to(self._device)


def repeated(values: Array, frames: int) -> Array:
    """Return the first ``frames`` rows of values that begin again when they end."""
    return values[np.arange(frames) % len(values)]
