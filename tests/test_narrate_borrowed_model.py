"""A model's memory is back before rendering starts: measured on the process, and on a GPU where there is one."""

from __future__ import annotations

import pytest
from scripted_model import ScriptedModel

from lipsync_colab.errors import InputError
from lipsync_colab.narrate import borrowed_model, llm
from lipsync_colab.narrate.borrowed_model import BorrowedModel, MemoryLevel
from lipsync_colab.narrate.llm import MODELS

MB = 1_000_000


@pytest.fixture()
def small_model(weights_cache: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LIPSYNC_COLAB_CACHE", weights_cache)


def test_the_embedded_model_gives_its_memory_back(small_model: None) -> None:
    for _ in range(2):  # the first time, libraries are loaded too, and they stay
        with BorrowedModel("embedded") as borrowed:
            assert borrowed.model.complete("Name a colour.", 4)
            assert "still loaded" in borrowed.account
    assert borrowed.held is not None and borrowed.after is not None
    taken = borrowed.held.host - borrowed.before.host
    assert taken > MODELS[llm.EMBEDDED].size
    assert abs(borrowed.after.host - borrowed.before.host) < 0.2 * taken
    assert borrowed.account.endswith("MB of memory were given back when smollm2-135m-gguf was closed")


def levels(monkeypatch: pytest.MonkeyPatch, *device: int) -> None:
    left = iter(device)
    monkeypatch.setattr(borrowed_model, "memory_level", lambda: MemoryLevel(100 * MB, next(left) * MB))
    monkeypatch.setattr(llm, "open_model", lambda *words: (ScriptedModel("x"), "it was asked for"))


def test_a_gpus_memory_is_told_and_what_is_still_held_is_not_hidden(monkeypatch: pytest.MonkeyPatch) -> None:
    levels(monkeypatch, 7, 7, 4147, 7)
    with BorrowedModel() as borrowed:
        assert borrowed.reason == "it was asked for"
    assert borrowed.account == "4140 MB of the GPU's memory were given back when scripted was closed"
    levels(monkeypatch, 7, 7, 4147, 57)
    with BorrowedModel() as borrowed:
        pass
    assert borrowed.account.endswith("; 50 MB of the GPU are still held")


def test_a_model_is_closed_when_writing_fails(monkeypatch: pytest.MonkeyPatch) -> None:
    model = ScriptedModel("x")
    monkeypatch.setattr(llm, "open_model", lambda *words: (model, ""))
    with pytest.raises(InputError), BorrowedModel():
        raise InputError("no script")
    assert model.closed
