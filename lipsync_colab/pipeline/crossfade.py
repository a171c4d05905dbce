"""One scene's last frames over into the next one's first, composed by moviepy frame by frame."""

from __future__ import annotations

import contextlib
import importlib.util
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path

import numpy as np

from lipsync_colab.encode import Encoding, SegmentWriter
from lipsync_colab.errors import MachineError
from lipsync_colab.types import Image


def check_moviepy() -> None:
    """Refuse a cross-fade where it cannot be composed.

    Raises:
        MachineError: moviepy is missing, or the old one that Colab preloads is imported.
    """
    remedy = "pip install 'moviepy>=2.1.2,<3' (Colab: then Runtime → Restart session), or use cuts"
    if importlib.util.find_spec("moviepy") is None:
        raise MachineError(f"a cross-fade needs moviepy: {remedy}")
    if importlib.util.find_spec("moviepy.video.fx") is None:
        raise MachineError(f"a cross-fade needs moviepy: {remedy}")
    try:
        from moviepy.video.fx import CrossFadeIn  # noqa: F401
    except ImportError as error:
        raise MachineError(f"a cross-fade needs a newer moviepy: {remedy}") from error


def crossfaded(before: Path, after: Path, frames: int, fps: Fraction) -> Iterator[Image]:
    """Yield the frames of a cross-fade, uint8 (H, W, 3) RGB; frame i shows (i + ½) / frames of what comes.

    Args:
        before: a silent video of that many frames.
        after: likewise, of the same size.
        frames: of each.
        fps: of each.
    """
    from moviepy import CompositeVideoClip, VideoFileClip
    from moviepy.video.fx import CrossFadeIn

    seconds = float(frames / fps)
    with contextlib.ExitStack() as stack:
        clips = [stack.enter_context(VideoFileClip(str(path), audio=False)) for path in (before, after)]
        going, coming = (clip.with_duration(seconds) for clip in clips)
        # The coming picture lies over the going one, and its mask rises from 0 to 1.
        scene = CompositeVideoClip([going, coming.with_effects([CrossFadeIn(seconds)])])
        stack.callback(scene.close)
        for frame in range(frames):
            yield np.ascontiguousarray(scene.get_frame((frame + 0.5) / float(fps)), np.uint8)


def write_crossfade(before: Path, after: Path, frames: int, fps: Fraction, encoding: Encoding, path: Path) -> None:
    """Write a cross-fade as one more segment.

    Raises:
        RenderError: ffmpeg failed.
        MachineError: the disk is full.
    """
    faded = crossfaded(before, after, frames, fps)
    with contextlib.closing(faded):  # type: ignore[type-var]
        first = next(faded)
        with SegmentWriter(path, (first.shape[1], first.shape[0]), fps, encoding) as writer:
            writer.write(first)
            for frame in faded:
                writer.write(frame)
