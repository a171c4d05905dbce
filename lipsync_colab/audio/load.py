"""File → :class:`~lipsync_colab.types.Speech`, at any length, without holding it in memory."""

from __future__ import annotations

import errno
import mmap
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import IO

import numpy as np
from numpy.typing import NDArray

from lipsync_colab.audio.decode import RATE, decoded_blocks, shown_name
from lipsync_colab.errors import InputError, MachineError
from lipsync_colab.types import Speech

LONGEST_SECONDS = 6 * 3600
BLOCK = 1 << 20
OFFSET_HEARD = 1e-3
"""A mean above this (-60 dBFS) is a DC offset of the recorder; below it a clean file keeps its exact samples."""
SPOILT_SHARE = 0.01
"""Up to this share of NaN and infinite samples is a blemish; more is a broken file."""


def load_speech(path: str | Path, text: str = "") -> Speech:
    """Read a voice as engines hear it: 16 kHz, mono, float32 in [-1, 1], free of DC offset.

    The samples live in an unlinked temporary file that is mapped into memory, so that hours of sound cost no more
    memory than seconds. A sound track shorter than its video, silence and clipped sound are all allowed.

    Args:
        path: whatever ffmpeg or libsndfile reads: wav, flac, mp3, m4a, ogg, opus, a video's sound track; any rate,
            any number of channels.
        text: what is said, where it is known.

    Raises:
        InputError: there is no such file, it holds no sound, or more than six hours of it.
        MachineError: the temporary folder is full, or there is no ffmpeg.

    >>> from lipsync_colab import load_speech
    >>> speech = load_speech("voice.wav", text="Hello there.")
    >>> speech.rate, speech.seconds > 0.5
    (16000, True)
    """
    track = Path(path)
    check_file(track)
    blocks = decoded_blocks(track, LONGEST_SECONDS + 1)
    with tempfile.TemporaryFile(prefix="lipsync-sound-") as storage:
        try:
            samples, spoilt = _store(blocks, storage, track)
        except OSError as error:
            if error.errno not in (errno.ENOSPC, errno.EDQUOT):
                raise
            message = f"the disk of {tempfile.gettempdir()} is full: free some space there or point TMPDIR elsewhere"
            raise MachineError(message) from error
    # A track with samples that are not numbers cannot be compressed: what was cleaned is heard in its place.
    return Speech(samples=samples, rate=RATE, track=None if spoilt else track, text=text)


def check_file(path: Path) -> None:
    """Raise an InputError that says what is wrong with a path before anything opens it.

    Raises:
        InputError: missing, a folder, a device, unreadable or empty.
    """
    shown = shown_name(path)
    try:
        if path.is_dir():
            raise InputError(f"{shown} is a folder: give one sound file")
        if not path.exists():
            raise InputError(f"{shown} does not exist: check the name of the sound file")
        if not path.is_file():
            raise InputError(f"{shown} is not a regular file: give one sound file")
        with path.open("rb") as file:
            if not file.read(1):
                raise InputError(f"{shown} is empty: record or copy it again")
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise InputError(f"{shown} cannot be read ({reason}): check its name and permissions") from error


def _store(blocks: Iterator[NDArray[np.float32]], storage: IO[bytes], track: Path) -> tuple[NDArray[np.float32], int]:
    """Write the blocks to the file, clean them; return them as a read-only map, and how many samples were spoilt."""
    total = spoilt = 0
    for block in blocks:
        bad = ~np.isfinite(block)
        spoilt += int(np.count_nonzero(bad))
        total += len(block)
        storage.write(np.where(bad, np.float32(0), block).astype("<f4").tobytes())
    shown = shown_name(track)
    if not total:
        raise InputError(f"{shown} holds no sound (0 samples): record or copy it again")
    if total > LONGEST_SECONDS * RATE:
        raise InputError(f"{shown} is longer than {LONGEST_SECONDS // 3600} hours: cut it into parts")
    if spoilt > total * SPOILT_SHARE:
        share = 100 * spoilt / total
        raise InputError(f"{shown} is damaged ({share:.0f} % of its samples are not numbers): export it again")
    storage.flush()
    _clean(np.memmap(storage, np.float32, "r+"))
    samples: NDArray[np.float32] = np.memmap(storage, np.float32, "r")
    if total * 4 < mmap.PAGESIZE * 1024:  # a few megabytes are handier as a plain array
        samples = np.array(samples)
        samples.flags.writeable = False
    return samples, spoilt


def _clean(samples: NDArray[np.float32]) -> None:
    """Take out a DC offset and bring the peak to 1 where it is above, in place and by blocks."""
    spans = [slice(start, start + BLOCK) for start in range(0, len(samples), BLOCK)]
    offset = sum(float(samples[span].sum(dtype=np.float64)) for span in spans) / len(samples)
    offset = offset if abs(offset) > OFFSET_HEARD else 0.0
    peak = max(float(np.abs(samples[span] - np.float32(offset)).max()) for span in spans)
    if offset == 0 and peak <= 1:
        return
    for span in spans:
        samples[span] = (samples[span] - np.float32(offset)) / np.float32(max(peak, 1.0))
