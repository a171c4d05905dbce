"""Speech → mouth track: closed where lips close, open in vowels, at rest in silence."""

from __future__ import annotations

import dataclasses
import sys
from fractions import Fraction

import numpy as np
import pytest

from lipsync_colab.audio.level import SpeechGate, frame_times
from lipsync_colab.engines.viseme import track as track_module
from lipsync_colab.engines.viseme.motion import CHANNELS, LIFE, MotionTrack
from lipsync_colab.engines.viseme.track import mouth_track
from lipsync_colab.narrate.voice import speak
from lipsync_colab.phonemes import recogniser
from lipsync_colab.phonemes import source as source_module
from lipsync_colab.phonemes.arpabet import CLOSURES, SILENCE, VOWELS
from lipsync_colab.phonemes.recogniser import Heard
from lipsync_colab.phonemes.source import aligned_words
from lipsync_colab.types import Phoneme, Speech, frame_count

LINE = "Mama baked apple pie for Bob. Baby Bobby, probably, saw a warm blue moon over the farm."
RATES = [Fraction(24000, 1001), Fraction(25), Fraction(30), Fraction(50), Fraction(60)]


@pytest.fixture(scope="module")
def speech() -> Speech:
    return speak(LINE)


def track_of(speech: Speech, fps: Fraction = Fraction(25), expression: float = 1.0) -> MotionTrack:
    return mouth_track(speech, fps, frame_count(speech.seconds, fps), expression)


def bare(speech: Speech) -> Speech:
    return dataclasses.replace(speech, phonemes=None, text="")


def during(speech: Speech, track: MotionTrack, fps: Fraction, one: Phoneme, margin: float = 0.0) -> np.ndarray:
    times = frame_times(fps, len(track))
    return (times >= one.start - margin) & (times <= one.end + margin)


@pytest.mark.parametrize("fps", RATES)
def test_all_closures_and_no_shut_vowel(speech: Speech, fps: Fraction) -> None:
    track = track_of(speech, fps)
    assert track.source == "phonemes" and len(track) == frame_count(speech.seconds, fps)
    shut, vowel_frames = 0, 0
    for one in speech.phonemes or ():
        if one.symbol in CLOSURES:
            assert track.channel("press")[during(speech, track, fps, one, 0.5 / fps)].max() > 0.99, one
        if one.symbol in VOWELS:
            inside = during(speech, track, fps, one, -0.015)
            shut += int((track.channel("press")[inside] > 0.7).sum())
            vowel_frames += int(inside.sum())
    assert shut < 0.08 * vowel_frames


def test_vowels_open_by_their_kind(speech: Speech) -> None:
    fps = Fraction(50)
    track = track_of(speech, fps)

    def mean(name: str, symbols: set[str]) -> float:
        masks = [during(speech, track, fps, one) for one in speech.phonemes or () if one.symbol in symbols]
        return float(track.channel(name)[np.any(masks, axis=0)].mean())

    assert mean("jaw", {"AA", "AE"}) > 2 * mean("jaw", {"UW", "IY"})
    assert mean("round", {"UW", "W"}) > 3 * mean("round", {"AE", "IY"})
    assert mean("wide", {"IY"}) > 3 * mean("wide", {"UW", "W"})
    assert mean("tuck", {"F", "V"}) > 0.5 > 5 * mean("tuck", {"AA", "B"})


def test_silence_is_exactly_rest(speech: Speech) -> None:
    track = track_of(speech)
    times = frame_times(Fraction(25), len(track))
    checked = 0
    for one in speech.phonemes or ():
        if one.symbol == SILENCE and one.end - one.start > 0.5:
            inside = (times > one.start + 0.25) & (times < one.end - 0.2)
            assert not track.values[inside].any()
            checked += int(inside.sum())
    assert checked


def test_life_is_left_alone_and_values_are_in_range(speech: Speech) -> None:
    for expression in (0.5, 1.0, 2.0):
        values = track_of(speech, expression=expression).values
        assert values.dtype == np.float32 and values.min() >= 0 and values.max() <= 1
        assert not values[:, CHANNELS.index(LIFE[0]) :].any()


def test_expression_scales(speech: Speech) -> None:
    none, half, whole = (track_of(speech, expression=amount) for amount in (0.0, 0.5, 1.0))
    assert not none.values.any()
    np.testing.assert_allclose(half.channel("jaw") * 2, whole.channel("jaw"), atol=1e-6)


def test_loud_opens_wider_than_soft() -> None:
    rate, seconds = 16_000, 2.0
    times = np.arange(round(rate * seconds)) / rate
    loud = np.where(times < 1, 0.5, 0.1) * np.sin(2 * np.pi * 150 * times)
    phonemes = tuple(Phoneme("EH", at / 5, at / 5 + 0.2, 1) for at in range(10))
    jaw = track_of(Speech(loud.astype(np.float32), rate, phonemes=phonemes)).channel("jaw")
    assert jaw[8:20].mean() > 1.15 * jaw[32:45].mean() > 0.3


def test_frames_beyond_the_sound_rest(speech: Speech) -> None:
    track = mouth_track(speech, Fraction(25), 500)
    assert not track.values[frame_count(speech.seconds, Fraction(25)) + 5 :].any()


def test_no_voice_no_motion() -> None:
    silent = Speech(np.zeros(16_000, np.float32), 16_000)
    assert not track_of(silent).values.any()
    tiny = track_of(Speech(np.full(800, 0.1, np.float32), 16_000))
    assert len(tiny) == 2


def test_the_same_speech_gives_the_same_track(speech: Speech) -> None:
    np.testing.assert_array_equal(track_of(speech).values, track_of(dataclasses.replace(speech)).values)


def test_energy_moves_the_jaw_when_nobody_is_heard(speech: Speech, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(track_module, "speaks", lambda outputs: False)
    found = track_of(bare(speech))
    assert found.source == "energy"
    known = track_of(speech)
    assert np.corrcoef(found.channel("jaw"), known.channel("jaw"))[0, 1] > 0.4
    assert not found.values[~known.values.any(axis=1)].max(initial=0) > 0.2
    assert not found.channel("press").any()


@pytest.mark.parametrize(("sphinx", "source", "alike"), [(True, "phone loop", 0.6), (False, "energy", 0.4)])
def test_without_the_encoder_something_still_moves_the_lips(
    speech: Speech, monkeypatch: pytest.MonkeyPatch, sphinx: bool, source: str, alike: float
) -> None:
    monkeypatch.setattr(recogniser, "PACKAGE", "no_such_package")
    if not sphinx:
        monkeypatch.setitem(sys.modules, "pocketsphinx", None)
    found = track_of(bare(speech))
    assert found.source == source
    assert np.corrcoef(found.channel("jaw"), track_of(speech).channel("jaw"))[0, 1] > alike


def test_the_aligner_is_not_needed_to_hear(speech: Speech, monkeypatch: pytest.MonkeyPatch) -> None:
    heard = track_of(bare(speech))
    monkeypatch.setitem(sys.modules, "pocketsphinx", None)
    np.testing.assert_array_equal(track_of(bare(speech)).values, heard.values)


def test_noise_does_not_move_a_pause(speech: Speech) -> None:
    noise = np.random.default_rng(0).standard_normal(len(speech.samples) + 32_000).astype(np.float32)
    heard = np.pad(speech.samples, (0, 32_000)) + 0.1 * speech.samples.std() * noise
    found = mouth_track(Speech(heard, speech.rate), Fraction(25), frame_count(len(heard) / speech.rate, Fraction(25)))
    assert found.source == "learned"
    frames = frame_count(speech.seconds, Fraction(25))
    assert np.corrcoef(found.channel("jaw")[:frames], track_of(speech).channel("jaw"))[0, 1] > 0.8
    assert not found.values[frames + 10 : -5].any()


def guess(monkeypatch: pytest.MonkeyPatch, text: str, confidence: float) -> None:
    """Let the recogniser make out these words, as sure as this."""
    monkeypatch.setattr(recogniser, "recogniser_available", lambda: True)
    monkeypatch.setattr(recogniser, "recognise", lambda speech: Heard(text, confidence))


def test_a_guess_at_the_words_is_held_against_the_sound(speech: Speech, monkeypatch: pytest.MonkeyPatch) -> None:
    alone = track_of(bare(speech))
    assert alone.source == "learned"
    guess(monkeypatch, LINE, 0.55)
    found = track_of(bare(speech))
    assert found.source == "recogniser"
    known = track_of(speech).channel("jaw")
    alike = [np.corrcoef(track.channel("jaw"), known)[0, 1] for track in (alone, found)]
    assert min(alike) > 0.8
    guess(monkeypatch, "one after another they went their own way home and never looked again at the farm", 0.55)
    other = track_of(bare(speech))
    assert other.source == "learned"
    np.testing.assert_array_equal(other.values, alone.values)


def test_words_are_not_followed_because_the_recogniser_is_sure(speech: Speech, monkeypatch: pytest.MonkeyPatch) -> None:
    wrong = "one after another they went their own way home and never looked again at the farm"
    for text, confidence, source in ((LINE, 0.51, "recogniser"), (LINE, 0.49, "learned"), (wrong, 0.95, "learned")):
        guess(monkeypatch, text, confidence)
        assert track_of(bare(speech)).source == source


def test_a_text_that_is_not_what_is_said_is_not_followed(speech: Speech, monkeypatch: pytest.MonkeyPatch) -> None:
    """The aligner takes Spanish texts of Spanish voices, by English sounds; here it finds the phonemes backwards."""
    frames = frame_count(speech.seconds, Fraction(25))
    assert mouth_track(bare(speech), Fraction(25), frames, text=LINE).source == "alignment"
    turned = tuple(
        dataclasses.replace(one, start=speech.seconds - one.end, end=speech.seconds - one.start)
        for one in reversed(speech.phonemes or ())
    )
    monkeypatch.setattr(source_module, "align", lambda *given: turned)
    assert [one.source for one in aligned_words(bare(speech), LINE, SpeechGate.of(speech))] == ["alignment"]
    assert mouth_track(bare(speech), Fraction(25), frames, text=LINE).source == "learned"
    guess(monkeypatch, LINE, 0.9)
    assert mouth_track(bare(speech), Fraction(25), frames, text=LINE).source == "recogniser"


def test_the_sound_alone_comes_near_the_known_phonemes(speech: Speech) -> None:
    found = track_of(bare(speech))
    assert found.source == "learned"
    assert np.corrcoef(found.channel("jaw"), track_of(speech).channel("jaw"))[0, 1] > 0.85
    aligned = mouth_track(
        dataclasses.replace(speech, phonemes=None, text=""), Fraction(25), len(found), text=speech.text
    )
    assert aligned.source == "alignment"
    assert np.corrcoef(aligned.channel("jaw"), track_of(speech).channel("jaw"))[0, 1] > 0.8
