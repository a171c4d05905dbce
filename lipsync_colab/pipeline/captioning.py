"""Which captions a render needs: in the picture, beside the video, or none."""

from __future__ import annotations

from lipsync_colab.errors import InputError
from lipsync_colab.finish.caption_plate import CaptionLayout, check_drawable, drawable_text
from lipsync_colab.narrate.captions import captions_of
from lipsync_colab.phonemes.source import timed_phonemes
from lipsync_colab.types import Caption, Phoneme, RenderSettings, Speech

Captions = tuple[Caption, ...]


def make_captions(speech: Speech, size: tuple[int, int], settings: RenderSettings) -> tuple[Captions, Captions]:
    """Return the captions to draw and those to write into files.

    Args:
        speech: with phonemes, or a recording whose text is known and is aligned here.
        size: ``(width, height)`` of the video: lines in the picture are as long as its width allows.
        settings: ``captions`` tells which are wanted.

    Raises:
        InputError: nobody knows what is said or when, or the picture's font cannot show it.
    """
    if settings.captions == "none":
        return (), ()
    text = settings.text or speech.text
    if settings.captions in ("burn", "both"):
        check_drawable(text)
    phonemes = _phonemes(speech, text)
    drawn: Captions = ()
    if settings.captions in ("burn", "both"):
        layout = CaptionLayout(size)
        shown = drawable_text(text)
        drawn = captions_of(shown, phonemes, speech.seconds, measure=layout.measure, limit=layout.limit)
    written = captions_of(text, phonemes, speech.seconds) if settings.captions in ("srt", "both") else ()
    return drawn, written


def _phonemes(speech: Speech, text: str) -> tuple[Phoneme, ...]:
    if not text.strip():
        raise InputError("captions need to know what is said: give the recording's text (--text), or --captions none")
    phonemes, source = timed_phonemes(speech, text)
    if source not in ("phonemes", "alignment"):
        raise InputError(
            "captions need the time of every word, and this text could not be aligned with its recording: "
            "check that it is English and what is said, or --captions none"
        )
    return phonemes
