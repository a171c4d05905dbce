"""Mel windows in, mouths out: the network on one still, with everything that the still decides computed once."""

from __future__ import annotations

import numpy as np
import torch

from lipsync_colab.device import Parts
from lipsync_colab.networks.folding import fold
from lipsync_colab.networks.wav2lip import FACE_SIZE, Wav2Lip
from lipsync_colab.types import Array, Image


def network_input(crop: Image) -> Array:
    """Return what the network sees of a still, float32 (1, 6, 96, 96) in [0, 1].

    Args:
        crop: uint8 (96, 96, 3) RGB.

    The channels are BGR: first the crop without its lower half, then the reference, which for a still is the same
    crop. The division is done in float64, as in the release.
    """
    reference = crop[..., ::-1]
    hidden = reference.copy()
    hidden[FACE_SIZE // 2 :] = 0
    both = np.concatenate([hidden, reference], axis=2).astype(np.float64) / 255
    return np.ascontiguousarray(both.transpose(2, 0, 1)[None], dtype=np.float32)


class MouthGenerator:
    """The generator bound to one still: the face is encoded once, each call decodes a batch.

    Args:
        network: with its weights; it is changed (norms folded, moved to the device) and belongs to this object.
        crop: uint8 (96, 96, 3) RGB.
        device: ``"cpu"`` or ``"cuda"``.
        dtype: ``"float32"``, or ``"float16"`` on a GPU.
    """

    def __init__(self, network: Wav2Lip, crop: Image, device: str = "cpu", dtype: str = "float32") -> None:
        fold(network)
        self._parts = Parts("one mouth of Wav2Lip")
        self._device, self._dtype = torch.device(device), getattr(torch, dtype)
        # Convolutions run faster with the channels innermost, on both kinds of device.
        self._network = network.to(self._device, self._dtype).to(memory_format=torch.channels_last)
        with torch.inference_mode():
            self._features = self._network.encode_face(self._tensor(network_input(crop)))

    def _tensor(self, array: Array) -> torch.Tensor:
        return torch.from_numpy(array).to(self._device, self._dtype, memory_format=torch.channels_last)

    def draw(self, mel: Array) -> Image:
        """Return faces, uint8 (B, 96, 96, 3) RGB.

        Args:
            mel: float32 (B, 1, 80, 16) in [-4, 4].
        """
        return np.asarray(self._parts.draw(len(mel), lambda part: self._drawn(mel[part])), np.uint8)

    def _drawn(self, mel: Array) -> Image:
        with torch.inference_mode():
            embedding = self._network.encode_mel(self._tensor(mel))
            faces = self._network.decode(embedding, self._features)
            levels = faces.float().mul(255).round().clamp(0, 255).to(torch.uint8)
        return np.ascontiguousarray(levels.permute(0, 2, 3, 1).cpu().numpy()[..., ::-1])
