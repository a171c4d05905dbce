"""What a mood means at an instant: soft changes, whole at the clip's ends, factors of 1 where nothing is felt."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lipsync_colab.moods import EMPHASIS, EXPRESSION, HEAD, expression_factor, felt, head_factor
from lipsync_colab.narrate.script import EXPRESSIONS
from lipsync_colab.types import Mood

TIMES = np.arange(0, 6, 0.02)
TWO = (Mood(0, 3, "happy"), Mood(3, 6, "sad"))


def test_two_moods_in_a_row_share_one_face() -> None:
    happy, sad = (felt(TWO, tag, TIMES, end=6) for tag in ("happy", "sad"))
    np.testing.assert_allclose(happy + sad, 1, atol=1e-6)
    assert happy[0] == 1 and sad[-1] == 1 and sad[0] == 0 and happy[-1] == 0
    assert (np.diff(happy) <= 1e-6).all() and np.abs(np.diff(happy)).max() < 0.06


def test_a_mood_that_ends_a_frame_before_the_clip_lasts() -> None:
    assert felt((Mood(0, 5.97, "happy"),), "happy", TIMES, end=6)[-1] == 1


@given(start=st.floats(0, 5), length=st.floats(0, 5), amount=st.floats(0, 2))
def test_what_is_felt_stays_within_its_amount(start: float, length: float, amount: float) -> None:
    share = felt((Mood(start, start + length, EMPHASIS, amount),), EMPHASIS, TIMES, end=6)
    assert share.min() >= 0 and share.max() <= amount + 1e-6 and np.isfinite(share).all()


def test_no_mood_changes_no_factor() -> None:
    assert (expression_factor((), TIMES, end=6) == 1).all() and (head_factor((), TIMES, end=6) == 1).all()
    assert (head_factor((Mood(0, 6, "neutral"),), TIMES, end=6) == 1).all()


@pytest.mark.parametrize("tag", [*HEAD])
def test_a_tag_moves_the_factors_by_its_amount(tag: str) -> None:
    mood = (Mood(0, 6, tag),)
    assert head_factor(mood, TIMES, end=6)[10] == pytest.approx(HEAD[tag])
    assert expression_factor(mood, TIMES, end=6)[10] == pytest.approx(EXPRESSION[tag])
    assert expression_factor(mood, TIMES, end=6, amount=0)[10] == 1
    assert tag in EXPRESSIONS


def test_a_mood_can_ask_for_a_still_head() -> None:
    still = head_factor((Mood(2, 4, "neutral", head=0.0),), TIMES, end=6)
    assert still[0] == 1 and still[150] == 0 and still[-1] == 1
