"""Videos as streams: size, exact rate, every frame, and refusals."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest

from lipsync_colab.encode import Encoding, SegmentWriter
from lipsync_colab.errors import InputError
from lipsync_colab.report.video import exact_rate, open_video


@pytest.mark.parametrize(
    ("shown", "rate"),
    [
        (25.0, Fraction(25)),
        (29.97, Fraction(30000, 1001)),
        (23.98, Fraction(24000, 1001)),
        (12.5, Fraction(25, 2)),
        (59.94, Fraction(60000, 1001)),
    ],
)
def test_printed_rates_become_exact(shown: float, rate: Fraction) -> None:
    assert exact_rate(shown) == rate


def test_every_frame_comes_back(tmp_path: Path) -> None:
    path = tmp_path / "a b'c.mp4"
    with SegmentWriter(path, (64, 48), Fraction(30000, 1001), Encoding(crf=1)) as writer:
        for index in range(17):
            writer.write(np.full((48, 64, 3), 10 * index, np.uint8))
    video = open_video(path)
    assert (video.size, video.fps, video.sound) == ((64, 48), Fraction(30000, 1001), False)
    means = [float(frame.mean()) for frame in video.frames()]
    assert np.abs(np.array(means) - 10 * np.arange(17)).max() < 2


def test_closing_early_ends_the_decoder(tmp_path: Path) -> None:
    path = tmp_path / "a.mp4"
    with SegmentWriter(path, (64, 48), Fraction(25), Encoding()) as writer:
        for _ in range(200):
            writer.write(np.zeros((48, 64, 3), np.uint8))
    frames = open_video(path).frames()
    next(frames)
    frames.close()  # type: ignore[attr-defined]
    with pytest.raises(StopIteration):
        next(frames)


def test_what_holds_no_picture_is_refused(tmp_path: Path) -> None:
    text = tmp_path / "text.mp4"
    text.write_text("no video")
    for path in (text, tmp_path / "missing.mp4"):
        with pytest.raises(InputError):
            open_video(path)
