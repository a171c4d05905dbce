"""The registry: which model is meant, whether it fits, and what is said when it does not."""

from __future__ import annotations

import dataclasses
import hashlib
from pathlib import Path

import pytest

from lipsync_colab.device import Machine
from lipsync_colab.errors import InputError, MachineError, WeightsError
from lipsync_colab.narrate import llm
from lipsync_colab.narrate.llm import EMBEDDED, MODELS, choose, is_present, open_model, room_for
from lipsync_colab.weights.cache import Environment
from lipsync_colab.weights.manifest import Manifest, manifest
from lipsync_colab.weights.store import Store

GB = 10**9
T4 = Machine("cuda", "T4", 2, 12 * GB, 15 * GB, 50 * GB, True)
SMALL = Machine("cpu", "small", 2, 2 * GB, 0, 50 * GB, True)


@pytest.fixture(autouse=True)
def everything_installed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(llm, "missing_packages", lambda runtime: [])


def test_every_model_has_its_weights_in_the_manifest() -> None:
    names = set(manifest().rows)
    for spec in MODELS.values():
        assert spec.weights in names or any(name.startswith(f"{spec.weights}/") for name in names), spec.name
        assert any(spec.name in row.engines for row in manifest().rows.values()), spec.name


def test_mistral_takes_what_was_measured() -> None:
    spec = MODELS["mistral-v0.3"]
    assert spec.memory("cuda") - llm.CACHE_BYTES == pytest.approx(4.14e9, rel=0.01)
    assert spec.memory("cpu") > spec.memory("cuda")


def test_auto_takes_the_embedded_model_where_nothing_else_is_present() -> None:
    spec, reason = choose("auto", T4, Store())
    assert spec.name == EMBEDDED and "weights fetch" in reason


def test_auto_takes_the_best_that_is_present_and_fits(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(llm, "is_present", lambda spec, store, progress: spec.name in ("mistral-v0.3", "qwen2.5-1.5b"))
    assert choose("auto", T4, Store())[0].name == "mistral-v0.3"
    assert choose("auto", dataclasses.replace(T4, device_memory=4 * GB), Store())[0].name == "qwen2.5-1.5b"
    assert choose("auto", dataclasses.replace(SMALL, memory=GB), Store())[0].name == EMBEDDED


def test_auto_finds_every_larger_model_there_is(monkeypatch: pytest.MonkeyPatch) -> None:
    assert {*llm.PREFERENCE, EMBEDDED} == set(MODELS)
    for name in llm.PREFERENCE:
        monkeypatch.setattr(llm, "is_present", lambda spec, store, progress, name=name: spec.name == name)
        assert choose("auto", T4, Store())[0].name == name


def test_auto_takes_the_runtime_that_suits_the_device(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(llm, "is_present", lambda spec, store, progress: spec.name.startswith("mistral"))
    large = dataclasses.replace(SMALL, memory=16 * GB)
    assert choose("auto", T4, Store())[0].name == "mistral-v0.3-4bit"
    assert choose("auto", large, Store())[0].name == "mistral-v0.3-gguf"


def test_auto_says_what_is_here_and_why_it_is_not_taken(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(llm, "_lies_here", lambda spec, store: spec.name == "mistral-v0.3")
    spec, reason = choose("auto", SMALL, Store())
    assert spec.name == EMBEDDED
    assert reason.startswith("mistral-v0.3 is on this machine and needs 5.") and "2.0 GB are free" in reason
    lacking = {"transformers": ["bitsandbytes"], "llama.cpp": []}
    monkeypatch.setattr(llm, "missing_packages", lambda runtime: lacking[runtime])
    assert "mistral-v0.3 is on this machine and needs bitsandbytes: the embedded" in choose("auto", T4, Store())[1]


def test_a_model_that_does_not_fit_names_its_size_and_a_smaller_one() -> None:
    with pytest.raises(MachineError, match=r"5\.\d GB and 2\.0 GB are free on the cpu.*--llm embedded"):
        choose("mistral", SMALL, Store())
    need, free = room_for(MODELS[EMBEDDED], SMALL)
    assert need < free


def test_an_unknown_name_lists_the_names() -> None:
    with pytest.raises(InputError, match=r"no language model 'gpt-9'.*mistral-v0\.3.*llama3-8b"):
        choose("gpt-9", T4, Store())


def test_missing_packages_name_the_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(llm, "missing_packages", lambda runtime: ["xllamacpp"])
    for name in ("embedded", "auto"):
        with pytest.raises(MachineError, match=r"xllamacpp: pip install 'lipsync-colab\[llm\]'"):
            choose(name, T4, Store())


def test_nothing_is_present_in_an_empty_cache() -> None:
    assert not is_present(MODELS["qwen2.5-0.5b"], Store())


def test_auto_shows_the_check_of_a_large_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    data = bytes(3 << 20)
    row = dataclasses.replace(
        manifest()["Mistral-7B-Instruct-v0.3-Q4_K_M.gguf"], size=len(data), sha256=hashlib.sha256(data).hexdigest()
    )
    store = Store(Environment(tmp_path, tmp_path / "hub"), Manifest({row.name: row}))
    place = store.inventory.cache.file(row.name)
    place.parent.mkdir(parents=True, exist_ok=True)
    place.write_bytes(data)
    seen: list[tuple[str, int, int]] = []
    spec, _ = choose("auto", T4, store, lambda *step: seen.append(step))
    assert spec.name == "mistral-v0.3-gguf"
    assert seen and seen[-1][1:] == (len(data), len(data))
    seen.clear()
    choose("auto", T4, store, lambda *step: seen.append(step))
    assert not seen


def test_terms_are_accepted_before_anything_is_fetched(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(llm, "inspect_machine", lambda device: T4)
    with pytest.raises(WeightsError, match="weights accept llama3-8b`"):
        open_model("llama3-8b")


def test_no_network_is_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(llm, "inspect_machine", lambda device: T4)
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    with pytest.raises(WeightsError):
        open_model("qwen2.5-0.5b")
