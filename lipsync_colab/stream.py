"""Iterator tools: nothing here keeps more than a few items, and closing the outer iterator closes every stage."""

from __future__ import annotations

import contextlib
import itertools
import queue
import threading
from collections.abc import Iterable, Iterator
from typing import TypeVar

from lipsync_colab.errors import Cancelled

Item = TypeVar("Item")

_POLL_SECONDS = 0.1


def close(iterator: object) -> None:
    """Close an iterator if it knows how."""
    method = getattr(iterator, "close", None)
    if method is not None:
        method()


def batched(items: Iterable[Item], size: int) -> Iterator[list[Item]]:
    """Yield lists of up to ``size`` items; closing closes the source.

    Raises:
        ValueError: ``size`` is below 1.
    """
    if size < 1:
        raise ValueError("a batch holds at least one item")
    source = iter(items)
    try:
        while batch := list(itertools.islice(source, size)):
            yield batch
    finally:
        close(source)


def cancellable(items: Iterable[Item], cancel: threading.Event | None) -> Iterator[Item]:
    """Yield the items, and stop with an error as soon as the event is set.

    Raises:
        Cancelled: the event was set before the next item.
    """
    source = iter(items)
    try:
        for item in source:
            stop_if(cancel)
            yield item
    finally:
        close(source)


def stop_if(cancel: threading.Event | None) -> None:
    """Stop with an error when an event is set.

    Raises:
        Cancelled: it is.
    """
    if cancel is not None and cancel.is_set():
        raise Cancelled("stopped; the finished segments are kept and the same command continues")


class _Failure:
    def __init__(self, error: BaseException) -> None:
        self.error = error


_END = object()


def prefetch(items: Iterable[Item], depth: int = 4) -> Iterator[Item]:
    """Run the source in a thread of its own, at most ``depth`` items ahead.

    Exceptions of the source come out here; closing stops the thread, closes the source and waits for it.

    Raises:
        ValueError: ``depth`` is below 1.
    """
    if depth < 1:
        raise ValueError("a queue holds at least one item")
    waiting: queue.Queue[object] = queue.Queue(maxsize=depth)
    stopped = threading.Event()
    worker = threading.Thread(target=_produce, args=(iter(items), waiting, stopped), name="prefetch", daemon=True)
    worker.start()
    try:
        while (item := waiting.get()) is not _END:
            if isinstance(item, _Failure):
                raise item.error
            yield item  # type: ignore[misc]
    finally:
        stopped.set()
        with contextlib.suppress(queue.Empty):
            while True:
                waiting.get_nowait()
        worker.join()


def _produce(source: Iterator[Item], waiting: queue.Queue[object], stopped: threading.Event) -> None:
    """Feed the queue until the source ends, fails, or nobody listens any more."""
    last: object = _END
    try:
        for item in source:
            if not _put(waiting, item, stopped):
                break
    except BaseException as error:  # carried across to the thread that reads
        last = _Failure(error)
    finally:
        try:
            close(source)
        except BaseException as error:
            last = _Failure(error)
        _put(waiting, last, stopped)


def _put(waiting: queue.Queue[object], item: object, stopped: threading.Event) -> bool:
    while not stopped.is_set():
        try:
            waiting.put(item, timeout=_POLL_SECONDS)
        except queue.Full:
            continue
        return True
    return False
