"""Which captions a render needs: in the picture, beside the video, or none."""

from __future__ import annotations

from lipsync_colab.errors import InputError
from lipsync_colab.finish.caption_plate import CaptionLayout, check_drawable, drawable_text
from lipsync_colab.narrate.captions import captions_of
from lipsync_colab.phonemes.recogniser import REMEDY, recogniser_available, understood
from lipsync_colab.phonemes.source import timed_phonemes
from lipsync_colab.types import Caption, Phoneme, RenderSettings, Speech

Captions = tuple[Caption, ...]


def make_captions(speech: Speech, size: tuple[int, int], settings: RenderSettings) -> tuple[Captions, Captions]:
    """Return the captions to draw and those to write into files.

    Args:
        speech: with phonemes, or a recording: its text is aligned here, or its words are recognised.
        size: ``(width, height)`` of the video: lines in the picture are as long as its width allows.
        settings: ``captions`` tells which are wanted.

    Raises:
        InputError: nobody knows what is said or when, or the picture's font cannot show it.
    """
    if settings.captions == "none":
        return (), ()
    text, phonemes = _said(speech, settings.text or speech.text)
    drawn: Captions = ()
    if settings.captions in ("burn", "both"):
        check_drawable(text)
        layout = CaptionLayout(size)
        shown = drawable_text(text)
        drawn = captions_of(shown, phonemes, speech.seconds, measure=layout.measure, limit=layout.limit)
    written = captions_of(text, phonemes, speech.seconds) if settings.captions in ("srt", "both") else ()
    return drawn, written


def words_are_recognised(speech: Speech, settings: RenderSettings) -> bool:
    """Tell whether captions show what a recogniser made out: then a person should read them."""
    return settings.captions != "none" and not (settings.text or speech.text).strip()


def _said(speech: Speech, text: str) -> tuple[str, tuple[Phoneme, ...]]:
    """Return what is said, and when."""
    if not text.strip():
        return _recognised(speech)
    phonemes, source = timed_phonemes(speech, text)
    if source not in ("phonemes", "alignment"):
        raise InputError(
            "captions need the time of every word, and this text could not be aligned with its recording: "
            "check that it is English and what is said, or --captions none"
        )
    return text, phonemes


def _recognised(speech: Speech) -> tuple[str, tuple[Phoneme, ...]]:
    if not recogniser_available():
        raise InputError(
            "captions need to know what is said: give the recording's text (--text), install the recogniser of English "
            f"words ({REMEDY}), or --captions none"
        )
    heard = understood(speech)
    if heard is None or not heard.trusted:
        raise InputError(
            "captions need to know what is said, and the recogniser is not sure of the words (it knows English): "
            "give the recording's text (--text), or --captions none"
        )
    return heard.text, heard.phonemes
