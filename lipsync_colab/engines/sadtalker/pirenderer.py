"""PIRenderer driven by SadTalker's coefficients, at 256 pixels."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch

from lipsync_colab.device import Parts
from lipsync_colab.engines.headmotion.loading import picture_tensor, tensor_pictures
from lipsync_colab.errors import InputError
from lipsync_colab.types import Array, Image


class PIRenderer:
    """Bound to one still.

    Args:
        generator: :class:`~lipsync_colab.networks.pirender.generator.FaceGenerator`, folded, on the device.
        head: uint8 (256, 256, 3) RGB.
        device: ``"cpu"`` or ``"cuda"``.
        dtype: of the generator.
    """

    def __init__(self, generator: Any, *, head: Image, device: str = "cpu", dtype: str = "float32") -> None:
        self._parts = Parts("one head of PIRenderer")
        self._generator, self._place = generator, {"device": torch.device(device), "dtype": getattr(torch, dtype)}
        # The networks see pictures from -1 to 1; SadTalker's own port of this renderer feeds 0 to 1.
        self._head = picture_tensor(head, device, "float32").mul(2).sub(1).to(**self._place)

    def draw(self, windows: Array, angles: dict[str, Array] | None = None) -> Image:
        """Return heads, uint8 (B, 256, 256, 3) RGB.

        Args:
            windows: float32 (B, 73, 27) coefficients round each frame.
            angles: not for this renderer, whose network reads the coefficients alone.

        Raises:
            InputError: angles are given.
        """
        if angles:
            raise InputError("the renderer pirender takes no yaw, pitch or roll; choose renderer=facevid2vid")
        return np.asarray(self._parts.draw(len(windows), lambda part: self._drawn(windows[part])), np.uint8)

    def _drawn(self, windows: Array) -> Image:
        with torch.inference_mode():
            made = self._generator(self._head, torch.from_numpy(windows).to(**self._place))
            return np.asarray(tensor_pictures((made["fake_image"].float() + 1) / 2), np.uint8)
