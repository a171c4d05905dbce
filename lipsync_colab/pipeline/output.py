"""Where a render may write: checked before any work is done."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

from lipsync_colab.errors import InputError


def check_output(output: Path, inputs: tuple[Path, ...]) -> None:
    """Refuse an output that cannot be written or that would overwrite an input.

    Raises:
        InputError: with the remedy.
    """
    folder = output.absolute().parent
    if output.is_dir():
        raise InputError(f"'{output}' is a folder; add a file name such as video.mp4")
    if not folder.is_dir():
        raise InputError(f"the folder '{folder}' does not exist; make it first or choose another output")
    for path in inputs:
        if output.exists() and path.exists() and output.samefile(path):
            raise InputError(f"the output '{output}' is also an input; choose another name")
    if not _writable(folder):
        raise InputError(f"the folder '{folder}' cannot be written to; choose another output")


def _writable(folder: Path) -> bool:
    """Whether a file can be made there: permission bits alone say nothing on mounted drives."""
    if not os.access(folder, os.W_OK):
        return False
    try:
        with tempfile.TemporaryFile(dir=folder):
            return True
    except OSError:
        return False
