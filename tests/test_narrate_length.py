"""How often the smallest model's words, spoken, are as long as was asked."""

from __future__ import annotations

import pytest

from lipsync_colab.narrate.llm import open_model
from lipsync_colab.narrate.narration import TOLERANCE, narrate

PROMPTS = (
    "Why the sea is salt",
    "Why cats sleep so much",
    "Introduce our bakery in Lyon",
    "How a bicycle stays upright",
    "The history of coffee",
    "Welcome visitors to the museum of clocks",
)


@pytest.mark.slow
def test_most_texts_of_the_embedded_model_have_the_length(weights_cache: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LIPSYNC_COLAB_CACHE", weights_cache)
    asked = [(prompt, seconds) for prompt in PROMPTS for seconds in (4, 6, 8, 12, 20)]
    fitting = 0
    with open_model("embedded")[0] as model:
        for prompt, seconds in asked:
            said = narrate(model, prompt, seconds)
            fits = abs(said.speech.seconds - seconds) <= TOLERANCE * seconds
            fitting += fits
            assert fits or "were asked for" in said.script.notes[-1]  # what does not fit says so
            print(f"{seconds} s: {said.speech.seconds:.1f} s by {said.script.writer}: {said.script.text}")
    print(f"{fitting} of {len(asked)} within a tenth")
    assert fitting >= 0.8 * len(asked)
