"""The loop that the engine is measured against is the release's own: its golden frames come out."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest
import soundfile
from golden import PARITY, Golden

torch = pytest.importorskip("torch")

from lipsync_colab import networks  # noqa: E402
from lipsync_colab.bench.wav2lip_release import ReleaseLoop  # noqa: E402
from lipsync_colab.engines.wav2lip.windows import MelWindows  # noqa: E402


def test_golden_frames_come_out_of_the_loop() -> None:
    with np.load(PARITY / "wav2lip" / "pipeline.npz") as stored:
        image, (top, bottom, left, right) = stored["image_bgr"], (int(edge) for edge in stored["box_tblr"])
        indices, expected = stored["frame_index"][:-1], stored["frames_crop_bgr"]
    samples = soundfile.read(PARITY.parent / "audio" / "golden_2s_16k.wav", dtype="float32")[0]
    windows = MelWindows(samples, Fraction(25))
    mel = np.concatenate([windows.stack(int(index), 1) for index in indices])
    generator = Golden("wav2lip").load_into(networks.build("wav2lip"))
    loop = ReleaseLoop(generator, networks.build("s3fd"))
    frames = loop.paste([image] * len(indices), [(top, bottom, left, right)] * len(indices), mel)
    outside = np.ones(image.shape[:2], bool)
    outside[top:bottom, left:right] = False
    for frame, golden in zip(frames, expected, strict=False):
        assert np.abs(frame[top:bottom, left:right].astype(int) - golden).max() <= 1
        assert np.array_equal(frame[outside], image[outside])


def test_the_loop_detects_in_every_frame() -> None:
    golden = Golden("s3fd")
    loop = ReleaseLoop(networks.build("wav2lip"), golden.load_into(networks.build("s3fd")))
    found = loop.detect([golden.io["image_uint8"]] * 2)
    assert len(found) == 2 and np.array_equal(found[0], found[1]) and len(found[0])
