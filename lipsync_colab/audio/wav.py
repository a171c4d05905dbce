"""Writing a voice to a file."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import soundfile

from lipsync_colab.audio.decode import shown_name
from lipsync_colab.errors import InputError
from lipsync_colab.types import Array

BLOCK = 1 << 20


def write_wav(path: str | Path, samples: Array, rate: int) -> Path:
    """Write samples as a 16-bit mono WAV; the name appears only when the file is whole.

    Args:
        path: where to.
        samples: float32 (N,) in [-1, 1]; what lies outside is clipped.
        rate: samples per second.

    Raises:
        InputError: the folder is missing or cannot be written to.
    """
    target = Path(path)
    part = target.with_name(target.name + ".part")
    try:
        with soundfile.SoundFile(part, "w", rate, 1, subtype="PCM_16", format="WAV") as file:
            for start in range(0, len(samples), BLOCK):
                block = np.clip(samples[start : start + BLOCK], -1, 1)
                file.write(np.rint(block * 32767).astype(np.int16))
        part.replace(target)
    except (OSError, soundfile.SoundFileError) as error:
        reason = getattr(error, "strerror", None) or "the folder is missing or read-only"
        message = f"{shown_name(target)} cannot be written ({reason}): choose another folder with -o"
        raise InputError(message) from error
    finally:
        part.unlink(missing_ok=True)
    return target
