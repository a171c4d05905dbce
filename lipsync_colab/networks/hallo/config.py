"""The sizes of Hallo's networks, known without importing torch."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class HalloConfig:
    """Sizes of every part; the defaults are those of the release.

    Attributes:
        channels: of the four levels of both U-Nets, from the finest (Stable Diffusion 1.5's).
        layers: residual units of a level on the way down; the way up has one more.
        heads: of every attention over pixels.
        groups: of every group norm.
        latent: channels of the pictures' latents.
        token: width of a face token.
        face_tokens: that describe one face.
        identity: length of a face's embedding (ArcFace's).
        sound: width of an audio token.
        audio_tokens: that describe one frame's sound.
        audio_window: frames of sound that one frame hears.
        audio_layers: hidden states of the speech encoder.
        audio_features: width of one such state.
        audio_hidden: width of the audio projection's hidden layers.
        locator: channels of the face locator's four levels.
        motion_heads: of the attention over time.
        positions: frames that the position encoding knows, motion frames included.
        motion_frames: drawn before a clip that it continues.
        clip: frames drawn together.

    Source of the defaults: the release's ``configs/inference/default.yaml`` and ``scripts/inference.py``.
    """

    channels: tuple[int, int, int, int] = (320, 640, 1280, 1280)
    layers: int = 2
    heads: int = 8
    groups: int = 32
    latent: int = 4
    token: int = 768
    face_tokens: int = 4
    identity: int = 512
    sound: int = 768
    audio_tokens: int = 32
    audio_window: int = 5
    audio_layers: int = 12
    audio_features: int = 768
    audio_hidden: int = 512
    locator: tuple[int, int, int, int] = (16, 32, 64, 128)
    motion_heads: int = 8
    positions: int = 32
    motion_frames: int = 2
    clip: int = 16


RELEASED = HalloConfig()
"""The sizes of ``net.pth``."""
