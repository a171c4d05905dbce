"""File → :class:`~lipsync_colab.types.Speech`, and what can be measured on it: mel spectrogram, level, loudness."""

from __future__ import annotations

from lipsync_colab.audio.load import load_speech

__all__ = ["load_speech"]
