"""The nouns that every stage shares: frozen dataclasses over numpy arrays, and the protocols of a stage."""

from lipsync_colab.types.frames import FrameStream, frame_count
from lipsync_colab.types.picture import Array, Face, Image, Patch, Patches, Portrait
from lipsync_colab.types.render import (
    LARGEST_SEED,
    UNHASHED,
    Budget,
    RenderPlan,
    RenderResult,
    RenderSettings,
    plan_digest,
)
from lipsync_colab.types.sound import Caption, Mood, Phoneme, Speech
from lipsync_colab.types.stages import ChainedEngine, Engine, Progress, Restorer, Upscaler

__all__ = [
    "LARGEST_SEED",
    "UNHASHED",
    "Array",
    "Budget",
    "Caption",
    "ChainedEngine",
    "Engine",
    "Face",
    "FrameStream",
    "Image",
    "Mood",
    "Patch",
    "Patches",
    "Phoneme",
    "Portrait",
    "Progress",
    "RenderPlan",
    "RenderResult",
    "RenderSettings",
    "Restorer",
    "Speech",
    "Upscaler",
    "frame_count",
    "plan_digest",
]
