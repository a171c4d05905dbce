"""The protocols of a stage: what draws, restores, enlarges, and is told of progress."""

from __future__ import annotations

import threading
from collections.abc import Callable
from pathlib import Path
from typing import Protocol

from lipsync_colab.types.frames import FrameStream
from lipsync_colab.types.picture import Image, Patch, Patches, Portrait
from lipsync_colab.types.render import RenderPlan
from lipsync_colab.types.sound import Speech

Progress = Callable[[str, int, int], None]
"""``progress(stage, done, total)``, called from the thread that renders."""


class Engine(Protocol):
    """Portrait and speech in, patches out."""

    def animate(self, portrait: Portrait, speech: Speech, plan: RenderPlan, start: int = 0) -> FrameStream[Patches]:
        """Yield the patches of frames ``start`` to ``plan.frames - 1``.

        Args:
            portrait: the *finished* still (the canvas at output size) with the face's landmarks on it.
            speech: mono at 16 kHz.
            plan: size, fps, seed, amounts of motion, device.
            start: first frame; the patches of a frame do not depend on where the stream began.
        """
        ...


class ChainedEngine(Engine, Protocol):
    """An engine whose frames follow from those before them.

    Attributes:
        folder: where it keeps what a stopped render needs to go on; None keeps nothing.
        cancel: looked at while frames are drawn together, which takes minutes; None where nobody will stop it.
        tell: told meanwhile, from the thread that draws, how many of the video's frames are drawn, those that are being
            drawn by the share of the work that is done; None where nobody listens.
    """

    folder: Path | None
    cancel: threading.Event | None
    tell: Callable[[float], None] | None


class Restorer(Protocol):
    """Gives a patch the detail of a real face."""

    def __call__(self, patch: Patch) -> Patch:
        """Return the patch restored, in the same place."""
        ...


class Upscaler(Protocol):
    """Enlarges a picture."""

    def __call__(self, image: Image, scale: float) -> Image:
        """Return the picture ``scale`` times as large."""
        ...
