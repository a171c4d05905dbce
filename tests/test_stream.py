"""Iterator tools: order, bounds, failures and closing."""

from __future__ import annotations

import threading
from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lipsync_colab import stream
from lipsync_colab.errors import Cancelled


class Source:
    """Counts what was taken and remembers that it was closed."""

    def __init__(self, items: int, fail_at: int = -1) -> None:
        self.items = items
        self.fail_at = fail_at
        self.taken = 0
        self.closed = threading.Event()

    def __iter__(self) -> Iterator[int]:
        try:
            for index in range(self.items):
                if index == self.fail_at:
                    raise RuntimeError("broken source")
                self.taken += 1
                yield index
        finally:
            self.closed.set()


@given(st.integers(0, 40), st.integers(1, 9))
def test_batches_hold_every_item_in_order(count: int, size: int) -> None:
    batches = list(stream.batched(range(count), size))
    assert [item for batch in batches for item in batch] == list(range(count))
    assert all(len(batch) == size for batch in batches[:-1])


@given(st.integers(0, 60), st.integers(1, 8))
def test_prefetch_keeps_the_order(count: int, depth: int) -> None:
    assert list(stream.prefetch(range(count), depth)) == list(range(count))


def test_prefetch_runs_at_most_its_depth_ahead() -> None:
    source = Source(1000)
    ahead = stream.prefetch(source, depth=3)
    assert next(ahead) == 0
    ahead.close()
    assert source.closed.is_set()
    assert source.taken <= 3 + 2  # the queue, the one in hand, the one given


def test_prefetch_carries_the_failure_after_the_items() -> None:
    source = Source(10, fail_at=4)
    seen = []
    with pytest.raises(RuntimeError, match="broken source"):
        for item in stream.prefetch(source, depth=2):
            seen.append(item)
    assert seen == [0, 1, 2, 3]
    assert source.closed.is_set()


def test_closing_prefetch_ends_its_thread() -> None:
    before = threading.active_count()
    ahead = stream.prefetch(Source(1000), depth=2)
    next(ahead)
    ahead.close()
    assert threading.active_count() == before


def test_closing_a_batch_closes_the_source() -> None:
    source = Source(10)
    batches = stream.batched(source, 3)
    next(batches)
    batches.close()
    assert source.closed.is_set()


def test_cancel_stops_before_the_next_item_and_closes() -> None:
    source, event = Source(10), threading.Event()
    items = stream.cancellable(source, event)
    assert next(items) == 0
    event.set()
    with pytest.raises(Cancelled):
        next(items)
    assert source.closed.is_set()


@pytest.mark.parametrize("call", [stream.batched, stream.prefetch])
def test_sizes_below_one_are_refused(call: object) -> None:
    with pytest.raises(ValueError, match="at least one"):
        next(iter(call(range(3), 0)))  # type: ignore[operator]
