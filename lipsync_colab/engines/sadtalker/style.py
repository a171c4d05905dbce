"""Manners of moving the head that the pose network knows."""

from __future__ import annotations

from lipsync_colab.errors import InputError

STYLES = 46


def parse_style(text: str) -> int:
    """Return the number of a style, 0 for an empty text.

    Raises:
        InputError: no whole number from 0 to 45.
    """
    text = text or "0"
    if not text.isdecimal() or int(text) >= STYLES:
        raise InputError(f"style = {text!r}: choose a whole number from 0 to {STYLES - 1}")
    return int(text)
