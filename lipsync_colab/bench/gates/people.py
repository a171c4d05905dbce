"""Gates on recordings of people in any language, of whose sounds no times are known."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import numpy as np
from scipy import signal

from lipsync_colab.audio import load_speech
from lipsync_colab.audio.level import STEP, levels
from lipsync_colab.audio.voicing import voiced_gate
from lipsync_colab.bench.gates.gate import Gate
from lipsync_colab.bench.gates.voices import SETTLED, closures, openings, unread_track, within
from lipsync_colab.engines.viseme.mouth import Mouth
from lipsync_colab.phonemes.recogniser import understood
from lipsync_colab.types import Array, RenderPlan, Speech

SOUNDS = {".wav", ".flac", ".mp3", ".ogg", ".m4a"}
SHORTEST_PAUSE = 2 * SETTLED + 0.08
"""Seconds of silence that leave two frames well inside."""
PRESSED = 0.9
"""Lips count as closed from here on."""
DIP = 6.0
"""dB by which the middle of the spectrum falls while lips are closed, at least."""
MIDDLE = (500.0, 3500.0)
"""Hz, of it."""
AROUND = 0.15
"""Seconds about a closure in which its loudest neighbour is looked for."""


def people(folder: Path | None) -> dict[str, Speech]:
    """Return the recordings of a folder by name.

    Raises:
        InputError: one cannot be read.
    """
    files = sorted(folder.iterdir()) if folder is not None and folder.is_dir() else []
    return {path.stem: load_speech(path) for path in files if path.suffix.lower() in SOUNDS}


def person_gates(speech: Speech, name: str, plan: RenderPlan, mouth: Mouth) -> list[Gate]:
    """Measure what the engine makes of a recording without a recogniser.

    Args:
        speech: the recording.
        name: its name.
        plan: of its render, for rate and length.
        mouth: any; whose lips are moved matters little.
    """
    track = unread_track(speech, plan)
    opening = openings(mouth, track)
    gate = voiced_gate(speech)
    figures = {"human dips": dips(speech, track.channel("press"), float(plan.rate))}
    heard = understood(speech, gate)
    if heard is not None and heard.trusted:
        figures["human closures"] = closures(opening, heard.phonemes, plan.rate)
    pauses = gate.pauses(SHORTEST_PAUSE)
    if pauses:
        motion = np.abs(np.diff(opening))
        resting = np.zeros(len(motion), bool)
        for start, end in pauses:
            resting[within((start + SETTLED, end - SETTLED), plan.rate)] = True
        figures["human silence"] = float(motion[resting].mean() / motion[~resting].mean())
    return [Gate(name, "", gate_name, value) for gate_name, value in figures.items()]


def dips(speech: Speech, press: Array, rate: float) -> float:
    """Return at which share of closures the middle of the spectrum falls silent; NaN when the lips never close."""
    band = signal.butter(4, MIDDLE, "bandpass", fs=speech.rate, output="sos")
    filtered = signal.sosfiltfilt(band, speech.samples).astype(np.float32)
    level = levels(dataclasses.replace(speech, samples=filtered, track=None))
    edges = np.flatnonzero(np.diff(np.concatenate([[0], (press >= PRESSED).astype(np.int8), [0]])))
    falls = [_fall(level, (first + 0.5) / rate, (last - 0.5) / rate) for first, last in edges.reshape(-1, 2)]
    return float(np.mean(np.array(falls) >= DIP)) if falls else float("nan")


def _fall(level: Array, start: float, end: float) -> float:
    """Return by how many dB the level falls between two seconds, against the loudest moment around them."""
    first, last = int(max(start - 0.03, 0) / STEP), int((end + 0.03) / STEP) + 1
    around = level[max(first - round(AROUND / STEP), 0) : last + round(AROUND / STEP)]
    inside = level[first:last]
    return float(around.max() - inside.min()) if len(inside) else 0.0
