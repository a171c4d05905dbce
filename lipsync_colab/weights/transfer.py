"""Bytes from an address into a part file, through the Hub client's own HTTP session; resumes what was cut."""

from __future__ import annotations

import contextlib
import errno
import os
import shutil
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

from lipsync_colab.errors import WeightsError
from lipsync_colab.types import Progress

BLOCK = 1 << 18
"""Bytes taken at a time; what a lost connection costs at most."""
RETRYABLE = (408, 425, 429, 500, 502, 503, 504)
"""Status codes of a server that may do better in a moment."""


@dataclass(frozen=True)
class Patience:
    """How long to wait for a server.

    Attributes:
        timeout: seconds without a byte before a connection counts as lost.
        attempts: how often to go on after a lost connection that brought nothing new.
        pause: seconds before the first new attempt; doubled for each further one.
    """

    timeout: float = 20.0
    attempts: int = 4
    pause: float = 1.0


class FullDiskError(WeightsError):
    """There is no room for a weight; no other home would help."""


class LostConnectionError(Exception):
    """The connection ended, stalled or never came about; going on may help."""


@dataclass
class Download:
    """One file on its way.

    Attributes:
        url: where it comes from.
        part: where its bytes are collected; what lies there already is continued.
        name: for messages and progress.
        size: expected bytes, or None.
        headers: sent with each request.
        progress: called with ``(name, done, total)``.
    """

    url: str
    part: Path
    name: str
    size: int | None = None
    headers: Mapping[str, str] | None = None
    progress: Progress | None = None

    def run(self, patience: Patience) -> None:
        """Collect the whole file.

        Raises:
            WeightsError: the server refuses, the network is lost for good, or the disk is full.
        """
        self.part.parent.mkdir(parents=True, exist_ok=True)
        room_for(self.part.parent, (self.size or 0) - self._done(), self.name)
        left = patience.attempts
        while True:
            before = self._done()
            try:
                self._attempt(patience.timeout)
                return
            except LostConnectionError as error:
                left = patience.attempts if self._done() > before else left - 1
                if left <= 0:
                    raise WeightsError(
                        f"the connection was lost ({error}) with {self._done():,} bytes here; check the network and "
                        "run it again: it goes on where it stopped"
                    ) from error
                time.sleep(patience.pause * 2 ** (patience.attempts - left - 1) if left < patience.attempts else 0)

    def _done(self) -> int:
        return self.part.stat().st_size if self.part.exists() else 0

    def _attempt(self, timeout: float) -> None:
        start = self._done()
        if self.size is not None and start > self.size:
            self.part.unlink()
            start = 0
        if self.size is not None and start == self.size:
            return
        headers = {**(self.headers or {}), "Accept-Encoding": "identity"}
        if start:
            headers["Range"] = f"bytes={start}-"
        with _get(self.url, headers, timeout) as response:
            self._check(response)
            self._receive(response, start if response.status_code == 206 else 0)

    def _check(self, response: Any) -> None:
        status = response.status_code
        if status in RETRYABLE:
            raise LostConnectionError(f"status {status}")
        if status == 416:  # what is here is longer than what is there
            self.part.unlink(missing_ok=True)
            raise LostConnectionError("the part file did not fit")
        if status not in (200, 206):
            raise WeightsError(f"the server answered with status {status}")
        if str(response.headers.get("Content-Type", "")).startswith("text/html"):
            raise WeightsError(
                "the server sent a web page instead of the file (a login page of the network, or a moved file); "
                "open the address in a browser, or use another network"
            )
        length = _length(response)
        if self.size is not None and length not in (None, self.size):
            raise WeightsError(f"the file there has {length:,} bytes, expected {self.size:,}")

    def _receive(self, response: Any, start: int) -> None:
        total = self.size or _length(response) or 0
        with full_disk_explained(self.part, self.name), self.part.open("ab") as file:
            file.truncate(start)
            done = start
            for block in _blocks(response):
                file.write(block)
                done += len(block)
                if self.progress is not None:
                    self.progress(self.name, done, total)
            finish(file)
        if total and done < total:
            raise LostConnectionError(f"it ended after {done:,} of {total:,} bytes")


def _length(response: Any) -> int | None:
    """Return how many bytes the whole file has by the server's word, or None."""
    if response.headers.get("Content-Encoding", "identity") != "identity":
        return None  # the length of what is sent is not that of the file
    text = response.headers.get("Content-Range" if response.status_code == 206 else "Content-Length") or ""
    last = str(text).rpartition("/")[2]
    return int(last) if last.isdigit() else None


def finish(file: BinaryIO) -> None:
    """Force what was written to the disk, so that a later rename never names an unfinished file."""
    file.flush()
    os.fsync(file.fileno())


def room_for(folder: Path, size: int, name: str) -> None:
    """Refuse at once what cannot fit on the disk.

    Raises:
        FullDiskError: the disk holds less than ``size`` free bytes.
    """
    free = shutil.disk_usage(folder).free
    if size > free:
        raise FullDiskError(_full(name, folder, f"{size:,} bytes are needed and {free:,} are free"))


def _full(name: str, folder: Path, reason: str) -> str:
    return (
        f"the disk is full: {reason} for {name} in {folder}; free some space, or set HF_HOME (and "
        "LIPSYNC_COLAB_CACHE) to a folder on a larger disk"
    )


@contextlib.contextmanager
def full_disk_explained(part: Path, name: str) -> Iterator[None]:
    """Turn a write that failed into one line; after a full disk the part file is removed, so that the disk is usable.

    Raises:
        FullDiskError: the disk is full.
        WeightsError: it cannot be written.
    """
    try:
        yield
    except OSError as error:
        if error.errno not in (errno.ENOSPC, errno.EDQUOT):
            raise WeightsError(f"{part} cannot be written: {error.strerror or error}; check the folder") from error
        part.unlink(missing_ok=True)
        raise FullDiskError(_full(name, part.parent, "no space is left")) from error


@contextlib.contextmanager
def _get(url: str, headers: dict[str, str], timeout: float) -> Iterator[Any]:
    """Open a GET request on the Hub client's session: ``requests`` before 1.0, an httpx kind since."""
    from huggingface_hub import get_session

    session: Any = get_session()
    try:
        if callable(getattr(session, "stream", None)):
            opened = session.stream("GET", url, headers=headers, timeout=timeout, follow_redirects=True)
        else:
            opened = session.get(url, headers=headers, timeout=timeout, stream=True)
        response = opened.__enter__()
    except Exception as error:  # each generation of the client has error classes of its own
        raise LostConnectionError(_told(error)) from error
    try:
        yield response
    finally:
        with contextlib.suppress(Exception):
            opened.__exit__(None, None, None)


def _blocks(response: Any) -> Iterator[bytes]:
    """Yield the body; only the network's errors become lost connections, not those of whoever takes the blocks."""
    read = response.iter_bytes if hasattr(response, "iter_bytes") else response.iter_content
    try:
        yield from read(BLOCK)
    except Exception as error:
        raise LostConnectionError(_told(error)) from error


def _told(error: Exception) -> str:
    return " ".join(str(error).split())[:160] or type(error).__name__
