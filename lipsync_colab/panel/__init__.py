"""The Studio: widgets that work on ipywidgets 7.7 (Colab's) and 8, in front of the same pipeline as the shell's."""

from __future__ import annotations

from lipsync_colab.panel.studio import Studio

__all__ = ["Studio"]
