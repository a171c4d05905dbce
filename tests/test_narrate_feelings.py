"""Tags and stressed words of a script, in time."""

from __future__ import annotations

import pytest

from lipsync_colab.moods import EMPHASIS
from lipsync_colab.narrate.feelings import moods_of
from lipsync_colab.narrate.narration import Narration, speak_script
from lipsync_colab.narrate.script import Scene, Script
from lipsync_colab.types import Mood


@pytest.fixture(scope="module")
def said() -> Narration:
    scenes = (
        Scene("We saw a big map.", expression="happy", pause=0.4, emphasis=("big",)),
        Scene("It was not ours.", head_motion=0.5),
        Scene("We went home.", expression="sad"),
    )
    return speak_script(Script(scenes))


def test_each_scene_is_one_mood_and_they_meet(said: Narration) -> None:
    moods = [mood for mood in moods_of(said) if mood.tag != EMPHASIS]
    assert [(mood.tag, mood.head) for mood in moods] == [("happy", 1.0), ("neutral", 0.5), ("sad", 1.0)]
    assert moods[0].start == 0 and moods[-1].end == said.speech.seconds
    for scene, mood, following in zip((1, 2), moods, moods[1:], strict=False):
        line = next(line for line in said.lines if line.scene == scene)
        assert mood.end == following.start == line.start


def test_a_stressed_word_is_a_mood_of_its_length(said: Narration) -> None:
    (stressed,) = [mood for mood in moods_of(said) if mood.tag == EMPHASIS]
    sounds = [item for item in said.speech.phonemes or () if item.word == "big"]
    assert stressed.start <= sounds[0].start <= stressed.start + 0.06 and stressed.end == sounds[-1].end


def test_plain_scenes_have_none() -> None:
    assert moods_of(speak_script(Script((Scene("Hello."),)))) == ()


def test_a_mood_is_part_of_what_a_plan_is() -> None:
    assert Mood(0, 1, "happy") != Mood(0, 1, "sad") and hash(Mood(0, 1, "sad")) == hash(Mood(0, 1, "sad"))
