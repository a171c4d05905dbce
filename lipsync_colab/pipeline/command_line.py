"""The shell line that repeats a render."""

from __future__ import annotations

import dataclasses
import shlex

from lipsync_colab.types import RenderSettings

_DEFAULTS = RenderSettings()


def command_line(portrait: str, audio: str, output: str, settings: RenderSettings) -> str:
    """Return the shell line that makes the same video; options at their default are left out."""
    words = ["lipsync-colab", "render", portrait, audio, "-o", output]
    for field in dataclasses.fields(RenderSettings):
        value = getattr(settings, field.name)
        if value == getattr(_DEFAULTS, field.name):
            continue
        option = "--" + field.name.replace("_", "-")
        if field.name == "options":
            words += [word for name, choice in value for word in ("--option", f"{name}={choice}")]
        elif value is True:
            words.append(option)
        else:
            words += [option, f"{value}"]
    return shlex.join(words)
