"""Everything about a talking person that is not the mouth: lids, gaze, brows, head and breath, as a track."""

from __future__ import annotations

from fractions import Fraction

import numpy as np

from lipsync_colab.audio.level import frame_times
from lipsync_colab.engines.viseme.blinking import blink_closure, blink_times
from lipsync_colab.engines.viseme.floats import Floats
from lipsync_colab.engines.viseme.glances import COUNTER_TURN, GAZE_LIMIT, brow_raise, gaze, smile
from lipsync_colab.engines.viseme.motion import CHANNELS, MotionTrack
from lipsync_colab.engines.viseme.prosody import Prosody
from lipsync_colab.engines.viseme.ramp import smoothstep
from lipsync_colab.engines.viseme.sway import HEAD, LIMIT, breath, head_sway
from lipsync_colab.types import Speech

ONSET = 0.5
"""Seconds in which head, brows and gaze set out from the still, so that the first frame is the portrait."""


def add_life(
    track: MotionTrack,
    speech: Speech,
    fps: Fraction,
    *,
    head_motion: float = 1.0,
    expression: float = 1.0,
    blink: float = 1.0,
    still: bool = False,
    seed: int = 0,
) -> MotionTrack:
    """Return the track with the rest of the face and the head moving to the same voice.

    Each amount scales its own channels and no others; what happens when does not depend on the frame rate.

    Args:
        track: the mouth's motion.
        speech: the voice.
        fps: frames per second.
        head_motion: amount of head motion and breath, 0 (exactly none) to 2.
        expression: amount of gaze, brows and smile, 0 (exactly none) to 2.
        blink: how often the eyes blink, 0 (never) to 2 (twice as often).
        still: no head motion and no breath, whatever the amount.
        seed: another seed, another take.
    """
    times = frame_times(fps, len(track))
    prosody = Prosody.of(speech)
    gazing, browing, smiling, swaying, breathing = np.random.default_rng([seed, 2]).spawn(5)
    values = track.values.copy()
    begun = smoothstep(times / ONSET)

    def put(name: str, course: Floats) -> None:
        values[:, CHANNELS.index(name)] = course

    motion = 0.0 if still else head_motion
    head = np.clip(motion * begun[:, None] * head_sway(prosody, times, swaying), -LIMIT, LIMIT)
    usual = blink_times(prosody, 1.0, np.random.default_rng([seed, 1]))
    blinks = usual if blink == 1 else blink_times(prosody, blink, np.random.default_rng([seed, 1]))
    put("blink", blink_closure(blinks, times))
    if motion > 0:
        for name, course in zip(HEAD, head.T, strict=True):
            put(name, course)
        put("breath", motion * breath(prosody, times, breathing))
    if expression > 0:
        turn = head[:, [HEAD.index("yaw"), HEAD.index("pitch")]]
        shifts = expression * begun[:, None] * gaze(prosody, times, usual, gazing)
        looking = np.clip(shifts - min(expression, 1.0) * COUNTER_TURN * turn, -GAZE_LIMIT, GAZE_LIMIT)
        put("gaze_x", looking[:, 0])
        put("gaze_y", looking[:, 1])
        put("brow", np.clip(expression * begun * brow_raise(prosody, times, browing), 0, 1))
        put("smile", np.clip(expression * begun * smile(prosody, times, smiling), -1, 1))
    return MotionTrack(values, track.source)
