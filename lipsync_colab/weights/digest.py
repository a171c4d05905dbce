"""sha256 of files of any size, in blocks."""

from __future__ import annotations

import hashlib
from pathlib import Path

from lipsync_colab.types import Progress

BLOCK = 1 << 20
"""Bytes read at a time: past 256 KiB the hash itself is the only cost."""


def sha256_of(path: Path, progress: Progress | None = None, stage: str = "verify") -> str:
    """Return the sha256 of a file as 64 hex digits, never holding more than one block of it.

    Args:
        path: the file.
        progress: called after each block with ``(stage, bytes done, bytes in all)``.
        stage: what to call the work.
    """
    total = path.stat().st_size
    digest = hashlib.sha256()
    block = bytearray(BLOCK)
    view = memoryview(block)
    done = 0
    with path.open("rb", buffering=0) as file:
        while count := file.readinto(block):
            digest.update(view[:count])
            done += count
            if progress is not None:
                progress(stage, done, total)
    return digest.hexdigest()
