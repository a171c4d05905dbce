"""What the network is taught on: cuts of the voices, heard elsewhere, encoded once."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import numpy as np
import pytest

from lipsync_colab.audio.level import levels
from lipsync_colab.engines.viseme.outputs import OUTPUTS
from lipsync_colab.phonemes.encoded import SIZE, WINDOW_STEPS
from lipsync_colab.training import acoustics, windows
from lipsync_colab.training.acoustics import in_a_room, sounding_elsewhere
from lipsync_colab.training.corpus import FULL, STEP_SAMPLES, VoiceData
from lipsync_colab.training.windows import ARRAYS, Windows, cut_of, load_windows, shares_of, window_of
from lipsync_colab.types import Array, Speech

RATE = 16_000
SECONDS = 10


def voice(key: str = "own-a", steps: int = 1500) -> VoiceData:
    """A voice that hums for half a second and rests for half a second, its jaw open while it hums."""
    humming = (np.arange(steps) // 25) % 2 == 0
    times = np.arange(STEP_SAMPLES * steps) / RATE
    samples = np.where(np.repeat(humming, STEP_SAMPLES), 0.1 * np.sin(2 * np.pi * 200 * times), 0)
    targets = np.zeros((steps, len(OUTPUTS)), np.float16)
    targets[humming, 0] = 1
    return VoiceData(key, np.round(samples * FULL).astype(np.int16), targets, np.where(humming, 3, 0).astype(np.uint8))


def loudness(samples: Array) -> Array:
    """Level of every step in dB."""
    return np.asarray(levels(Speech(samples, RATE)).reshape(-1, 2).max(axis=1), np.float32)


def test_cuts_keep_sound_and_mouth_together() -> None:
    silent, begun, ended = 0, 0, 0
    for seed in range(80):
        cut = cut_of([voice()], np.random.default_rng(seed))
        assert cut.samples.shape == (RATE * SECONDS,) and cut.targets.shape == (WINDOW_STEPS, len(OUTPUTS))
        np.testing.assert_array_equal(loudness(cut.samples) > -40, cut.targets[:, 0] > 0.5)
        np.testing.assert_array_equal(cut.phones == 3, cut.targets[:, 0] > 0.5)
        said = np.flatnonzero(cut.phones)
        silent += not len(said)
        begun += cut.begins > 0
        ended += cut.ends < WINDOW_STEPS
        assert not len(said) or (cut.begins <= said[0] and said[-1] < cut.ends)
    assert 0 < silent < 10 and 2 < begun < 20 and 2 < ended < 20


def test_a_short_voice_is_followed_by_silence() -> None:
    cut = cut_of([voice(steps=200)], np.random.default_rng(3))
    assert cut.samples.shape == (RATE * SECONDS,) and not cut.samples[STEP_SAMPLES * 200 :].any()
    assert not cut.targets[200:].any() and not cut.phones[200:].any()


def test_programs_share_the_windows() -> None:
    voices = [voice("kokoro-a"), voice("kokoro-b"), voice("own-a"), voice("flite-a", 600), voice("pico-a", 2400)]
    shares = shares_of(voices)
    assert shares.sum() == pytest.approx(1)
    assert shares[:2].sum() == pytest.approx(windows.SHARES["kokoro"])
    assert shares[2] == pytest.approx(windows.SHARES["own"])
    assert shares[4] == pytest.approx(2 * shares[3])
    assert shares_of(voices[:3]).sum() == pytest.approx(1) and shares_of(voices[3:]).sum() == pytest.approx(1)


def test_windows_repeat_and_end_where_the_recording_ends(monkeypatch: pytest.MonkeyPatch) -> None:
    heard: list[Array] = []

    def encoded(samples: Array) -> Array:
        heard.append(samples)
        return np.zeros((WINDOW_STEPS, SIZE), np.float32)

    monkeypatch.setattr(windows, "encoded", encoded)
    monkeypatch.setattr(windows, "BEGINNINGS", 1.0)
    monkeypatch.setattr(windows, "CUT_OFF", 1.0)
    for seed in (1, 1, 2):
        window_of([voice()], np.random.default_rng(seed))
    np.testing.assert_array_equal(heard[0], heard[1])
    assert not np.array_equal(heard[0], heard[2])
    for samples in heard:
        silent = np.flatnonzero(samples)[0] // STEP_SAMPLES
        assert 50 - windows.LEAD <= silent < 120


def test_loudness_does_not_matter_much_and_silence_stays_finite(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(windows, "encoded", lambda samples: samples[:: STEP_SAMPLES // 4])
    quiet = dataclasses.replace(voice(), samples=(voice().samples // 30).astype(np.int16))
    loud = [np.abs(window_of([one], np.random.default_rng(7))[0]).max() for one in (voice(), quiet)]
    assert loud[0] == pytest.approx(loud[1], rel=0.1)
    nobody = dataclasses.replace(voice(), samples=np.zeros_like(voice().samples))
    assert all(np.isfinite(window_of([nobody], np.random.default_rng(seed))[0]).all() for seed in range(8))


def test_elsewhere_sounds_otherwise_but_keeps_time() -> None:
    clean = cut_of([voice()], np.random.default_rng(50)).samples
    others = np.random.default_rng(0).normal(0, 0.05, len(clean)).astype(np.float32)
    found = [sounding_elsewhere(clean, others, np.random.default_rng(seed)) for seed in range(20)]
    assert all(one.shape == clean.shape and one.dtype == np.float32 and np.isfinite(one).all() for one in found)
    # With 4 dB and more between voice and noise the loud steps stay the loud ones.
    alike = [np.corrcoef(loudness(clean) > -40, loudness(one))[0, 1] for one in found]
    assert np.median(alike) > 0.8 and min(alike) > 0.4
    assert np.std([loudness(one).min() for one in found]) > 5
    np.testing.assert_array_equal(found[4], sounding_elsewhere(clean, others, np.random.default_rng(4)))


def test_noise_lies_within_its_range(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("IN_A_ROOM", "COMING_AND_GOING", "TELEPHONES", "POOR_CODECS", "SWELLS_DB", "EQUALISER_DB"):
        monkeypatch.setattr(acoustics, name, 0.0)
    monkeypatch.setattr(acoustics, "NOISY", 1.0)
    voiced = np.sin(2 * np.pi * 200 * np.arange(RATE * SECONDS) / RATE).astype(np.float32)
    others = np.random.default_rng(0).normal(0, 1, len(voiced)).astype(np.float32)
    for seed in range(12):
        noise = sounding_elsewhere(voiced, others, np.random.default_rng(seed)) - voiced
        assert 3.5 < 10 * np.log10(np.mean(voiced**2) / np.mean(noise**2)) < 32.5
    nobody = sounding_elsewhere(0 * voiced, others, np.random.default_rng(0))
    assert 0 < np.mean(nobody**2) < 1e-5


def test_a_room_rings_after_the_sound() -> None:
    click = np.zeros(RATE, np.float32)
    click[1000] = 1
    heard = in_a_room(click, np.random.default_rng(2))
    assert heard[1000] > 0.8 and np.allclose(heard[:1000], 0, atol=1e-6)
    assert 10 ** (-2.1) < np.sum(heard[1001:] ** 2) < 10 ** (-0.1)
    assert np.sum(heard[1001:3000] ** 2) > np.sum(heard[3000:5000] ** 2)


def test_windows_are_made_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The second time they are only read."""
    monkeypatch.setattr(windows, "LOT", 2)
    monkeypatch.setattr(windows, "load_corpus", lambda *rest: [voice()])
    monkeypatch.setattr(windows, "processes", Here)
    windows._voices.cache_clear()
    made = load_windows(tmp_path, 3, 5, lambda line: None)
    assert isinstance(made, Windows) and len(made) == 3
    for name, (kind, shape) in ARRAYS.items():
        array = getattr(made, name)
        assert array.shape == (3, *shape) and array.dtype == kind
    assert np.abs(made.encodings.astype(np.float32)).mean(axis=(1, 2)).min() > 0.1
    monkeypatch.setattr(windows, "processes", None)
    np.testing.assert_array_equal(load_windows(tmp_path, 3, 5, lambda line: None).encodings, made.encodings)
    windows._voices.cache_clear()


class Here:
    """A pool that does everything itself."""

    def __enter__(self) -> Here:
        return self

    def __exit__(self, *told: object) -> None:
        pass

    map = staticmethod(map)
