"""The engine's own options: numbers with bounds."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from lipsync_colab.engines.hallo.chain import CLIP
from lipsync_colab.engines.headmotion.amounts import Amounts
from lipsync_colab.engines.headmotion.track import NATIVE_FPS
from lipsync_colab.errors import InputError
from lipsync_colab.types import RenderSettings

Weights = tuple[float, float, float]
"""Outside the face, on the face, on the lips."""
STEPS = 40
GUIDANCE = 3.5
"""Denoising steps and classifier-free guidance of the release (``configs/inference/default.yaml``)."""


def parse_steps(text: str) -> int:
    """Return the denoising steps of each clip, 1 to 200; the release's 40 for an empty text.

    Raises:
        InputError: it is no such number.
    """
    steps = _number("steps", text, STEPS, 1, 200)
    if steps != int(steps):
        raise InputError(f"--option steps={text}: choose a whole number from 1 to 200")
    return int(steps)


def parse_guidance(text: str) -> float:
    """Return the classifier-free guidance, 1 (none: half the work) to 20; the release's 3.5 for an empty text.

    Raises:
        InputError: it is no such number.
    """
    return _number("guidance", text, GUIDANCE, 1, 20)


def parse_pose(text: str) -> float:
    """Return the weight of the voice on everything outside the face, 0 to 2; 1 for an empty text.

    Raises:
        InputError: it is no such number.
    """
    return _number("pose", text, 1.0, 0, 2)


def parse_face(text: str) -> float:
    """Return the weight of the voice on the face without the lips, 0 to 2; 1 for an empty text.

    Raises:
        InputError: it is no such number.
    """
    return _number("face", text, 1.0, 0, 2)


def parse_lip(text: str) -> float:
    """Return the weight of the voice on the lips, 0 to 2; 1 for an empty text.

    Raises:
        InputError: it is no such number.
    """
    return _number("lip", text, 1.0, 0, 2)


def _number(name: str, text: str, default: float, low: float, high: float) -> float:
    try:
        value = float(text) if text else default
    except ValueError:
        value = float("nan")
    if not low <= value <= high:  # true of what is no number as well
        raise InputError(f"--option {name}={text}: choose a number from {low:g} to {high:g}")
    return value


@dataclass(frozen=True)
class Choices:
    """What a render asks of the engine, checked.

    Attributes:
        steps: of denoising, for each clip.
        guidance: classifier-free; 1 is none.
        weights: of the voice's attention outside the face, on the face and on the lips.
        seed: of the noise.
    """

    steps: int
    guidance: float
    weights: Weights
    seed: int

    @classmethod
    def of(cls, settings: RenderSettings) -> Choices:
        """Read a render's settings.

        Raises:
            InputError: an option is out of its range.
        """
        weights = (
            parse_pose(settings.option("pose")),
            parse_face(settings.option("face")),
            parse_lip(settings.option("lip")),
        )
        steps, guidance = parse_steps(settings.option("steps")), parse_guidance(settings.option("guidance"))
        return cls(steps, guidance, weights, settings.seed)

    def by_clip(self, amounts: Amounts, clips: int) -> list[Weights]:
        """Return the weights of each clip: those of the options times what settings and expression tags want then.

        Args:
            amounts: of head motion (outside the face) and of expression (on face and lips), at a clip's middle.
            clips: how many there are.
        """
        times = (np.arange(clips + 1) + 0.5) * CLIP / NATIVE_FPS
        times[-1] = clips * CLIP / NATIVE_FPS
        moved = zip(amounts.head_at(times)[:-1], amounts.expression_at(times)[:-1], strict=True)
        pose, face, lip = self.weights
        return [(pose * float(head), face * float(said), lip * float(said)) for head, said in moved]
