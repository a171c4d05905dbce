"""Sound: a voice, when each of its phonemes is said, how the face feels meanwhile, and what is read of it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from lipsync_colab.types.picture import Array


@dataclass(frozen=True)
class Phoneme:
    """One timed phoneme.

    Attributes:
        symbol: an ARPAbet symbol without stress (``"AA"``, ``"M"``), or ``"SIL"``.
        start: seconds.
        end: seconds, at least ``start``.
        stress: 0 none, 1 primary, 2 secondary.
        word: the word that it belongs to, when known.
    """

    symbol: str
    start: float
    end: float
    stress: int = 0
    word: str = ""


@dataclass(frozen=True)
class Mood:
    """How a face feels for a while.

    Attributes:
        start: seconds; the face changes a little before and after.
        end: seconds.
        tag: ``"happy"``, ``"sad"`` …, ``"emphasis"`` for a stressed word; see :mod:`lipsync_colab.moods`.
        amount: 0 to 2 times what the tag usually does.
        head: amount of head motion meanwhile, a factor.
    """

    start: float
    end: float
    tag: str = "neutral"
    amount: float = 1.0
    head: float = 1.0


@dataclass(frozen=True)
class Caption:
    """A line or two to read.

    Attributes:
        start: seconds.
        end: seconds.
        text: lines separated by newlines.
    """

    start: float
    end: float
    text: str


@dataclass(frozen=True, eq=False)
class Speech:
    """A voice as the engines hear it.

    Attributes:
        samples: float32 (N,), mono, in [-1, 1]; may be a read-only memory map for long audio.
        rate: samples per second (16,000 from :mod:`lipsync_colab.audio`).
        track: the original file, for muxing; None when the samples are all there is.
        phonemes: timed phonemes where the speech came with exact ones (our own synthesis), or None.
        text: what is said, when known.
        moods: how the face feels while it speaks.
    """

    samples: Array
    rate: int
    track: Path | None = None
    phonemes: tuple[Phoneme, ...] | None = None
    text: str = ""
    moods: tuple[Mood, ...] = ()

    @property
    def seconds(self) -> float:
        """Length in seconds."""
        return len(self.samples) / self.rate
