"""One scene's last frames over into the next one's first, composed by moviepy frame by frame."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np

from lipsync_colab.encode import Encoding, SegmentWriter
from lipsync_colab.errors import MachineError
from lipsync_colab.types import Image


def check_moviepy() -> None:
    """Refuse a cross-fade where it cannot be composed.

    Raises:
        MachineError: moviepy is missing, or older than 1.0.3.
    """
    try:
        _tools()
    except ImportError as error:
        raise MachineError(
            f"a cross-fade needs moviepy ({error}): pip install 'moviepy>=1.0.3,<3', or use cuts"
        ) from error


def _tools() -> tuple[Any, Any, Callable[[Any, float], Any]]:
    """Return what opens a file, what composes clips, and what fades one in: moviepy 1.0.3 (Colab's) or 2.

    The narrow modules are taken: ``moviepy.editor`` of 1.0.3 starts what shows windows.
    """
    from moviepy.video.compositing.CompositeVideoClip import CompositeVideoClip
    from moviepy.video.io.VideoFileClip import VideoFileClip

    return VideoFileClip, CompositeVideoClip, _new_fade() or _old_fade()


def _new_fade() -> Callable[[Any, float], Any] | None:
    try:
        from moviepy.video.fx import CrossFadeIn
    except ImportError:
        return None
    return lambda clip, seconds: clip.with_effects([CrossFadeIn(seconds)])


def _old_fade() -> Callable[[Any, float], Any]:
    from moviepy.video.compositing.transitions import crossfadein

    fade: Callable[[Any, float], Any] = crossfadein
    return fade


def crossfaded(before: Path, after: Path, frames: int, fps: Fraction) -> Iterator[Image]:
    """Yield the frames of a cross-fade, uint8 (H, W, 3) RGB; frame i shows (i + ½) / frames of what comes.

    Args:
        before: a silent video of that many frames.
        after: likewise, of the same size.
        frames: of each.
        fps: of each.
    """
    opened, composed, fade_in = _tools()
    seconds = float(frames / fps)
    with contextlib.ExitStack() as stack:
        clips = [stack.enter_context(opened(str(path), audio=False)) for path in (before, after)]
        going, coming = (_lasting(clip, seconds) for clip in clips)
        # The coming picture lies over the going one, and its mask rises from 0 to 1.
        scene = composed([going, fade_in(coming, seconds)])
        stack.callback(scene.close)
        for frame in range(frames):
            yield np.ascontiguousarray(scene.get_frame((frame + 0.5) / float(fps)), np.uint8)


def _lasting(clip: Any, seconds: float) -> Any:
    """Return the clip with that length: its header may tell a frame more or less."""
    return clip.with_duration(seconds) if hasattr(clip, "with_duration") else clip.set_duration(seconds)


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
