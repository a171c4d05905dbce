"""A row of mouths out of a video: at rest, shut, half open, widest, so that a person sees what the figures mean."""

from __future__ import annotations

import io
from dataclasses import dataclass

import cv2
import numpy as np
from PIL import Image as Picture

from lipsync_colab.report.face_motion import FaceMotion
from lipsync_colab.report.measure import Report
from lipsync_colab.types import Image

SIDE = 240
"""Pixels of each picture."""
REACH = 0.85
"""Eye distances from the mouth's middle to the border."""


@dataclass(frozen=True)
class Still:
    """One picture of the row.

    Attributes:
        title: why it was chosen.
        seconds: where it lies in the video.
        jpeg: the picture's bytes.
    """

    title: str
    seconds: float
    jpeg: bytes


def chosen_frames(motion: FaceMotion) -> dict[int, str]:
    """Return which frames to show and why: first, last, and five from shut to widest, in the order of time."""
    seen = np.flatnonzero(motion.found)
    order = seen[np.argsort(motion.aperture[seen], kind="stable")]
    titles = {0.0: "most shut", 0.5: "median", 0.8: "open", 0.95: "wide", 1.0: "widest"}
    chosen = {int(order[round(share * (len(order) - 1))]): title for share, title in titles.items()}
    chosen = {int(seen[0]): "first", int(seen[-1]): "last"} | chosen
    return dict(sorted(chosen.items()))


def stills(report: Report) -> list[Still]:
    """Take the chosen frames out of the video, by decoding it once more."""
    chosen = chosen_frames(report.motion)
    found: list[Still] = []
    frames = report.video.frames()
    for index, frame in enumerate(frames):
        if index in chosen:
            found.append(
                Still(chosen[index], index / float(report.video.fps), _jpeg(_mouth(frame, report.motion, index)))
            )
        if index >= max(chosen):
            break
    frames.close()  # type: ignore[attr-defined]
    return found


def _mouth(frame: Image, motion: FaceMotion, index: int) -> Image:
    reach = REACH * float(motion.eye_distance[index])
    scale = 2 * reach / SIDE
    left, top = motion.mouth[index] - reach
    matrix = np.array([[scale, 0, left], [0, scale, top - 0.2 * reach]], np.float32)
    flags = cv2.WARP_INVERSE_MAP | (cv2.INTER_AREA if scale > 1 else cv2.INTER_CUBIC)
    return np.asarray(cv2.warpAffine(frame, matrix, (SIDE, SIDE), flags=flags, borderMode=cv2.BORDER_REPLICATE))


def _jpeg(image: Image) -> bytes:
    buffer = io.BytesIO()
    Picture.fromarray(image).save(buffer, "JPEG", quality=88)
    return buffer.getvalue()
