"""The invisible watermark of a video, read from frames spread over it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from lipsync_colab.errors import WeightsError
from lipsync_colab.marks import watermark
from lipsync_colab.marks.names import DECODER
from lipsync_colab.report.video import Video, open_video
from lipsync_colab.types import Image
from lipsync_colab.weights.store import Store


def watermark_of(path: Path, fetch: bool = False) -> watermark.Reading | None:
    """Return what is read of a video's mark; None where the decoder is not on this machine.

    Args:
        path: of the video.
        fetch: whether the decoder may be fetched.

    Raises:
        InputError: the file holds no picture.
    """
    store = Store()
    row = store.manifest[DECODER]
    try:
        decoder = store.path_of(DECODER) if fetch else store.inventory.find(row)
    except WeightsError:
        return None
    return None if decoder is None else watermark.read(spread(open_video(path)), decoder)


def spread(video: Video) -> Iterator[Image]:
    """Yield at most ``watermark.FRAMES`` frames, evenly spread over the clip."""
    step = max(1, int(video.seconds * video.fps) // watermark.FRAMES)
    frames = video.frames()
    try:
        taken = 0
        for index, frame in enumerate(frames):
            if index % step == 0:
                yield frame
                taken += 1
            if taken == watermark.FRAMES:
                return
    finally:
        frames.close()  # type: ignore[attr-defined]
