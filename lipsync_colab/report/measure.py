"""The figures of one talking-head video, ours or anybody's."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
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
from lipsync_colab.portrait import FaceTracker, load_portrait
from lipsync_colab.report.chance import chance_closures, chance_correlation
from lipsync_colab.report.face_motion import FaceMotion, face_motion
from lipsync_colab.report.lag import Lag, lag
from lipsync_colab.report.loudness import track_loudness
from lipsync_colab.report.marks_row import marks_row
from lipsync_colab.report.picture import PictureMeter, portrait_sharpness
from lipsync_colab.report.readings import Reading, readings
from lipsync_colab.report.sync_row import sync_row
from lipsync_colab.report.video import Video, open_video
from lipsync_colab.types import Array, Image, Phoneme, Speech

SHUT = 0.03
"""Eye distances between the inner lips below which a mouth counts as closed."""
WELL_INSIDE = 0.02
"""A gate more open than this is speech; exactly 0 is silence."""
SAMPLED = 5
"""Sharpness and flicker are taken from every fifth frame."""


@dataclass(frozen=True, eq=False)
class Report:
    """What was measured.

    Attributes:
        video: the file.
        figures: name to number (or None where nothing could be measured).
        readings: the figures that a person should read, each with what others give and a plain sentence.
        motion: the face in each frame.
        expected: float32 (frames,), how open the mouth should be by the sound, in [0, 1].
        gate: float32 (frames,), where there is speech, in [0, 1].
        lag: of the lips behind the sound.
        meter: sharpness and flicker, with the frames that they were measured in.
        speech: what is heard, 16 kHz mono.
        phonemes: as the sound has them; empty where they could not be found.
    """

    video: Video
    figures: dict[str, Any]
    readings: tuple[Reading, ...]
    motion: FaceMotion
    expected: Array
    gate: Array
    lag: Lag
    meter: PictureMeter
    speech: Speech
    phonemes: tuple[Phoneme, ...]

    @property
    def sentences(self) -> tuple[str, ...]:
        """What the figures mean, in plain words."""
        return tuple(reading.sentence for reading in self.readings)

    def to_json(self) -> dict[str, Any]:
        """Return the figures and sentences as plain JSON values."""
        return {"video": self.video.path.name, "figures": self.figures, "sentences": list(self.sentences)}


def measure(path: Path, text: str = "", portrait: Path | None = None) -> Report:
    """Measure a video.

    Args:
        path: mp4, mov, mkv or webm with sound.
        text: what is said, when known: closures are then counted on forced alignment.
        portrait: the picture that it was made of, when known: its sharpness is then what the mouth's is held against.

    Raises:
        InputError: no picture, no sound, or no face in it.
    """
    video = open_video(path)
    if not video.sound:
        raise InputError(f"'{path.name}' has no sound; lips can only be measured against a voice")
    still = None if portrait is None else load_portrait(portrait)
    speech = load_speech(path, text)
    meter = PictureMeter()
    with FaceTracker() as tracker:
        motion = face_motion(_watched(video, meter, tracker), tracker)
    if not motion.found.any():
        raise InputError(f"no face was found in any of the {len(motion)} frames of '{path.name}'")
    extra = {} if still is None else {"portrait_sharpness": _portrait_sharpness(still, motion)}
    return judge(video, speech, motion, meter, extra)


def _portrait_sharpness(still: Any, motion: FaceMotion) -> float | None:
    return _number(portrait_sharpness(still, float(np.nanmedian(motion.eye_distance))))


def _watched(video: Video, meter: PictureMeter, tracker: FaceTracker) -> Iterator[Image]:
    """Yield the frames; every fifth is measured by the meter on its way."""
    for index, frame in enumerate(meter.watch(video.frames())):
        if index % SAMPLED == 0:
            faces = tracker.detect(frame)
            meter.add(frame, faces[0] if faces else None)
        yield frame


def judge(
    video: Video, speech: Speech, motion: FaceMotion, meter: PictureMeter, extra: dict[str, Any] | None = None
) -> Report:
    """Hold a face's motion against a voice.

    Args:
        video: the file that both are of.
        speech: 16 kHz mono, with its text where that is known.
        motion: of every frame.
        meter: fed with the same frames.
        extra: figures that were measured already.
    """
    frames = len(motion)
    track = mouth_track(speech, video.fps, frames, 1.0, speech.text)
    expected = opening_of(track)
    found = lag(motion.aperture, expected)
    gate = SpeechGate.of(speech).opening(frame_times(video.fps, frames))
    phonemes, source = timed_phonemes(speech, speech.text)
    spans = closure_spans(phonemes, float(video.fps))
    loud = track_loudness(video.path)
    sync, sync_said = sync_row(video, speech)
    figures: dict[str, Any] = {
        **_accounting(video, speech, motion, meter),
        "lag_frames": _number(found.frames),
        "lag_ms": _number(1000 * found.frames / float(video.fps)),
        "lag_correlation": _number(found.correlation),
        "chance_correlation": _number(chance_correlation(motion.aperture, expected)),
        "motion_in_silence": _number(motion_in_silence(motion.aperture, gate)),
        "articulation": _number(articulation(motion.aperture)),
        "mouth_expected_from": track.source,
        "phonemes_from": source,
        "closures": _number(closures(motion.aperture, phonemes, float(video.fps))),
        "closures_asked": len(spans),
        "chance_closures": _number(chance_closures(motion.aperture, spans, SHUT)),
        "mouth_sharpness": _median(meter.sharpness),
        "portrait_sharpness": None,
        "flicker_levels": _median(meter.flicker),
        "loudness_lufs": _number(loud.integrated),
        "true_peak_dbfs": _number(loud.peak),
        **(extra or {}),
        **sync,
        **marks_row(video.path),
    }
    return Report(video, figures, readings(figures, sync_said), motion, expected, gate, found, meter, speech, phonemes)


def _accounting(video: Video, speech: Speech, motion: FaceMotion, meter: PictureMeter) -> dict[str, Any]:
    """Return how many frames there are, how long they and the sound last, and in how many a face was found."""
    frames, rate = len(motion), float(video.fps)
    return {
        "frames": frames,
        "fps": str(video.fps),
        "width": video.size[0],
        "height": video.size[1],
        "seconds": round(frames / rate, 3),
        "container_seconds": video.seconds or None,
        "sound_seconds": round(speech.seconds, 3),
        "length_difference_frames": round(frames - speech.seconds * rate, 2),
        "repeated_frames": meter.repeated,
        "faces_found": round(float(motion.found.mean()), 4),
    }


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


def closure_spans(phonemes: Sequence[Phoneme], fps: float) -> list[tuple[int, int]]:
    """Return the frames, first and last (exclusive), in which the lips should be seen shut once: at m, b and p."""
    return [
        (max(0, int(phoneme.start * fps) - 1), math.ceil(phoneme.end * fps) + 1)
        for phoneme in phonemes
        if phoneme.symbol in ("M", "B", "P")
    ]


def closures(aperture: Array, phonemes: Sequence[Phoneme], fps: float) -> float:
    """Return the share of m, b and p in which the lips are seen shut; NaN where none is known."""
    spans = [aperture[first:last] for first, last in closure_spans(phonemes, fps)]
    hits = [float(np.nanmin(span)) < SHUT for span in spans if np.isfinite(span).any()]
    return float(np.mean(hits)) if hits else math.nan


def _number(value: float) -> float | None:
    return round(value, 4) if math.isfinite(value) else None


def _median(values: Sequence[float]) -> float | None:
    seen = [value for value in values if math.isfinite(value)]
    return _number(float(np.median(seen))) if seen else None
