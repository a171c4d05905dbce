"""What is heard in one scene: a voice or a recording, with the silence that its cross-fades need."""

from __future__ import annotations

import dataclasses
import hashlib
import subprocess
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import soundfile

from lipsync_colab.audio import load_speech
from lipsync_colab.audio.decode import RATE
from lipsync_colab.audio.ffmpeg import ffmpeg_executable, untrusted_input
from lipsync_colab.audio.level import STEP, SpeechGate
from lipsync_colab.audio.load import check_file
from lipsync_colab.errors import InputError
from lipsync_colab.narrate.feelings import moods_of
from lipsync_colab.narrate.narration import speak_script
from lipsync_colab.narrate.storyboard import Shot
from lipsync_colab.narrate.voice import resampled
from lipsync_colab.phonemes.timing import shifted, tiled
from lipsync_colab.pipeline.segments import file_digest
from lipsync_colab.types import Array, Mood, Progress, Speech

SOUND_RATE = 48_000
"""Samples per second of the joined sound."""
BLOCK = 1 << 18


@dataclass(frozen=True)
class Room:
    """Silence that a scene must have at its ends, in seconds, so that no voice lies within a cross-fade.

    Attributes:
        before: until the first sound.
        after: from the last sound on.
    """

    before: float = 0.0
    after: float = 0.0


@dataclass(frozen=True, eq=False)
class ShotSound:
    """What one scene says.

    Attributes:
        speech: at 16 kHz; its track is the 48 kHz WAV that is joined.
        spoken: seconds from the first sound to the last.
    """

    speech: Speech
    spoken: float


def shot_sound(shot: Shot, room: Room, folder: Path, seed: int, progress: Progress) -> ShotSound:
    """Return what a scene says; its track is a 48 kHz WAV in ``folder``, named for what it holds.

    Args:
        shot: a scene.
        room: that its cross-fades need; only what is missing is added.
        folder: for sounds.
        seed: of the voice's breath.
        progress: of the sentences.

    Raises:
        InputError: the recording cannot be read, or is no sound.
        LipSyncError: the voice cannot speak here.
    """
    if shot.recording is not None:
        return _recorded(shot, room, folder)
    assert shot.script is not None
    said = speak_script(shot.script, shot.voice, seed, progress)
    speech = said.speech
    heard = [item for item in speech.phonemes or () if item.word]
    first, last = (heard[0].start, heard[-1].end) if heard else (0.0, speech.seconds)
    before, after = max(0.0, room.before - first), max(0.0, room.after - (speech.seconds - last))
    sound = _padded(resampled(said.sound, said.rate, SOUND_RATE), before, after, SOUND_RATE)
    samples = _padded(speech.samples, before, after, RATE)
    moods = _later(moods_of(said), before, speech.seconds, len(samples) / RATE)
    phonemes = tiled(shifted(speech.phonemes or (), before), len(samples) / RATE)
    return ShotSound(Speech(samples, RATE, _kept(sound, folder), phonemes, speech.text, moods), last - first)


def _padded(samples: Array, before: float, after: float, rate: int) -> Array:
    return np.pad(samples, (round(before * rate), round(after * rate)))


def _later(moods: tuple[Mood, ...], before: float, end: float, whole: float) -> tuple[Mood, ...]:
    """Return moods after some silence; those that touched an end reach through the silence there."""
    return tuple(
        dataclasses.replace(
            mood,
            start=0.0 if mood.start <= 0 else mood.start + before,
            end=whole if mood.end >= end - 1e-6 else mood.end + before,
        )
        for mood in moods
    )


def _kept(sound: Array, folder: Path) -> Path:
    """Write a sound under its hash, so that the same words are the same file."""
    pcm = np.rint(np.clip(sound, -1, 1) * 32767).astype(np.int16)
    path = folder / f"voice-{hashlib.sha256(pcm.tobytes()).hexdigest()[:16]}.wav"
    if not path.exists():
        part = path.with_suffix(".part")
        soundfile.write(part, pcm, SOUND_RATE, "PCM_16", format="WAV")
        part.replace(path)
    return path


def _recorded(shot: Shot, room: Room, folder: Path) -> ShotSound:
    """Decode a recording once, by blocks, and lay silence round it."""
    assert shot.recording is not None
    check_file(shot.recording)
    gate = SpeechGate.of(load_speech(shot.recording))
    spoken = np.flatnonzero(gate.active)
    if not len(spoken):
        raise InputError(f"'{shot.recording.name}' holds no voice: record it again, louder")
    silence = (float(spoken[0]) * STEP, (len(gate.active) - float(spoken[-1]) - 1) * STEP)
    after = max(shot.pause, room.after - silence[1])
    path = _decoded(shot.recording, max(0.0, room.before - silence[0]), after, folder)
    speech = load_speech(path, shot.text)
    plain = shot.expression == "neutral" and shot.head_motion == 1
    moods = () if plain else (Mood(0.0, speech.seconds, shot.expression, 1.0, shot.head_motion),)
    spoken_seconds = float(spoken[-1] + 1 - spoken[0]) * STEP
    return ShotSound(dataclasses.replace(speech, moods=moods), spoken_seconds)


def _decoded(recording: Path, before: float, after: float, folder: Path) -> Path:
    """Return a recording as a 48 kHz WAV of at most two channels between two silences."""
    part = folder / "recording.part"
    command = [
        *(ffmpeg_executable(), "-nostdin", "-y", "-loglevel", "error", *untrusted_input(recording)),
        *("-map", "0:a:0", "-vn", "-sn", "-dn", "-af", "aresample=async=1:first_pts=0", "-ar", str(SOUND_RATE)),
        *("-c:a", "pcm_s16le", "-fflags", "+bitexact", "-flags:a", "+bitexact", "-f", "wav"),
    ]
    raw = folder / "decoded.part"
    try:
        for channels in ([], ["-ac", "2"]):
            done = subprocess.run(
                [*command, *channels, str(raw)], stdin=subprocess.DEVNULL, capture_output=True, check=False
            )
            if done.returncode != 0:
                raise InputError(f"'{recording.name}' is not sound that can be read: give wav, flac, mp3, m4a or ogg")
            with soundfile.SoundFile(raw) as sound:
                if sound.channels <= 2:
                    break
        with (
            soundfile.SoundFile(raw) as sound,
            soundfile.SoundFile(part, "w", SOUND_RATE, sound.channels, subtype="PCM_16", format="WAV") as out,
        ):
            out.write(np.zeros((round(before * SOUND_RATE), sound.channels), np.int16))
            for block in sound.blocks(BLOCK, dtype="int16", always_2d=True):
                out.write(block)
            out.write(np.zeros((round(after * SOUND_RATE), sound.channels), np.int16))
        path = folder / f"voice-{file_digest(part)[:16]}.wav"
        part.replace(path)
        return path
    finally:
        raw.unlink(missing_ok=True)
        part.unlink(missing_ok=True)
