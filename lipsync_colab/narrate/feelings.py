"""From a script's tags and stressed words to moods in time."""

from __future__ import annotations

from lipsync_colab.moods import EMPHASIS
from lipsync_colab.narrate.narration import Narration
from lipsync_colab.narrate.script import bare_words
from lipsync_colab.types import Mood, Phoneme

EARLY = 0.05
"""Seconds that a stressed word's brows begin before its first sound."""


def moods_of(said: Narration) -> tuple[Mood, ...]:
    """Return how the face feels during a narration: one mood for each scene, one for each stressed word.

    A scene's mood begins with its first sentence and lasts until the next scene's; the first holds from 0. Scenes
    that are neutral and move the head as usual have none.
    """
    scenes = said.script.scenes
    lines = said.lines
    starts = [min((line.start for line in lines if line.scene == index), default=0.0) for index in range(len(scenes))]
    starts[0] = 0.0
    ends = [*starts[1:], said.speech.seconds]
    moods: list[Mood] = []
    for scene, start, end in zip(scenes, starts, ends, strict=True):
        if scene.expression != "neutral" or scene.head_motion != 1:
            moods.append(Mood(start, end, scene.expression, 1.0, scene.head_motion))
        if scene.emphasis:
            spoken = [item for item in said.speech.phonemes or () if start <= item.start < end]
            moods += _stressed(spoken, scene.emphasis)
    return tuple(moods)


def _stressed(phonemes: list[Phoneme], words: tuple[str, ...]) -> list[Mood]:
    """One mood for each place where one of the words is said."""
    wanted = {bare_words(word)[0] for word in words}
    found: list[Mood] = []
    run: list[Phoneme] = []
    for item in [*phonemes, Phoneme("SIL", 0, 0)]:
        if run and (item.word != run[-1].word or item.start - run[-1].end > 0.02):
            if set(bare_words(run[0].word)) & wanted:
                found.append(Mood(max(0.0, run[0].start - EARLY), run[-1].end, EMPHASIS))
            run = []
        if item.word:
            run.append(item)
    return found
