"""A still portrait and a voice go in, a talking video at 1080p or more comes out.

>>> from pathlib import Path
>>> from lipsync_colab import RenderSettings, render_video, speak
>>> voice = speak("Hello. I can talk.", path=Path("hello.wav"))
>>> result = render_video(Path("portrait.jpg"), voice, Path("hello.mp4"), RenderSettings(size="320x320"))
>>> result.plan.size
(320, 320)
"""

from __future__ import annotations

import importlib

from lipsync_colab.version import __version__

__all__ = [
    "RenderPlan",
    "RenderResult",
    "RenderSettings",
    "__version__",
    "load_portrait",
    "load_speech",
    "prepare",
    "preview",
    "render_storyboard",
    "render_video",
    "run",
    "speak",
]

_HOMES = {
    "RenderPlan": "lipsync_colab.types",
    "RenderResult": "lipsync_colab.types",
    "RenderSettings": "lipsync_colab.types",
    "load_portrait": "lipsync_colab.portrait",
    "load_speech": "lipsync_colab.audio",
    "speak": "lipsync_colab.narrate.voice",
    "prepare": "lipsync_colab.pipeline.render",
    "preview": "lipsync_colab.pipeline.render",
    "render_storyboard": "lipsync_colab.pipeline.storyboard",
    "render_video": "lipsync_colab.pipeline.render",
    "run": "lipsync_colab.pipeline.render",
}


def __getattr__(name: str) -> object:
    """Load a public name's module when it is first asked for: importing the package stays light."""
    if name in _HOMES:
        return getattr(importlib.import_module(_HOMES[name]), name)
    raise AttributeError(f"module 'lipsync_colab' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
