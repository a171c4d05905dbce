"""Clip after clip: what is drawn, what is kept between two runs, and what is drawn again."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from lipsync_colab.engines.hallo.chain import CARRIED, CLIP, Chain
from lipsync_colab.types import Image


class Counting:
    """A clip's heads are told apart by numbers: its own, and one that follows from the heads before it."""

    def __init__(self) -> None:
        self.drawn: list[int] = []

    def __call__(self, clip: int, before: Image) -> Image:
        assert before.shape == (CARRIED, 4, 4, 3)
        self.drawn.append(clip)
        heads = np.full((CLIP, 4, 4, 3), clip, np.uint8)
        heads[..., 0] = (int(before[-1, 0, 0, 0]) * 3 + 1) % 256
        heads[:, 0, 0, 2] = np.arange(CLIP)
        return heads


def chain_of(folder: Path | None, kept: tuple[int, ...] = ()) -> tuple[Chain, Counting]:
    draw = Counting()
    return Chain(np.zeros((4, 4, 3), np.uint8), draw, folder, kept), draw


def test_a_chain_goes_on_from_what_was_kept(tmp_path: Path) -> None:
    chain, draw = chain_of(tmp_path, (2,))
    heads = [chain.clip(number).copy() for number in range(5)]
    assert draw.drawn == [0, 1, 2, 3, 4]
    assert sorted(path.name for path in tmp_path.iterdir()) == ["heads-00000000.npy", "heads-00000002.npy"]
    for number, needed in ((0, []), (4, [3, 4]), (3, [3]), (2, [1, 2])):
        later, drawn = chain_of(tmp_path, (2,))
        assert np.array_equal(later.clip(number), heads[number])
        assert drawn.drawn == needed
    assert np.array_equal(chain.clip(1), heads[1]), "a chain goes back too"


@pytest.mark.parametrize("damage", [lambda path: path.write_bytes(b""), lambda path: np.save(path, np.zeros((9, 2)))])
def test_what_was_kept_and_is_damaged_is_drawn_again(tmp_path: Path, damage: Callable[[Path], None]) -> None:
    chain, _ = chain_of(tmp_path, (1,))
    last = chain.clip(2).copy()
    damage(tmp_path / "heads-00000001.npy")
    later, drawn = chain_of(tmp_path, (1,))
    assert np.array_equal(later.clip(2), last) and drawn.drawn == [1, 2]


def test_memory_is_that_of_one_clip(tmp_path: Path) -> None:
    chain, _ = chain_of(None)
    assert chain.clip(40) is chain.clip(40)
    assert not list(tmp_path.iterdir())
