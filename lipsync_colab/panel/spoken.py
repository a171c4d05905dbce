"""Written texts as sound, kept beside the videos: a render that goes on in another runtime needs the same samples."""

from __future__ import annotations

import dataclasses
import hashlib
import json
from pathlib import Path

from lipsync_colab.audio import load_speech
from lipsync_colab.narrate.narration import speak_script
from lipsync_colab.narrate.script import Scene, Script
from lipsync_colab.narrate.voice import available_voices
from lipsync_colab.narrate.voices import voice_info
from lipsync_colab.types import Phoneme, Progress, Speech

DESCRIPTIONS = {"hibari": "a woman", "joe": "a man"}


def voice_choices() -> list[tuple[str, str]]:
    """Return the voices that can speak here: a label for people, and the name."""
    named = [(name, DESCRIPTIONS.get(name, ""), voice_info(name).language) for name in available_voices()]
    return [(f"{name.capitalize()} ({', '.join(filter(None, (who, code)))})", name) for name, who, code in named]


def spoken_seconds(text: str, voice: str) -> float:
    """Return about how long a voice takes for a text, before it is spoken."""
    return len(text.split()) / voice_info(voice).pace


def spoken(text: str, voice: str, folder: Path, progress: Progress) -> Speech:
    """Return a text as speech: read from the folder where it was spoken before, spoken into it otherwise.

    Args:
        text: in the voice's language.
        voice: a name of :data:`~lipsync_colab.narrate.voices.REGISTRY`.
        folder: where sounds and their phonemes are kept.
        progress: ``("sentences", done, total)``.

    Raises:
        InputError: there is nothing to say, or it is not in the voice's letters.
    """
    name = hashlib.sha256(f"{voice}\n{text}".encode()).hexdigest()[:12]
    sound, times = folder / f"voice-{name}.wav", folder / f"voice-{name}.json"
    if not (sound.is_file() and times.is_file()):
        folder.mkdir(parents=True, exist_ok=True)
        said = speak_script(Script((Scene(text, language=voice_info(voice).language),)), voice, 0, progress)
        said.write(sound)
        part = times.with_name(times.name + ".part")
        part.write_text(json.dumps([dataclasses.asdict(one) for one in said.speech.phonemes or ()]), encoding="utf-8")
        part.replace(times)
    phonemes = tuple(Phoneme(**values) for values in json.loads(times.read_text(encoding="utf-8")))
    return dataclasses.replace(load_speech(sound), phonemes=phonemes, text=text)
