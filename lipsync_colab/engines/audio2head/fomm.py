"""Audio2Head's renderer, the First Order Motion Model's generator, at 256 pixels."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch

from lipsync_colab.device import Parts
from lipsync_colab.engines.headmotion.loading import picture_tensor, tensor_pictures
from lipsync_colab.networks.audio2head.keypoints import Keypoints
from lipsync_colab.types import Array, Image


class FirstOrderRenderer:
    """Bound to one still: its features and keypoints are computed here, once.

    Args:
        generator: folded, on the device, in ``dtype``.
        detector: of keypoints, float32.
        head: uint8 (256, 256, 3) RGB.
        device: ``"cpu"`` or ``"cuda"``.
        dtype: of the generator.
    """

    def __init__(
        self, generator: Any, detector: Any, *, head: Image, device: str = "cpu", dtype: str = "float32"
    ) -> None:
        self._parts = Parts("one head of Audio2Head")
        self._generator, self._device = generator, device
        with torch.inference_mode():
            self._features = generator.encode(picture_tensor(head, device, dtype))
            self._source: Keypoints = detector(picture_tensor(head, device, "float32"))

    def draw(self, keypoints: Array) -> Image:
        """Return heads, uint8 (B, 256, 256, 3) RGB.

        Args:
            keypoints: float32 (B, 10, 6): x, y, jacobian.
        """
        return np.asarray(self._parts.draw(len(keypoints), lambda part: self._drawn(keypoints[part])), np.uint8)

    def _drawn(self, keypoints: Array) -> Image:
        values = torch.from_numpy(keypoints).to(self._device)
        return self._render({"value": values[..., :2], "jacobian": values[..., 2:].unflatten(-1, (2, 2))})

    @property
    def places(self) -> Array:
        """The still's own keypoints, float32 (10, 2) in [-1, 1]."""
        return np.asarray(self._source["value"][0].cpu().numpy(), np.float32)

    def _render(self, driving: Keypoints) -> Image:
        with torch.inference_mode():
            return np.asarray(tensor_pictures(self._generator.render(self._features, self._source, driving)), np.uint8)
