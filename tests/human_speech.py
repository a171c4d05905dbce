"""Recorded human speech with its texts: Debian's Asterisk prompts, fetched when a test asks for them, never stored.

The recordings (CC BY-SA 3.0) are of one woman speaking American English.
"""

from __future__ import annotations

import contextlib
import gzip
import os
import re
import shutil
import subprocess
import tempfile
from dataclasses import dataclass
from pathlib import Path

import pytest

from lipsync_colab.audio import load_speech
from lipsync_colab.audio.ffmpeg import ffmpeg_executable
from lipsync_colab.types import Speech

PACKAGES = ("asterisk-core-sounds-en-g722", "asterisk-core-sounds-en")
SOUNDS = "usr/share/asterisk/sounds/en_US_f_Allison"
TEXTS = "usr/share/doc/asterisk-core-sounds-en/core-sounds-en.txt.gz"


@dataclass(frozen=True)
class HumanSpeech:
    """The unpacked packages.

    Attributes:
        folder: where they were unpacked to.
        prompts: file name → text, only those that are speech.
    """

    folder: Path
    prompts: dict[str, str]

    def load(self, name: str, with_text: bool = True) -> Speech:
        """Return one prompt as engines hear it."""
        return load_speech(self.wav(name), self.prompts[name] if with_text else "")

    def wav(self, name: str) -> Path:
        """Return one prompt as a 16 kHz WAV file."""
        source = self.folder / SOUNDS / f"{name}.g722"
        target = self.folder / "wav" / f"{name.replace('/', '-')}.wav"
        if not target.exists():
            target.parent.mkdir(exist_ok=True)
            part = target.with_suffix(f".{os.getpid()}.part")
            command = [ffmpeg_executable(), "-nostdin", "-loglevel", "error", "-y", "-f", "g722", "-i", str(source)]
            subprocess.run([*command, "-f", "wav", str(part)], check=True)
            part.replace(target)
        return target

    def longer_than(self, words: int) -> list[str]:
        """Return the names of the prompts with more words than that, in the order of their names."""
        return sorted(name for name, text in self.prompts.items() if len(text.split()) > words)


@pytest.fixture(scope="session")
def human_speech() -> HumanSpeech:
    """Fetch and unpack the recordings once; later sessions find them in the temporary folder."""
    if shutil.which("apt-get") is None or shutil.which("dpkg-deb") is None:
        pytest.skip("the recordings are a Debian package, and this machine has no apt-get")
    folder = Path(tempfile.gettempdir()) / f"lipsync-human-speech-{os.getuid()}"
    if not (folder / TEXTS).exists():
        fetch(folder)
    return HumanSpeech(folder, spoken_prompts(folder))


def fetch(folder: Path) -> None:
    """Download the packages and unpack them under a name that appears only when they are whole."""
    with tempfile.TemporaryDirectory(prefix="lipsync-fetch-", dir=folder.parent) as temporary:
        download = ["apt-get", "-q", "download", *PACKAGES]
        if subprocess.run(download, cwd=temporary, check=False, capture_output=True).returncode:
            subprocess.run(["apt-get", "-q", "update"], check=False, capture_output=True)
            subprocess.run(download, cwd=temporary, check=True)
        unpacked = Path(temporary) / "unpacked"
        for package in Path(temporary).glob("*.deb"):
            subprocess.run(["dpkg-deb", "-x", str(package), str(unpacked)], check=True)
        with contextlib.suppress(OSError):  # another session was faster
            unpacked.rename(folder)


def spoken_prompts(folder: Path) -> dict[str, str]:
    """Return the texts of the prompts that are speech and are there."""
    lines = gzip.decompress((folder / TEXTS).read_bytes()).decode("utf-8").splitlines()
    entries = [line.split(": ", 1) for line in lines if ": " in line and not line.startswith(";")]
    return {
        name: text.strip()
        for name, text in entries
        if not re.search(r"[\[(<]", text) and (folder / SOUNDS / f"{name}.g722").exists()
    }
