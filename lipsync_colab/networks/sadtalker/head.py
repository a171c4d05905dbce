"""Head pose, translation and expression applied to canonical keypoints."""

from __future__ import annotations

import torch

from lipsync_colab.networks.sadtalker.mapping import BINS

DEGREES_PER_BIN = 3
FIRST_DEGREE = -99
PI = 3.14
"""The networks were trained with this rounding."""


def expected_degrees(scores: torch.Tensor) -> torch.Tensor:
    """Return the mean angle in degrees of scores over bins, (B, 66) to (B,)."""
    bins = torch.arange(BINS, dtype=torch.float32, device=scores.device)
    return (torch.softmax(scores.float(), dim=1) * bins).sum(1) * DEGREES_PER_BIN + FIRST_DEGREE


def rotation_matrix(yaw: torch.Tensor, pitch: torch.Tensor, roll: torch.Tensor) -> torch.Tensor:
    """Return rotations (B, 3, 3), pitch after yaw after roll, of angles (B,) in degrees."""
    angles = [angle / 180 * PI for angle in (yaw, pitch, roll)]
    (sy, cy), (sp, cp), (sr, cr) = [(torch.sin(angle), torch.cos(angle)) for angle in angles]
    one, zero = torch.ones_like(yaw), torch.zeros_like(yaw)
    about_x = torch.stack((one, zero, zero, zero, cp, -sp, zero, sp, cp), 1).view(-1, 3, 3)
    about_y = torch.stack((cy, zero, sy, zero, one, zero, -sy, zero, cy), 1).view(-1, 3, 3)
    about_z = torch.stack((cr, -sr, zero, sr, cr, zero, zero, zero, one), 1).view(-1, 3, 3)
    return about_x @ about_y @ about_z


def moved_keypoints(
    canonical: torch.Tensor, motion: dict[str, torch.Tensor], angles: dict[str, torch.Tensor] | None = None
) -> torch.Tensor:
    """Return the keypoints of a head that is turned, raised and has an expression.

    Of the translation only the vertical part counts: sideways and in depth the training set it to zero.

    Args:
        canonical: (1 or B, 15, 3).
        motion: what :class:`~lipsync_colab.networks.sadtalker.mapping.MotionMapping` returns.
        angles: ``yaw``, ``pitch`` or ``roll`` (B,) in degrees, in place of those of the motion.

    Returns:
        (B, 15, 3) float32.
    """
    chosen = {name: expected_degrees(motion[name]) for name in ("yaw", "pitch", "roll")} | (angles or {})
    turned = canonical.float() @ rotation_matrix(**chosen).transpose(1, 2)
    raised = motion["t"].float() * torch.tensor([0.0, 1.0, 0.0], device=turned.device)
    return turned + raised[:, None] + motion["exp"].float().unflatten(1, (-1, 3))
