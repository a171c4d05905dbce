"""What is said to the gates: our own synthesis, whose phonemes' times are known, with a pause in the middle."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable
from fractions import Fraction
from pathlib import Path

import numpy as np

from lipsync_colab.audio.level import frame_times
from lipsync_colab.audio.voicing import voiced_gate
from lipsync_colab.audio.wav import write_wav
from lipsync_colab.bench.gates.gate import Gate
from lipsync_colab.engines.viseme.engine import speaking_track
from lipsync_colab.engines.viseme.motion import MotionTrack
from lipsync_colab.engines.viseme.mouth import Mouth
from lipsync_colab.engines.viseme.track import heard_mouth, track_of
from lipsync_colab.narrate.voice import speak
from lipsync_colab.phonemes.arpabet import CLOSURES, VOWELS
from lipsync_colab.types import Array, Phoneme, RenderPlan, Speech

LINES = (
    "Bob may buy my big map. We move, pause, and open the map again.",
    "Papa brought a pumpkin to the market. Many boys prefer warm apple pie, maybe before lunch.",
)
PAUSE = 1.2
"""Seconds of silence between the lines."""
QUIET = 1e-4
"""Noise in the pause, as every recording has."""
SHUT = 0.03
"""Eye distances between the inner lips below which a landmark model sees a closed mouth."""
SETTLED = 0.25
"""Seconds of a pause at either end in which lips may still close or already open."""


@dataclasses.dataclass(frozen=True, eq=False)
class Line:
    """A voice with known phonemes and one known pause.

    Attributes:
        speech: 16 kHz, with a file to mux.
        pause: its first and last second.
    """

    speech: Speech
    pause: tuple[float, float]

    @property
    def raw(self) -> Speech:
        """The sound alone."""
        return dataclasses.replace(self.speech, phonemes=None, text="")

    @property
    def first(self) -> Speech:
        """What is said before the pause, and the pause."""
        speech = self.speech
        samples = speech.samples[: round((self.pause[1] + SETTLED) * speech.rate)]
        spoken = tuple(phoneme for phoneme in speech.phonemes or () if phoneme.end <= self.pause[0])
        return dataclasses.replace(speech, samples=samples, phonemes=spoken, text=LINES[0], track=None)


def spoken(folder: Path, voice: str, seconds: float = 10.0) -> Line:
    """Speak the lines with a pause between them and cut after some seconds.

    Args:
        folder: where the sound's file is written.
        voice: of :func:`lipsync_colab.narrate.voice.available_voices`.
        seconds: of sound, at most.
    """
    parts = [speak(text, voice=voice, path=folder / f"{voice}.wav") for text in LINES]
    rate = parts[0].rate
    silence = (QUIET * np.random.default_rng(0).normal(size=round(PAUSE * rate))).astype(np.float32)
    samples = np.concatenate([parts[0].samples, silence, parts[1].samples])[: round(seconds * rate)]
    later = parts[0].seconds + PAUSE
    phonemes = [*_moved(parts[0].phonemes or (), 0.0), *_moved(parts[1].phonemes or (), later)]
    whole = tuple(phoneme for phoneme in phonemes if phoneme.end <= len(samples) / rate)
    track = write_wav(folder / f"{voice}_gates.wav", samples, rate)
    speech = Speech(samples, rate, track, whole, " ".join(LINES))
    last = max((phoneme.end for phoneme in parts[0].phonemes or ()), default=0.0)
    return Line(speech, (last + SETTLED, later - SETTLED))


def _moved(phonemes: Iterable[Phoneme], seconds: float) -> list[Phoneme]:
    return [dataclasses.replace(one, start=one.start + seconds, end=one.end + seconds) for one in phonemes]


def closures(opening: Array, phonemes: Iterable[Phoneme], fps: Fraction) -> float:
    """Return at which share of m, b and p the lips are closed in some frame; NaN when none is said."""
    hits = []
    for phoneme in phonemes:
        if phoneme.symbol in CLOSURES:
            first, last = int(phoneme.start * fps), int(np.ceil(phoneme.end * fps))
            hits.append(np.nanmin(opening[first : last + 1], initial=1.0) < SHUT)
    return float(np.mean(hits)) if hits else float("nan")


def vowel_frames(phonemes: Iterable[Phoneme], fps: Fraction, frames: int) -> np.ndarray:
    """Return the indices of frames whose centre lies in a vowel."""
    times = (np.arange(frames) + 0.5) / float(fps)
    spans = [(one.start, one.end) for one in phonemes if one.symbol in VOWELS]
    return np.flatnonzero(np.any([(times >= start) & (times < end) for start, end in spans], axis=0))


def within(span: tuple[float, float], fps: Fraction) -> slice:
    """Return the frames that lie whole in a span of seconds."""
    return slice(int(np.ceil(span[0] * fps)), int(span[1] * fps))


def openings(mouth: Mouth, track: MotionTrack) -> Array:
    """Return how far a track wants the lips apart in the picture, float32 (frames,) in the picture's eye distances."""
    scale = 1 / mouth.facing.unit
    heights = []
    for frame in range(len(track)):
        shape = mouth.lips.pose(track.pose(frame))
        middle = mouth.facing.picture(np.stack([shape.inner_upper[5], shape.inner_lower[5]]))
        heights.append(np.linalg.norm(middle[1] - middle[0]) * scale)
    return np.array(heights, np.float32)


def sound_gates(line: Line, voice: str, plan: RenderPlan, mouth: Mouth) -> list[Gate]:
    """Return what the engine makes of a recording without its text: by the words that are heard, and by sound alone."""
    gates: list[Gate] = []
    for kind, track in (("raw", speaking_track(line.raw, plan)), ("unread", unread_track(line.raw, plan))):
        opening = openings(mouth, track)
        motion = np.abs(np.diff(opening))
        pause = within(line.pause, plan.rate)
        found = closures(opening, line.speech.phonemes or (), plan.rate)
        still = float(motion[pause].mean() / motion[: pause.start].mean())
        gates += [Gate(voice, "", f"{kind} closures", found), Gate(voice, "", f"{kind} silence", still)]
    return gates


def unread_track(speech: Speech, plan: RenderPlan) -> MotionTrack:
    """Return the mouth by the sound alone, as it is where no words are made out."""
    return track_of(*heard_mouth(speech, voiced_gate(speech), frame_times(plan.rate, plan.frames)))
