"""SyncNet's row of a report: scored when the weights are on this machine, otherwise what is needed for it."""

from __future__ import annotations

import dataclasses
from collections import deque
from collections.abc import Iterable, Iterator
from typing import Any

import numpy as np

from lipsync_colab.device import has_torch
from lipsync_colab.errors import InputError
from lipsync_colab.portrait import FaceTracker
from lipsync_colab.report.syncnet import at_25, face_crop, missing_weights, open_syncnet, sync_score
from lipsync_colab.report.video import Video
from lipsync_colab.types import Face, Image, Speech

STEADY = 13
"""The box is the median of this many frames, as in the release, so that the crop does not shake."""

Row = tuple[dict[str, Any], str]


def sync_row(video: Video, speech: Speech) -> Row:
    """Return LSE-C, LSE-D and the offset in frames, None each when they cannot be had, and a sentence.

    Args:
        video: with one talking face.
        speech: its sound, 16 kHz mono.
    """
    if not has_torch():
        return _row("LSE-C, LSE-D and the offset need PyTorch: pip install 'lipsync-colab[neural]'")
    reason = missing_weights()
    if reason:
        return _row(reason)
    try:
        with FaceTracker() as tracker:
            score = sync_score(tracked_faces(at_25(video.frames(), video.fps), tracker), speech, open_syncnet())
    except InputError as error:
        return _row(str(error))
    figures = {"lse_c": round(score.confidence, 3), "lse_d": round(score.distance, 3), "lse_offset": score.offset}
    side = "with" if score.offset == 0 else f"{abs(score.offset)} frames {'after' if score.offset > 0 else 'before'}"
    return figures, f"SyncNet sees the lips {side} the sound: LSE-C {score.confidence:.2f}, LSE-D {score.distance:.2f}."


def _row(sentence: str) -> Row:
    return {"lse_c": None, "lse_d": None, "lse_offset": None}, sentence


def tracked_faces(frames: Iterable[Image], tracker: FaceTracker) -> Iterator[Image]:
    """Yield what SyncNet sees of each frame; where no face is found, the place of the last one.

    Raises:
        InputError: there is no face in the first frame.
    """
    boxes: deque[tuple[float, ...]] = deque(maxlen=STEADY)
    face: Face | None = None
    for frame in frames:
        found = tracker.detect(frame, near=face)
        if not found and face is None:
            raise InputError("SyncNet needs a face from the first frame on")
        face = found[0] if found else face
        assert face is not None
        boxes.append(face.box)
        left, top, right, bottom = np.median(np.array(boxes), axis=0).tolist()
        yield face_crop(frame, dataclasses.replace(face, box=(left, top, right, bottom)))
