"""The embedded engine: phonemes move the portrait's own pixels; no weights, no GPU."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from lipsync_colab.device import one_blas_thread
from lipsync_colab.engines.viseme.feeling import add_feeling
from lipsync_colab.engines.viseme.life import add_life
from lipsync_colab.engines.viseme.motion import MotionTrack
from lipsync_colab.engines.viseme.rig import FaceRig
from lipsync_colab.engines.viseme.track import mouth_track
from lipsync_colab.types import FrameStream, Patches, Portrait, RenderPlan, Speech

TrackMaker = Callable[[Speech, RenderPlan], MotionTrack]


def speaking_track(speech: Speech, plan: RenderPlan) -> MotionTrack:
    """Return how a face moves that says a speech, every channel at every frame of a plan."""
    settings = plan.settings
    mouth = mouth_track(speech, plan.rate, plan.frames, settings.expression, settings.text or speech.text)
    track = add_life(
        mouth,
        speech,
        plan.rate,
        head_motion=settings.head_motion,
        expression=settings.expression,
        blink=settings.blink,
        still=settings.still,
        seed=settings.seed,
    )
    amount = 0.0 if settings.still else settings.head_motion
    return add_feeling(track, plan.moods, plan.rate, expression=settings.expression, head_motion=amount)


class VisemeEngine:
    """Poses the finished still frame by frame.

    Args:
        track_maker: speech and plan to motion, for animating by something else than the speech.

    Attributes:
        track: the motion of the last clip, for reports; None before the first.
    """

    def __init__(self, track_maker: TrackMaker = speaking_track) -> None:
        self._track_maker = track_maker
        self.track: MotionTrack | None = None

    def animate(self, portrait: Portrait, speech: Speech, plan: RenderPlan, start: int = 0) -> FrameStream[Patches]:
        """Yield the patches of frames ``start`` to ``plan.frames - 1``.

        Args:
            portrait: the finished still at output size, with the face's mesh on it.
            speech: mono at 16 kHz.
            plan: size, rate, length and amounts of motion.
            start: first frame; a frame does not depend on where the stream began.

        Raises:
            InputError: the face is turned or tilted too far.
        """
        with one_blas_thread():
            rig = FaceRig(portrait)
            track = self._track_maker(speech, plan)
        self.track = track
        return FrameStream(_frames(rig, track, start, plan.frames), plan.size, plan.rate, plan.frames)


def _frames(rig: FaceRig, track: MotionTrack, start: int, end: int) -> Iterator[Patches]:
    for frame in range(start, end):
        yield rig.render(track.pose(frame))
