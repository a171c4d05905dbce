"""SadTalker's renderer: coefficients to keypoints to frames, at 256 or 512 pixels."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch

from lipsync_colab.device import Parts
from lipsync_colab.engines.headmotion.loading import picture_tensor, tensor_pictures
from lipsync_colab.networks.sadtalker.head import moved_keypoints
from lipsync_colab.networks.sadtalker.mapping import WINDOW
from lipsync_colab.types import Array, Image

RADIUS = WINDOW // 2


class FaceVid2Vid:
    """Bound to one still: features and keypoints of the still are computed here, once.

    Args:
        generator: folded, on the device, in ``dtype``.
        detector: of canonical keypoints, float32.
        mapping: of coefficients; with 70 or 73 channels, float32.
        head: uint8 (256, 256, 3) or (512, 512, 3) RGB.
        still: float32 (73,) coefficients of the still.
        device: ``"cpu"`` or ``"cuda"``.
        dtype: of the generator.
    """

    def __init__(
        self,
        generator: Any,
        detector: Any,
        mapping: Any,
        *,
        head: Image,
        still: Array,
        device: str = "cpu",
        dtype: str = "float32",
    ) -> None:
        self._parts = Parts("one head of SadTalker")
        self._generator, self._mapping, self._device = generator, mapping, device
        self._channels = mapping.first[0].in_channels
        with torch.inference_mode():
            self._features = generator.encode(picture_tensor(head, device, dtype))
            self._canonical = detector(picture_tensor(head, device, "float32"))
            self._source = self._keypoints(np.repeat(still[None, :, None], WINDOW, axis=2))

    def _keypoints(self, windows: Array, angles: dict[str, Array] | None = None) -> torch.Tensor:
        seen = torch.from_numpy(np.ascontiguousarray(windows[:, : self._channels], np.float32)).to(self._device)
        turned = {name: torch.from_numpy(values).to(self._device) for name, values in (angles or {}).items()}
        return moved_keypoints(self._canonical, self._mapping(seen), turned)

    def draw(self, windows: Array, angles: dict[str, Array] | None = None) -> Image:
        """Return heads, uint8 (B, size, size, 3) RGB.

        Args:
            windows: float32 (B, 73, 27) coefficients round each frame.
            angles: ``yaw``, ``pitch`` or ``roll`` float32 (B,) in degrees, in place of the coefficients'.
        """
        given = angles or {}

        def drawn(part: slice) -> Image:
            return self._drawn(windows[part], {name: values[part] for name, values in given.items()})

        return np.asarray(self._parts.draw(len(windows), drawn), np.uint8)

    def _drawn(self, windows: Array, angles: dict[str, Array]) -> Image:
        with torch.inference_mode():
            driving = self._keypoints(windows, angles)
            source = self._source.expand(len(driving), -1, -1)
            return np.asarray(tensor_pictures(self._generator.render(self._features, source, driving)), np.uint8)
