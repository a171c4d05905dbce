"""Voices of flite, the small speech program; it tells when each phone ends."""

from __future__ import annotations

import re
import shutil
import subprocess
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from lipsync_colab.errors import MachineError
from lipsync_colab.training.labels import speech_of

if TYPE_CHECKING:
    from lipsync_colab.training.voices import TrainingVoice

from lipsync_colab.types import Speech

PHONE = re.compile(r"([a-z]+):([\d.]+)")


def spoken(voice: TrainingVoice, texts: Sequence[str], seed: int) -> Iterator[Speech]:
    """Yield texts as the voice says them, each at its own pitch and pace.

    Raises:
        MachineError: ``flite`` is not installed.
    """
    program = shutil.which("flite")
    if program is None:
        raise MachineError("the training voice flite is missing: apt-get install flite")
    random = np.random.default_rng(seed)
    with tempfile.TemporaryDirectory(prefix="lipsync-flite-") as folder:
        path = Path(folder) / "said.wav"
        for text in texts:
            pace = random.uniform(0.8, 1.25)
            command = [program, "-voice", voice.name, "--setf", f"duration_stretch={pace:.2f}", "-psdur"]
            done = subprocess.run([*command, "-t", text, "-o", str(path)], check=True, capture_output=True, text=True)
            ends = [(phone, float(end)) for phone, end in PHONE.findall(done.stdout)]
            yield speech_of(path, ends, voice)
