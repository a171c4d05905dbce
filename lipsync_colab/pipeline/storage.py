"""Folders that fail: a full disk, a Drive that went away, one that shows a file later than it took it."""

from __future__ import annotations

import contextlib
import errno
import time
from collections.abc import Iterator
from pathlib import Path

from lipsync_colab.device import is_out_of_memory
from lipsync_colab.errors import MachineError, RenderError

PATIENCE = 30.0
"""Seconds that a mounted drive may take to show a file that it has taken."""
_FIRST_WAIT = 0.05
FULL = (errno.ENOSPC, errno.EDQUOT)
GONE = (errno.ENOENT, errno.ENOTCONN, errno.EIO, errno.ESTALE, errno.ENODEV, errno.ENXIO, errno.ENOTDIR)


@contextlib.contextmanager
def plain_failures(work: Path) -> Iterator[None]:
    """Tell failures of the machine in one line with a remedy; finished segments stay.

    Args:
        work: folder of the segments.

    Raises:
        MachineError: memory or disk is full, or the folder went away.
    """
    try:
        yield
    except OSError as error:
        told = storage_error(error, work)
        if told is None:
            raise
        raise told from error
    except RenderError as error:
        # ffmpeg says only that it cannot write: whether the folder is still there says why.
        if work.is_dir():
            raise
        raise vanished(work) from error
    except (RuntimeError, MemoryError) as error:
        if not is_out_of_memory(error):
            raise
        raise MachineError(
            "memory ran out; finished segments are kept: close other programs, or choose a smaller --size, "
            "--restore none or --engine viseme"
        ) from error


def storage_error(error: OSError, work: Path) -> MachineError | None:
    """Return the error for people that a failed access to a folder stands for; None when it is none of these."""
    if error.errno in FULL:
        return MachineError(f"no room left in '{work}'; free some disk space and run the same command again")
    if error.errno in GONE and not work.is_dir():
        return vanished(work)
    if error.errno in GONE[1:]:
        return MachineError(f"the folder '{work}' cannot be reached ({error.strerror}); run the same command again")
    return None


def vanished(work: Path) -> MachineError:
    """Return the error for a work folder that is no longer there."""
    return MachineError(
        f"the work folder '{work}' is gone; mount the drive again (its finished segments are on it) and run the same "
        f"command again"
    )


def wait_for(path: Path, size: int) -> None:
    """Wait until a folder shows a file that was just renamed into it, with all its bytes.

    Args:
        path: of the file.
        size: in bytes.

    Raises:
        MachineError: it does not within ``PATIENCE`` seconds.
    """
    waited, pause = 0.0, _FIRST_WAIT
    while not _shown(path, size):
        if waited >= PATIENCE:
            raise MachineError(f"the folder '{path.parent}' does not show what was written; choose another with --work")
        time.sleep(pause)
        waited, pause = waited + pause, 2 * pause


def _shown(path: Path, size: int) -> bool:
    try:
        return path.stat().st_size == size
    except FileNotFoundError:
        return False
