"""Picture to keypoints with local affine motion (First Order Motion Model, NeurIPS 2019)."""

from __future__ import annotations

import torch
from torch import nn

from lipsync_colab.networks.hourglass import Hourglass
from lipsync_colab.networks.spatial import AntiAliasDownsample, expected_position, heat_maps

KEYPOINTS = 10
Keypoints = dict[str, torch.Tensor]
"""``value`` (B, 10, 2) in [-1, 1], x first, and ``jacobian`` (B, 10, 2, 2)."""


def read_keypoints(scores: torch.Tensor, jacobians: torch.Tensor) -> Keypoints:
    """Return the keypoints of score maps (B, 10, h, w) and jacobian maps (B, 40, h, w)."""
    heat = heat_maps(scores)
    maps = jacobians.float().unflatten(1, (KEYPOINTS, 4))
    means = torch.einsum("bkhw,bkchw->bkc", heat, maps)
    return {"value": expected_position(heat), "jacobian": means.unflatten(2, (2, 2))}


class KeypointDetector(nn.Module):
    """Finds the 10 keypoints of a picture."""

    def __init__(self) -> None:
        super().__init__()
        self.predictor = Hourglass(32, 3, 5, 1024, step=(2, 2))
        self.kp = nn.Conv2d(self.predictor.out_filters, KEYPOINTS, 7)
        self.jacobian = nn.Conv2d(self.predictor.out_filters, 4 * KEYPOINTS, 7)
        self.down = AntiAliasDownsample(3)

    def forward(self, image: torch.Tensor) -> Keypoints:
        """Return the keypoints of pictures (B, 3, 256, 256) in [0, 1]."""
        features = self.predictor(self.down(image))
        return read_keypoints(self.kp(features), self.jacobian(features))
