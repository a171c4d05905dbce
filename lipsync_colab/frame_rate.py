"""Frame rates as people write them, exact."""

from __future__ import annotations

import re
from fractions import Fraction

from lipsync_colab.errors import InputError

MAX_FPS = 120
_DECIMAL_RATES = {
    "23.976": Fraction(24000, 1001),
    "23.98": Fraction(24000, 1001),
    "29.97": Fraction(30000, 1001),
    "47.952": Fraction(48000, 1001),
    "59.94": Fraction(60000, 1001),
    "119.88": Fraction(120000, 1001),
}


def parse_fps(text: str) -> Fraction:
    """Return an exact rate from ``"25"``, ``"29.97"`` (which is 30000/1001) or ``"30000/1001"``.

    Raises:
        InputError: no number, or outside 1 to 120.
    """
    try:
        # Digits only, and few: of "1e999999999" Fraction would make a number of a thousand million digits.
        if not re.fullmatch(r"[0-9.]{1,12}(/[0-9]{1,12})?", text):
            raise ValueError(text)
        rate = _DECIMAL_RATES.get(text) or Fraction(text)
    except (ValueError, ZeroDivisionError):
        raise InputError(f"--fps {text}: give a number such as 25, 29.97 or 30000/1001") from None
    if not 1 <= rate <= MAX_FPS:
        raise InputError(f"--fps {text}: choose a rate from 1 to {MAX_FPS}")
    return rate
