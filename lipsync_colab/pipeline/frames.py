"""Finished frames in their order, and how far they are."""

from __future__ import annotations

import threading
from collections.abc import Iterator

from lipsync_colab import stream
from lipsync_colab.device import one_opencv_thread
from lipsync_colab.engines.registry import ENGINES, get_engine
from lipsync_colab.finish.caption_plate import CaptionPlate
from lipsync_colab.finish.compose import Composer
from lipsync_colab.finish.label import Label
from lipsync_colab.pipeline.finishing import colour_matched, finished_patches
from lipsync_colab.types import Engine, Image, Patches, Portrait, Progress, RenderPlan, Speech

AHEAD = 4
"""Frames' patches that wait between the thread that draws and the one that encodes."""


class FrameCount:
    """Tells how many frames there are: those that are written or, where an engine draws many together, those drawn.

    Args:
        progress: told ``("frames", done, total)`` from either thread, never less than before.
        total: frames of the video.
    """

    def __init__(self, progress: Progress, total: int) -> None:
        self._progress, self._total = progress, total
        self._told, self._lock = 0, threading.Lock()

    def reach(self, frames: float) -> None:
        """Tell of this many frames, if they are more than were told of.

        Args:
            frames: from the video's start; the part of a frame that is left over counts for nothing.
        """
        with self._lock:
            done = min(int(frames), self._total)
            if done > self._told:
                self._told = done
                self._progress("frames", done, self._total)


def frame_stream(
    still: Portrait,
    speech: Speech,
    plan: RenderPlan,
    start: int = 0,
    cancel: threading.Event | None = None,
    engine: Engine | None = None,
) -> Iterator[Image]:
    """Yield finished frames from ``start`` on; each is valid until the next is asked for.

    Patches are drawn in a thread of their own, ``AHEAD`` frames ahead at most; the caller's thread composes.
    """
    label = Label(plan.size) if plan.settings.label else None
    plate = CaptionPlate(plan.size, plan.captions, plan.rate, still.face.mesh) if plan.captions else None
    composer = Composer(still.image)
    engine = engine or get_engine(plan.engine)

    def drawn(first: int) -> Iterator[Patches]:
        return stream.cancellable(engine.animate(still, speech, plan, first), cancel)

    own = ENGINES[plan.engine].matches_colour
    patches = drawn(start) if own else colour_matched(still, drawn, start)
    patches = finished_patches(patches, plan, still)
    waiting = stream.prefetch(patches, AHEAD)
    try:
        with one_opencv_thread():
            for index, frame_patches in enumerate(waiting, start):
                frame = composer.frame(frame_patches)
                if label is not None:
                    composer.drawn(*label.draw(frame))
                if plate is not None and (box := plate.draw(frame, index)) is not None:
                    composer.drawn(*box)
                yield frame
    finally:
        stream.close(waiting)


def shown_frame(plan: RenderPlan, share: float) -> int:
    """Return the frame that stands for a clip: that at a share of its length, the first where all before it are needed.

    Args:
        plan: of the clip.
        share: 0 to 1.
    """
    return 0 if ENGINES[plan.engine].chained else int(share * (plan.frames - 1) + 0.5)
