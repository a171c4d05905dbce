"""Coefficients to head pose and expression of the keypoints; the trunk is PIRenderer's mapping network."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import nn

from lipsync_colab.networks.sadtalker.keypoints import KEYPOINTS

WINDOW = 27
"""Frames of coefficients that describe one frame: 13 before, itself, 13 after."""
LAYERS = 3
BINS = 66
"""Of three degrees each, for every angle."""


class CoefficientTrunk(nn.Module):
    """Coefficients over a window of time to one descriptor: (B, channels, 27) to (B, width, 1)."""

    def __init__(self, channels: int, width: int) -> None:
        super().__init__()
        self.first = nn.Sequential(nn.Conv1d(channels, width, 7))
        for index in range(LAYERS):
            layer = nn.Sequential(nn.LeakyReLU(0.1), nn.Conv1d(width, width, 3, dilation=3))
            setattr(self, f"encoder{index}", layer)

    def describe(self, semantics: torch.Tensor) -> torch.Tensor:
        """Return the descriptor, the mean over what is left of the window."""
        features = self.first(semantics)
        for index in range(LAYERS):
            features = getattr(self, f"encoder{index}")(features) + features[:, :, 3:-3]
        return F.adaptive_avg_pool1d(features, 1)

    def forward(self, semantics: torch.Tensor) -> torch.Tensor:
        """Return :meth:`describe`."""
        return self.describe(semantics)


class MotionMapping(CoefficientTrunk):
    """The pose (as scores over bins), the translation and the expression of the 15 keypoints."""

    def __init__(self, channels: int = 70, width: int = 1024) -> None:
        super().__init__(channels, width)
        for angle in ("roll", "pitch", "yaw"):
            setattr(self, f"fc_{angle}", nn.Linear(width, BINS))
        self.fc_t = nn.Linear(width, 3)
        self.fc_exp = nn.Linear(width, 3 * KEYPOINTS)

    def forward(self, semantics: torch.Tensor) -> dict[str, torch.Tensor]:  # type: ignore[override]
        """Return ``yaw``, ``pitch``, ``roll`` (B, 66), ``t`` (B, 3) and ``exp`` (B, 45).

        Args:
            semantics: (B, 70, 27); (B, 73, 27) for the variant that also sees scale and position in the picture.
        """
        descriptor = self.describe(semantics).flatten(1)
        return {name: getattr(self, f"fc_{name}")(descriptor) for name in ("yaw", "pitch", "roll", "t", "exp")}


def full_mapping() -> MotionMapping:
    """Return the variant of the release's "full" mode: 73 coefficients."""
    return MotionMapping(73)
