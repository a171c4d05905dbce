"""The engine's own options: numbers with bounds."""

from __future__ import annotations

from dataclasses import dataclass

from lipsync_colab.errors import InputError
from lipsync_colab.types import RenderSettings

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
        amounts: weights of the voice's attention outside the face, on the face and on the lips.
        seed: of the noise.
    """

    steps: int
    guidance: float
    amounts: tuple[float, float, float]
    seed: int

    @classmethod
    def of(cls, settings: RenderSettings) -> Choices:
        """Read a render's settings; the amounts of head motion and of expression multiply the engine's own weights.

        Raises:
            InputError: an option is out of its range.
        """
        head = 0.0 if settings.still else settings.head_motion
        pose = head * parse_pose(settings.option("pose"))
        face = settings.expression * parse_face(settings.option("face"))
        lip = settings.expression * parse_lip(settings.option("lip"))
        steps, guidance = parse_steps(settings.option("steps")), parse_guidance(settings.option("guidance"))
        return cls(steps, guidance, (pose, face, lip), settings.seed)
