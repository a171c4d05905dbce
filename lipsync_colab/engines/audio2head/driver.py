"""Voice to motion: head poses for the whole clip, then keypoints window by window as they are needed."""

from __future__ import annotations

import functools
from typing import Any

import numpy as np
import torch

from lipsync_colab.engines.audio2head.windows import place_in_window
from lipsync_colab.engines.audio2head.wirebox import draw_box, in_space
from lipsync_colab.engines.headmotion.amounts import Amounts
from lipsync_colab.engines.headmotion.track import NATIVE_FPS
from lipsync_colab.networks.audio2head.audio2kp import FRAMES
from lipsync_colab.types import Array

CACHED_WINDOWS = 2
"""A frame between two native frames may need two windows."""
VALUES = 2 + 4
"""Position and jacobian of one keypoint."""


class KeypointTrack:
    """The keypoints of every native frame of one clip.

    Each amount is relative to what the network draws without sound and with the still's own pose. In a pause the
    keypoints return to those without sound, so the mouth rests while the head goes on.

    Args:
        pose: :class:`~lipsync_colab.networks.audio2head.audio2pose.RecurrentPose`.
        keypoints: :class:`~lipsync_colab.networks.audio2head.audio2kp.AudioToKeypoints`.
        image: (1, 3, 256, 256) in [0, 1], on the networks' device.
        audio: float32 (T, 4, 41).
        speaking: float32 (T,) in [0, 1], how far each frame is speech.
        amounts: of each motion; there are no blinks.
    """

    def __init__(
        self, pose: Any, keypoints: Any, *, image: torch.Tensor, audio: Array, speaking: Array, amounts: Amounts
    ) -> None:
        self._keypoints, self._image, self._audio = keypoints, image, audio
        times = np.arange(len(audio)) / NATIVE_FPS
        self._share = (speaking * amounts.expression_at(times)).astype(np.float32)
        with torch.inference_mode():
            drawn = pose(image, torch.from_numpy(audio)[None].to(image.device))[0].cpu().numpy()
        self.poses = in_space(drawn[0] + amounts.head_at(times)[:, None] * (drawn[: len(audio)] - drawn[0])).astype(
            np.float32
        )
        self._window = functools.lru_cache(maxsize=CACHED_WINDOWS)(self._draw_window)

    def __len__(self) -> int:
        return len(self._audio)

    def at(self, position: float) -> Array:
        """Return the keypoints at a native position, float32 (10, 6): x, y, jacobian; linear between frames."""
        where = min(max(position, 0.0), len(self) - 1.0)
        low = int(where)
        share = np.float32(where - low)
        here = self._frame(low)
        return here if share == 0 else (here * (1 - share) + self._frame(low + 1) * share).astype(np.float32)

    def _frame(self, frame: int) -> Array:
        first, index = place_in_window(frame)
        return np.asarray(self._window(first)[index], np.float32)

    def _draw_window(self, first: int) -> Array:
        """Return 64 frames of keypoints, float32 (64, 10, 6); frames after the clip repeat its last pose, unheard."""
        numbers = np.arange(first, first + FRAMES)
        known = np.minimum(numbers, len(self) - 1)
        boxes = np.stack([draw_box(pose) for pose in self.poses[known]])
        heard = self._audio[known] * (numbers < len(self))[:, None, None]
        share = self._share[known]
        if not share.any():
            return self._ask(np.zeros_like(heard), boxes)
        voiced = self._ask(heard.astype(np.float32), boxes)
        if (share == 1).all():
            return voiced
        quiet = self._ask(np.zeros_like(heard, np.float32), boxes)
        return quiet + share[:, None, None] * (voiced - quiet)

    def _ask(self, audio: Array, boxes: Array) -> Array:
        device = self._image.device
        with torch.inference_mode():
            found = self._keypoints(
                torch.from_numpy(audio.astype(np.float32))[None].to(device),
                torch.from_numpy(boxes)[None].to(device),
                self._image,
            )
            joined = torch.cat((found["value"], found["jacobian"].flatten(3)), dim=3)
        return np.asarray(joined[0].float().cpu().numpy(), np.float32)
