"""The figures of one talking-head video, ours or anybody's, with a plain sentence for each."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from lipsync_colab.audio import load_speech
from lipsync_colab.audio.level import SpeechGate, frame_times
from lipsync_colab.engines.viseme.motion import MotionTrack
from lipsync_colab.engines.viseme.track import mouth_track
from lipsync_colab.errors import InputError
from lipsync_colab.phonemes.source import timed_phonemes
from lipsync_colab.portrait import FaceTracker
from lipsync_colab.report.face_motion import FaceMotion, face_motion
from lipsync_colab.report.lag import Lag, lag
from lipsync_colab.report.picture import PictureMeter
from lipsync_colab.report.sync_row import sync_row
from lipsync_colab.report.video import Video, open_video
from lipsync_colab.types import Array, Image, Phoneme, Speech

SHUT = 0.03
"""Eye distances between the inner lips below which a mouth counts as closed."""
WELL_INSIDE = 0.02
"""A gate more open than this is speech; exactly 0 is silence."""


@dataclass(frozen=True, eq=False)
class Report:
    """What was measured.

    Attributes:
        video: the file.
        figures: name to number (or None where nothing could be measured).
        sentences: one for each figure that a person should read.
        motion: the face in each frame.
        expected: float32 (frames,), how open the mouth should be by the sound, in [0, 1].
        lag: of the lips behind the sound.
    """

    video: Video
    figures: dict[str, Any]
    sentences: tuple[str, ...]
    motion: FaceMotion
    expected: Array
    lag: Lag

    def to_json(self) -> dict[str, Any]:
        """Return the figures and sentences as plain JSON values."""
        return {"video": self.video.path.name, "figures": self.figures, "sentences": list(self.sentences)}


def measure(path: Path, text: str = "") -> Report:
    """Measure a video.

    Args:
        path: mp4, mov, mkv or webm with sound.
        text: what is said, when known: closures are then counted on forced alignment.

    Raises:
        InputError: no picture, no sound, or no face in it.
    """
    video = open_video(path)
    if not video.sound:
        raise InputError(f"'{path.name}' has no sound; lips can only be measured against a voice")
    speech = load_speech(path, text)
    meter = PictureMeter()
    with FaceTracker() as tracker:
        motion = face_motion(_watched(video, meter, tracker), tracker)
    if not motion.found.any():
        raise InputError(f"no face was found in any of the {len(motion)} frames of '{path.name}'")
    return _judge(video, speech, motion, meter)


def _watched(video: Video, meter: PictureMeter, tracker: FaceTracker) -> Iterator[Image]:
    """Yield the frames; every fifth is measured by the meter on its way."""
    for index, frame in enumerate(meter.watch(video.frames())):
        if index % 5 == 0:
            faces = tracker.detect(frame)
            meter.add(frame, faces[0] if faces else None)
        yield frame


def _judge(video: Video, speech: Speech, motion: FaceMotion, meter: PictureMeter) -> Report:
    frames = len(motion)
    track = mouth_track(speech, video.fps, frames, 1.0, speech.text)
    expected = opening_of(track)
    found = lag(motion.aperture, expected)
    gate = SpeechGate.of(speech).opening(frame_times(video.fps, frames))
    phonemes, source = timed_phonemes(speech, speech.text)
    figures: dict[str, Any] = {
        "frames": frames,
        "fps": str(video.fps),
        "seconds": round(frames / float(video.fps), 3),
        "sound_seconds": round(speech.seconds, 3),
        "length_difference_frames": round(frames - speech.seconds * float(video.fps), 2),
        "faces_found": round(float(motion.found.mean()), 4),
        "lag_frames": _number(found.frames),
        "lag_ms": _number(1000 * found.frames / float(video.fps)),
        "lag_correlation": _number(found.correlation),
        "motion_in_silence": _number(motion_in_silence(motion.aperture, gate)),
        "articulation": _number(articulation(motion.aperture)),
        "mouth_expected_from": track.source,
        "phonemes_from": source,
        "closures": _number(closures(motion.aperture, phonemes, float(video.fps))),
        "mouth_sharpness": _number(float(np.nanmedian(meter.sharpness)) if meter.sharpness else math.nan),
        "flicker_levels": _number(float(np.nanmedian(meter.flicker)) if meter.flicker else math.nan),
    }
    sync, sentence = sync_row(video, speech)
    return Report(video, figures | sync, (*sentences(figures), sentence), motion, expected, found)


def expected_opening(speech: Speech, video: Video, frames: int) -> Array:
    """Return how open the mouth should be at each frame by the sound, float32 (frames,), in no unit."""
    return opening_of(mouth_track(speech, video.fps, frames, 1.0, speech.text))


def opening_of(track: MotionTrack) -> Array:
    """Return how open a track's mouth is at each frame, float32 (frames,), in no unit."""
    open_lips = track.channel("jaw") + 0.3 * track.channel("lower") + 0.25 * track.channel("upper")
    return open_lips * (1 - track.channel("press"))


def motion_in_silence(aperture: Array, gate: Array) -> float:
    """Return how much the lips move where nothing is said, over how much they move where something is."""
    steps = np.abs(np.diff(aperture))
    silent = (gate[1:] == 0) & (gate[:-1] == 0)
    speaking = (gate[1:] > WELL_INSIDE) & (gate[:-1] > WELL_INSIDE)
    if not (silent & np.isfinite(steps)).any() or not (speaking & np.isfinite(steps)).any():
        return math.nan
    moving = float(np.nanmean(steps[speaking]))
    return float(np.nanmean(steps[silent])) / moving if moving > 0 else math.nan


def articulation(aperture: Array) -> float:
    """Return the range of the opening, 10th to 90th percentile, in eye distances; people reach 0.08 to 0.25."""
    seen = aperture[np.isfinite(aperture)]
    return float(np.percentile(seen, 90) - np.percentile(seen, 10))


def closures(aperture: Array, phonemes: tuple[Phoneme, ...], fps: float) -> float:
    """Return the share of m, b and p in which the lips are seen shut; NaN where none is known."""
    hits = []
    for phoneme in phonemes:
        if phoneme.symbol in ("M", "B", "P"):
            span = aperture[max(0, int(phoneme.start * fps) - 1) : math.ceil(phoneme.end * fps) + 1]
            if np.isfinite(span).any():
                hits.append(float(np.nanmin(span)) < SHUT)
    return float(np.mean(hits)) if hits else math.nan


def _number(value: float) -> float | None:
    return round(value, 4) if math.isfinite(value) else None


def sentences(figures: dict[str, Any]) -> tuple[str, ...]:
    """Return what the figures mean, in plain words."""
    said: list[str] = []
    late, correlation = figures["lag_ms"], figures["lag_correlation"]
    if correlation is None or correlation < 0.2:
        said.append("The lips do not follow the sound: no shift makes them agree.")
    elif abs(figures["lag_frames"]) <= 1:
        said.append(f"Lips and sound agree within a frame (lag {late:.0f} ms, r {correlation:.2f}).")
    else:
        side = "behind" if late > 0 else "ahead of"
        said.append(f"The lips are {abs(late):.0f} ms {side} the sound (r {correlation:.2f}).")
    if figures["motion_in_silence"] is not None:
        share = figures["motion_in_silence"]
        said.append(f"In silence the mouth moves {100 * share:.0f} % as much as in speech (people: about 0).")
    if figures["closures"] is not None:
        said.append(f"The lips are shut at {100 * figures['closures']:.0f} % of m, b and p.")
    said.append(f"The opening ranges over {figures['articulation']:.2f} eye distances (people: 0.08 to 0.25).")
    if abs(figures["length_difference_frames"]) > 1:
        said.append(f"Picture and sound differ by {figures['length_difference_frames']:.1f} frames in length.")
    return tuple(said)
