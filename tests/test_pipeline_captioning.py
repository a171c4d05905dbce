"""Which captions a render gets, and what it says when there can be none."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from material import frames_of, hopper, tone

from lipsync_colab import load_speech, prepare, render_video, speak
from lipsync_colab.errors import InputError
from lipsync_colab.narrate.caption_files import parse_srt
from lipsync_colab.phonemes.recogniser import REMEDY, recogniser_available
from lipsync_colab.phonemes.source import timed_phonemes
from lipsync_colab.pipeline.captioning import make_captions
from lipsync_colab.types import RenderSettings, Speech

TEXT = "Bob may buy my big map. We move, pause, and open the map again."
SIZE = (240, 280)


@pytest.fixture(scope="module")
def speech() -> Speech:
    return speak(TEXT)


def test_files_and_picture_are_cut_each_for_its_own_width(speech: Speech) -> None:
    drawn, written = make_captions(speech, SIZE, RenderSettings(captions="both"))
    assert " ".join(one.text for one in drawn).split() == " ".join(one.text for one in written).split() == TEXT.split()
    assert len(drawn) >= len(written)
    assert make_captions(speech, SIZE, RenderSettings(captions="srt"))[0] == ()
    assert make_captions(speech, SIZE, RenderSettings(captions="burn"))[1] == ()
    assert make_captions(speech, SIZE, RenderSettings()) == ((), ())


def test_a_recording_with_its_text_is_aligned(tmp_path: Path) -> None:
    spoken = speak(TEXT, path=tmp_path / "voice.wav")
    recording = load_speech(tmp_path / "voice.wav", TEXT)
    own, aligned = (make_captions(one, SIZE, RenderSettings(captions="srt"))[1] for one in (spoken, recording))
    assert [one.text for one in own] == [one.text for one in aligned]
    assert max(abs(a.start - b.start) for a, b in zip(own, aligned, strict=True)) < 0.12


def test_a_recording_alone_or_with_another_text_is_refused(tmp_path: Path) -> None:
    settings = RenderSettings(captions="srt", size="240x280")
    with pytest.raises(InputError, match=r"--text.*pip install faster-whisper"):
        prepare(hopper(), tone(tmp_path / "v.wav", 1.0), tmp_path / "o.mp4", settings)
    recording = load_speech(
        tmp_path / "v.wav", "A very long text that nobody can have said in one second, at all. " * 9
    )
    with pytest.raises(InputError, match="could not be aligned"):
        make_captions(recording, SIZE, settings)


@pytest.mark.recogniser
@pytest.mark.skipif(not recogniser_available(), reason=REMEDY)
def test_a_recording_alone_gets_the_words_that_are_recognised(tmp_path: Path) -> None:
    text = "She wrote a long letter to her oldest friend. The garden gate was open all night."
    spoken = speak(text, path=tmp_path / "voice.wav")
    settings = RenderSettings(captions="srt", size="240x280")
    job = prepare(hopper(), tmp_path / "voice.wav", tmp_path / "o.mp4", settings)
    own = make_captions(spoken, SIZE, settings)[1]
    assert [one.text for one in job.captions] == [one.text for one in own]
    assert max(abs(a.start - b.start) for a, b in zip(job.captions, own, strict=True)) < 0.12
    assert any("a recogniser heard" in reason for reason in job.plan.reasons)
    assert timed_phonemes(job.speech)[1] == "recogniser"
    with pytest.raises(InputError, match="not sure of the words"):
        prepare(hopper(), tone(tmp_path / "v.wav", 1.0), tmp_path / "o.mp4", settings)


def test_a_text_that_the_font_lacks_is_refused_for_the_picture_only(speech: Speech) -> None:
    other = Speech(speech.samples, speech.rate, None, speech.phonemes, f"{TEXT} 你")
    with pytest.raises(InputError, match="cannot show '你'"):
        make_captions(other, SIZE, RenderSettings(captions="burn"))
    assert make_captions(other, SIZE, RenderSettings(captions="srt"))[1][-1].text.endswith("你")


def test_drawn_captions_change_nothing_outside_the_plate(tmp_path: Path) -> None:
    voice = speak("Bob may buy my big map.", path=tmp_path / "voice.wav")
    plain = RenderSettings(size="240x280", head_motion=0.0, crf=0)
    files = {}
    for captions in ("none", "both"):
        out = tmp_path / f"{captions}.mp4"
        settings = RenderSettings(**{**vars(plain), "captions": captions})
        result = render_video(hopper(), voice, out, settings)
        files[captions] = frames_of(out).astype(int)
    captions = parse_srt((tmp_path / "both.srt").read_text())
    assert not (tmp_path / "none.srt").exists() and result.plan.captions
    changed = np.any(np.abs(files["both"] - files["none"]) > 6, axis=(2, 3))
    shown = [any(one.start <= (i + 0.5) / 25 < one.end for one in result.plan.captions) for i in range(len(changed))]
    assert changed.any(axis=1).tolist() == shown
    assert not changed[:, :200].any() and captions[0].text == "Bob may buy my big map."


def test_asking_for_files_keeps_what_was_rendered(tmp_path: Path) -> None:
    speak("Hello.", path=tmp_path / "v.wav")
    digests = {
        captions: prepare(
            hopper(), load_speech(tmp_path / "v.wav", "Hello."), tmp_path / "o.mp4", RenderSettings(captions=captions)
        ).plan.digest
        for captions in ("none", "srt", "burn", "both")
    }
    assert digests["none"] == digests["srt"] != digests["burn"] == digests["both"]
