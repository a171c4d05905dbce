"""Mistral's GGUF mixture, Q4_K_M, through llama.cpp: a tiny one with random weights, made here."""

from __future__ import annotations

import re

import pytest
from tiny_gguf import write_tiny

from lipsync_colab.errors import InputError, RenderError
from lipsync_colab.narrate.llama_cpp_llm import LlamaCppModel
from lipsync_colab.narrate.llm import EMBEDDED, MODELS
from lipsync_colab.narrate.script import parse_answer, schema
from lipsync_colab.narrate.writer import write
from lipsync_colab.weights.store import Store

pytest.importorskip("xllamacpp")


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory, weights_cache: str) -> LlamaCppModel:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("LIPSYNC_COLAB_CACHE", weights_cache)
        donor = Store().path_of(MODELS[EMBEDDED].weights)
    path = tmp_path_factory.mktemp("gguf") / "tiny.Q4_K_M.gguf"
    write_tiny(path, donor)
    return LlamaCppModel("tiny", path, context=2048)


def test_it_answers_and_repeats_itself_by_seed(model: LlamaCppModel) -> None:
    first, again, other = (model.complete("Hello", 12, seed=seed) for seed in (1, 1, 2))
    assert first == again != other


def test_whatever_its_weights_say_it_keeps_to_the_scripts_schema(model: LlamaCppModel) -> None:
    """Random weights babble; the grammar alone makes a document of it, until the tokens run out."""
    babble = model.complete("Hello", 40, seed=3, schema=schema("en", 2))
    assert re.match(r'\s*\{\s*"scenes"', babble), babble
    assert "{" not in model.complete("Hello", 40, seed=3)[:3]
    with pytest.raises(InputError):  # it never closes its text
        parse_answer(babble, "en")


def test_two_answers_without_an_end_are_one_line(model: LlamaCppModel) -> None:
    with pytest.raises(InputError, match="tiny wrote no valid script in two attempts") as caught:
        write(model, "our bakery", 10, 4)
    assert "\n" not in str(caught.value)


def test_closed_is_closed(model: LlamaCppModel) -> None:
    model.close()
    with pytest.raises(RenderError, match="closed"):
        model.complete("Hello", 4)
