"""The embedded engine as the pipeline sees it."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
from viseme_portraits import portrait

from lipsync_colab.engines.viseme.engine import VisemeEngine
from lipsync_colab.engines.viseme.motion import CHANNELS, MotionTrack
from lipsync_colab.types import Patches, RenderPlan, RenderSettings, Speech

FRAMES = 12
SPEECH = Speech(np.zeros(8000, np.float32), 16000)


def plan(**settings: object) -> RenderPlan:
    chosen = RenderSettings(**settings)  # type: ignore[arg-type]
    return RenderPlan(chosen, "viseme", "", "", 640, 640, "25", FRAMES, 250)


def nodding(speech: Speech, plan: RenderPlan) -> MotionTrack:
    """A track on which everything moves."""
    values = np.zeros((plan.frames, len(CHANNELS)), np.float32)
    wave = np.sin(np.arange(plan.frames) / 3)
    for name, amount in (("jaw", 0.5), ("round", 0.4), ("blink", 1.0)):
        values[:, CHANNELS.index(name)] = amount * np.abs(wave)
    values[:, CHANNELS.index("pitch")] = 0.02 * wave
    return MotionTrack(values, "energy")


def same(one: Patches, other: Patches) -> bool:
    pairs = zip(one, other, strict=True)
    return all(np.array_equal(a.pixels, b.pixels) and np.array_equal(a.transform, b.transform) for a, b in pairs)


def test_stream_tells_its_clip() -> None:
    stream = VisemeEngine(nodding).animate(portrait("hopper"), SPEECH, plan())
    assert (stream.size, stream.fps, stream.total) == ((640, 640), Fraction(25), FRAMES)
    assert len(list(stream)) == FRAMES


def test_frame_does_not_depend_on_the_start() -> None:
    still = portrait("astronaut")
    whole = list(VisemeEngine(nodding).animate(still, SPEECH, plan()))
    late = list(VisemeEngine(nodding).animate(still, SPEECH, plan(), start=7))
    assert len(late) == FRAMES - 7
    assert all(same(one, other) for one, other in zip(whole[7:], late, strict=True))


def test_silence_leaves_a_closed_mouth_alone() -> None:
    engine = VisemeEngine()
    for patches in engine.animate(portrait("hopper"), SPEECH, plan(head_motion=0.0, blink=0.0, expression=0.0)):
        assert patches == ()
    assert engine.track is not None
    assert len(engine.track) == FRAMES
