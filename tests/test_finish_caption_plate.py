"""Captions in the picture: in the safe area, nothing touched outside the plate, honest about what they cannot draw."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest

from lipsync_colab.errors import InputError
from lipsync_colab.finish.caption_plate import CaptionLayout, CaptionPlate, check_drawable, drawable_text
from lipsync_colab.narrate.captions import captions_of
from lipsync_colab.narrate.voice import speak
from lipsync_colab.types import Caption

SIZES = ((1920, 1080), (1080, 1920), (1080, 1080), (240, 240), (160, 90))


@pytest.mark.parametrize("size", SIZES)
def test_the_plate_lies_in_the_safe_area_and_nothing_else_changes(size: tuple[int, int]) -> None:
    width, height = size
    frame = np.random.default_rng(0).integers(0, 256, (height, width, 3), np.uint8)
    before = frame.copy()
    plate = CaptionPlate(size, [Caption(0.0, 2.0, "Two short\nlines")], Fraction(25))
    box = plate.draw(frame, 3)
    assert box is not None
    left, top, right, bottom = box
    assert 0.08 * width <= left and right <= 0.92 * width and height / 2 < top and bottom <= 0.95 * height
    changed = np.any(frame != before, axis=2)
    inside = np.zeros_like(changed)
    inside[top:bottom, left:right] = True
    assert not changed[~inside].any()
    assert changed[inside].mean() > 0.9
    assert frame[inside].max() > 200  # white letters …
    assert frame[inside].mean() < 0.75 * before[inside].mean()  # … on a dark plate


def mesh(lips: float) -> np.ndarray:
    """A face whose mouth is at this height, and whose chin is 60 pixels lower."""
    points = np.full((478, 3), 300, np.float32)
    points[0, 1], points[17, 1], points[152, 1] = lips - 10, lips + 10, lips + 60
    return points


@pytest.mark.parametrize(("lips", "at_top"), [(300, False), (560, True), (640, True), (760, False)])
def test_the_plate_never_hides_the_mouth(lips: int, at_top: bool) -> None:
    plate = CaptionPlate((720, 720), [Caption(0.0, 2.0, "Two short\nlines")], Fraction(25), mesh(lips))
    box = plate.draw(np.zeros((720, 720, 3), np.uint8), 3)
    assert box is not None
    assert box[3] < lips - 10 or box[1] > lips + 10
    assert (box[1] < 100) == at_top


@pytest.mark.parametrize("size", SIZES[:4])
def test_lines_cut_for_a_picture_fit_it(size: tuple[int, int]) -> None:
    layout = CaptionLayout(size)
    text = "Wherever whimsical wombats wander, many more people wait by the old bridge, well before noon."
    speech = speak(text)
    found = captions_of(text, speech.phonemes or (), speech.seconds, measure=layout.measure, limit=layout.limit)
    for one in found:
        pixels, opacity, (left, _) = layout.plate(one.text)
        assert left >= 0.085 * size[0] and left + pixels.shape[1] <= 0.915 * size[0]
        assert opacity.min() >= 0 and opacity.max() <= 1


def test_a_frame_shows_what_stands_at_its_centre() -> None:
    plate = CaptionPlate((240, 240), [Caption(0.4, 0.8, "a"), Caption(0.8, 1.0, "b")], Fraction(25))
    shown = [plate.draw(np.zeros((240, 240, 3), np.uint8), frame) is not None for frame in range(30)]
    assert shown == [10 <= frame < 25 for frame in range(30)]


@pytest.mark.parametrize(
    ("text", "said"),
    [("שלום", "right to left .*hebrew"), ("مرحبا", "right to left"), ("Hi 你", "cannot show '你'"), ("Hi 🦊", "fox")],
)
def test_what_cannot_be_drawn_is_refused(text: str, said: str) -> None:
    with pytest.raises(InputError, match=f"{said}.*--captions srt"):
        check_drawable(text)


def test_accents_other_alphabets_and_invisible_marks_are_drawn() -> None:
    check_drawable("Zoë déjà vu, Привет, Καλημέρα — “quotes” … 25 €")
    check_drawable("heart ♥\ufe0f")
    assert drawable_text("e\u0301\u200b♥\ufe0f") == "é♥"
