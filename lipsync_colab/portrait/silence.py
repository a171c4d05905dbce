"""Keeps native libraries from writing to the terminal while they start or decode."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager

STDERR = 2


@contextmanager
def native_silence() -> Iterator[None]:
    """Send file descriptor 2 to the null device for the duration of a block.

    libtiff and MediaPipe's C++ log lines cannot be turned off from Python without writing to the environment.
    Exceptions are unaffected. A process without a standard error runs the block as it is.
    """
    try:
        sys.stderr.flush()
        saved = os.dup(STDERR)
    except (OSError, ValueError, AttributeError):
        yield
        return
    null = os.open(os.devnull, os.O_WRONLY)
    try:
        os.dup2(null, STDERR)
        yield
    finally:
        os.dup2(saved, STDERR)
        os.close(saved)
        os.close(null)
