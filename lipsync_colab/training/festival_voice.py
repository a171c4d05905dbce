"""Voices of festival, among them people who speak Italian, Czech, Finnish and Russian; it tells every segment's end."""

from __future__ import annotations

import shutil
import subprocess
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from lipsync_colab.errors import MachineError
from lipsync_colab.training.labels import speech_of
from lipsync_colab.types import Speech

if TYPE_CHECKING:
    from lipsync_colab.training.voices import TrainingVoice

LEAST_SAID = 0.8
"""Of the sentences; a voice that refuses more of them is not set up."""


def spoken(voice: TrainingVoice, texts: Sequence[str], seed: int) -> Iterator[Speech]:
    """Yield texts as the voice says them.

    Raises:
        MachineError: festival or the voice is not installed.
    """
    program = shutil.which("festival")
    if program is None:
        raise MachineError("the training voices' program is missing: apt-get install festival")
    random = np.random.default_rng(seed)
    with tempfile.TemporaryDirectory(prefix="lipsync-festival-") as name:
        folder = Path(name)
        for at, text in enumerate(texts):
            pace = random.uniform(0.85, 1.25)
            lines = [
                f"(voice_{voice.name})",
                f"(Parameter.set 'Duration_Stretch {pace:.2f})",
                f'(set! said (SynthText "{text}"))',
                f'(utt.save.wave said "{folder}/{at}.wav")',
                f'(utt.save.segs said "{folder}/{at}.segments")',
            ]
            script = "\n".join(lines).encode(voice.encoding, "ignore")
            (folder / f"{at}.scm").write_bytes(script)
        said = 0
        for at in range(len(texts)):
            # One process a sentence: a diphone that a voice lacks ends the process.
            subprocess.run([program, "-b", f"{folder}/{at}.scm"], check=False, capture_output=True)
            segments = folder / f"{at}.segments"
            if segments.exists():
                said += 1
                yield speech_of(folder / f"{at}.wav", _ends(segments), voice)
    if said < LEAST_SAID * len(texts):
        raise MachineError(f"festival's voice {voice.name} said {said} of {len(texts)} sentences: is it installed?")


def _ends(segments: Path) -> list[tuple[str, float]]:
    rows = [line.split() for line in segments.read_text(encoding="latin-1").splitlines()]
    return [(row[2], float(row[0])) for row in rows if len(row) == 3]
