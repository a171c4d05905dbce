"""Hallo's networks at a size for tests."""

from __future__ import annotations

from lipsync_colab.networks.hallo.config import HalloConfig

TINY = HalloConfig(
    channels=(16, 32, 48, 48),
    layers=1,
    heads=4,
    groups=8,
    token=24,
    identity=20,
    sound=28,
    audio_tokens=6,
    audio_layers=2,
    audio_features=10,
    audio_hidden=18,
    locator=(4, 6, 8, 12),
    motion_heads=2,
    positions=12,
)
