"""How loud a file's sound is as it will be heard: every channel at the file's own rate, measured by ffmpeg."""

from __future__ import annotations

import math
import re
import subprocess
from dataclasses import dataclass
from pathlib import Path

from lipsync_colab.audio.ffmpeg import ffmpeg_executable, untrusted_input

SILENCE_LUFS = -70.0
"""ITU-R BS.1770's absolute gate: what is quieter counts as no sound, and ffmpeg prints the gate itself."""


@dataclass(frozen=True)
class Loudness:
    """The programme loudness of a sound track, by ITU-R BS.1770-4 and EBU R 128.

    Attributes:
        integrated: LUFS; NaN for silence.
        peak: true peak in dBFS; NaN for digital silence.
    """

    integrated: float
    peak: float


def track_loudness(path: Path) -> Loudness:
    """Measure a file's first sound track in constant memory."""
    command = [
        *(ffmpeg_executable(), "-nostdin", "-hide_banner", "-nostats", *untrusted_input(path), "-map", "0:a:0"),
        *("-af", "ebur128=peak=true:framelog=quiet", "-f", "null", "-"),
    ]
    told = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, check=False).stderr
    summary = told.decode(errors="replace").rpartition("Summary:")[2]
    integrated = _figure(summary, r"I:\s+(\S+) LUFS")
    if not integrated > SILENCE_LUFS:
        return Loudness(math.nan, _figure(summary, r"Peak:\s+(\S+) dBFS"))
    return Loudness(integrated, _figure(summary, r"Peak:\s+(\S+) dBFS"))


def _figure(summary: str, pattern: str) -> float:
    found = re.search(pattern, summary)
    value = float(found[1]) if found else math.nan
    return value if math.isfinite(value) else math.nan
