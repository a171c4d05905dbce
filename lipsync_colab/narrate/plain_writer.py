"""The small embedded model as a writer: free text in rounds, cut into sentences; a template when it rambles."""

from __future__ import annotations

import re
from collections.abc import Sequence

from lipsync_colab.narrate.llm import LanguageModel
from lipsync_colab.narrate.plain_text import usable_sentences, words_of
from lipsync_colab.narrate.script import Scene, Script
from lipsync_colab.phonemes.text import spoken_text
from lipsync_colab.types import Progress

ASPECTS = (
    "Explain in a few short, simple sentences, for a speaker to say aloud: {topic}",
    "Tell a listener something interesting in a few short sentences about this: {topic}",
    "Give one simple example, in a few short sentences, about this: {topic}",
    "Say in a few short sentences why this matters to people: {topic}",
    "Say in a few short sentences how this began, about: {topic}",
    "Give some friendly advice in a few short sentences about this: {topic}",
)
"""One request a round: a small model stays on its subject for a few sentences at most."""
ROUND_TOKENS = 110
SHORTEST_LIMIT = 8
"""Words that one sentence may have, however little is wanted in all."""
LONGEST_TOPIC = 240
"""Characters of a prompt that the template repeats."""
FEWEST_ROUNDS = 4
"""Asked before a template takes the model's place: for a few seconds' text two answers often hold nothing so short."""
ENOUGH = 0.85
"""Share of the wanted words below which one more round is asked for."""

TEMPLATE = (
    "Today we have one subject: {topic}.",
    "Let us begin.",
    "It is worth a moment of your time.",
    "Ask yourself what you already know, and what you have only heard.",
    "Look at it slowly, one part after another.",
    "Talk about it with somebody who sees things in another way.",
    "Small questions often lead further than large ones.",
    "Write down what surprises you, and come back to it tomorrow.",
    "That is how we learn about anything new.",
    "Thank you for listening.",
)
"""Sentences that are true of every subject, for when the model has none."""


def write_plainly(
    model: LanguageModel,
    prompt: str,
    words: int,
    language: str = "en",
    seed: int = 0,
    progress: Progress | None = None,
    earlier: Sequence[str] = (),
) -> Script:
    """Return a script of one scene, whose sentences hold on their own: each can be left out.

    The prompt can only bring words into it: the scene's other fields are never the model's.

    Args:
        model: a small one that cannot be asked for JSON.
        prompt: the subject.
        words: how many the script should have at least, roughly.
        language: of the scene.
        seed: of the first round.
        progress: ``("tokens", done, total)`` over all rounds.
        earlier: sentences of a first draft that more are added to.
    """
    topic = " ".join(spoken_text(prompt).split()).rstrip(" .!?")
    rounds = max(FEWEST_ROUNDS, min(3 * len(ASPECTS), 2 * (1 + words // 50)))
    found = list(earlier)
    wanted = words + _count(found)
    asked = 0
    while asked < rounds and _count(found) < wanted:
        request = ASPECTS[(asked + len(earlier)) % len(ASPECTS)].format(topic=topic)
        if asked == 0 and not earlier:
            request = request if _is_question(prompt) else f"{prompt.strip()}\nUse a few short sentences."
        tokens = min(ROUND_TOKENS, 40 + 2 * (wanted - _count(found)))
        answer = model.complete(request, tokens, seed + asked, progress=_shifted(progress, asked, rounds))
        found += usable_sentences(answer, found, max(SHORTEST_LIMIT, words))
        asked += 1
    if _count(found) < min(words, 20) * ENOUGH:
        note = f"{model.name} rambled in {asked} attempts: this is a fixed template about the prompt, not its writing"
        return Script((Scene(" ".join(_template(topic, words)), language),), "template", (note,))
    notes = (f"written by {model.name}, a very small model: check its facts before you use them",)
    return Script((Scene(" ".join(found), language),), model.name, notes)


def _count(found: list[str]) -> int:
    return sum(len(words_of(sentence)) for sentence in found)


def _is_question(prompt: str) -> bool:
    return not re.match(r"\s*(write|tell|say|explain|describe|give|make|tell|introduce|greet|welcome)\b", prompt, re.I)


def _template(topic: str, words: int) -> list[str]:
    short = topic if len(topic) <= LONGEST_TOPIC else topic[:LONGEST_TOPIC].rpartition(" ")[0]
    filled = [TEMPLATE[0].format(topic=short)]
    for sentence in TEMPLATE[1:-1]:
        if _count(filled) >= words:
            break
        filled.append(sentence)
    return [*filled, TEMPLATE[-1]] if _count(filled) < words else filled


def _shifted(progress: Progress | None, before: int, rounds: int) -> Progress | None:
    if progress is None:
        return None
    return lambda stage, done, total: progress(stage, before * total + done, rounds * total)
