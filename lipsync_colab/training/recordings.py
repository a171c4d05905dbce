"""Recorded human speech to test on, never to train on: Debian's telephone prompts in five languages, and the
recogniser's own test recordings. Fetched when they are asked for, never stored with the package."""

from __future__ import annotations

import gzip
import re
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from lipsync_colab.audio import load_speech
from lipsync_colab.audio.ffmpeg import ffmpeg_executable
from lipsync_colab.errors import MachineError
from lipsync_colab.types import Speech

PROMPT_FOLDERS = {
    "en": "en_US_f_Allison",
    "es": "es_MX_f_Allison",
    "fr": "fr_CA_f_June",
    "it": "it_IT_m_Carlo",
    "ru": "ru_RU_f_IvrvoiceRU",
}
"""Language → the speaker's folder (CC BY-SA 3.0, the Russian ones CC BY 3.0)."""
READINGS = "usr/share/pocketsphinx/test/data"
"""A reader of "Sense and Sensibility" (LibriVox, public domain) and a man who names playing cards."""
PACKAGES = (
    *(f"asterisk-core-sounds-{language}{kind}" for language in PROMPT_FOLDERS for kind in ("", "-g722")),
    "pocketsphinx-testdata",
)


@dataclass(frozen=True)
class Recording:
    """One recording.

    Attributes:
        name: of its file.
        text: what is said.
        path: 16 kHz WAV.
    """

    name: str
    text: str
    path: Path

    def load(self) -> Speech:
        """Return it as engines hear it, with its text."""
        return load_speech(self.path, self.text)


def fetched(folder: Path) -> Path:
    """Return where the packages are unpacked, after fetching them once.

    Raises:
        MachineError: this machine has no Debian packages, or no network.
    """
    unpacked = folder / "unpacked"
    if unpacked.exists():
        return unpacked
    if shutil.which("apt-get") is None or shutil.which("dpkg-deb") is None:
        raise MachineError("the recordings are Debian packages, and this machine has no apt-get: use Debian or Ubuntu")
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=folder) as temporary:
        download = ["apt-get", "-q", "download", *PACKAGES]
        done = subprocess.run(download, cwd=temporary, check=False, capture_output=True, text=True)
        if done.returncode:
            raise MachineError("the recordings could not be fetched: run apt-get update, and look at the network")
        for package in Path(temporary).glob("*.deb"):
            subprocess.run(["dpkg-deb", "-x", str(package), f"{temporary}/all"], check=True)
        (Path(temporary) / "all").rename(unpacked)
    return unpacked


def prompts(folder: Path, language: str, least_words: int = 4) -> list[Recording]:
    """Return a language's prompts in the order of their names, those with so many words at least."""
    unpacked = fetched(folder)
    texts = unpacked / f"usr/share/doc/asterisk-core-sounds-{language}/core-sounds-{language}.txt.gz"
    sounds = unpacked / "usr/share/asterisk/sounds" / PROMPT_FOLDERS[language]
    found = []
    for line in gzip.decompress(texts.read_bytes()).decode("utf-8-sig").splitlines():
        name, colon, text = line.partition(": ")
        source = sounds / f"{name}.g722"
        spoken = bool(colon) and not re.search(r"[\[(<;]", line) and len(text.split()) >= least_words
        if spoken and source.exists():
            found.append(Recording(name, text.strip(), _wav(source, folder / "wav" / language, name)))
    return sorted(found, key=lambda one: one.name)


def readings(folder: Path) -> list[Recording]:
    """Return the recordings of the reader and of the card player."""
    return sorted(_readings(fetched(folder) / READINGS), key=lambda one: one.name)


def _readings(data: Path) -> Iterator[Recording]:
    for part, listing in (("librivox", "transcription"), ("cards", "cards.transcription")):
        for line in (data / part / listing).read_text(encoding="utf-8").splitlines():
            match = re.fullmatch(r"<s> (.*?) *</s> \((.*)\)", line.strip())
            if match:
                path = data / part / f"{match[2]}.wav"
                yield Recording(f"{part}-{match[2]}", match[1].capitalize() + ".", path)


def _wav(source: Path, folder: Path, name: str) -> Path:
    target = folder / f"{name.replace('/', '-')}.wav"
    if not target.exists():
        folder.mkdir(parents=True, exist_ok=True)
        part = target.with_suffix(".part")
        command = [ffmpeg_executable(), "-loglevel", "error", "-y", "-f", "g722", "-i", "pipe:0"]
        subprocess.run([*command, "-f", "wav", str(part)], input=source.read_bytes(), check=True)
        part.replace(target)
    return target
