"""Released checkpoints as networks that are ready to draw."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch

from lipsync_colab import networks
from lipsync_colab.networks.folding import fold
from lipsync_colab.weights.load import load_into


def ready(name: str, row: str, prefix: str = "", device: str = "cpu", dtype: str = "float32") -> Any:
    """Return a network with its released weights, folded, on its device.

    Args:
        name: of the network.
        row: of the weights table.
        prefix: of the network in a file that holds several; only that part of a safetensors file is read.
        device: ``"cpu"`` or ``"cuda"``.
        dtype: ``"float32"`` or ``"float16"``.

    Raises:
        WeightsError: missing, wrong, or the licence has not been accepted.
    """
    network = fold(load_into(networks.build(name), row, prefix))
    return network.requires_grad_(False).to(device=torch.device(device), dtype=getattr(torch, dtype))


def picture_tensor(image: Any, device: str, dtype: str) -> torch.Tensor:
    """Return uint8 (h, w, 3) RGB as (1, 3, h, w) in [0, 1]."""
    tensor = torch.from_numpy(np.array(image)).permute(2, 0, 1)[None].float() / 255
    return tensor.contiguous().to(device=torch.device(device), dtype=getattr(torch, dtype))


def tensor_pictures(frames: torch.Tensor) -> Any:
    """Return (B, 3, h, w) in [0, 1] as uint8 (B, h, w, 3) RGB, rounded to the nearest level."""
    levels = frames.float().mul(255).round().clamp(0, 255).to(torch.uint8)
    return levels.permute(0, 2, 3, 1).contiguous().cpu().numpy()
