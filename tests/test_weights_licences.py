"""Terms that a person accepts by name, before the first use."""

from __future__ import annotations

import dataclasses
import datetime
import json
from pathlib import Path

import pytest
from hub_server import Entry, HubServer
from weights_fixtures import content_of, hub_home, row_of, store_of

from lipsync_colab.errors import WeightsError

CONTENT = content_of(50_000)
ROW = row_of("model.safetensors", CONTENT, [hub_home()], licence="closed")


def test_the_first_use_stops_with_the_terms(tmp_path: Path) -> None:
    with HubServer() as hub:
        hub.entries["team/model/model.bin"] = Entry(CONTENT)
        store = store_of(tmp_path, hub, ROW)
        with pytest.raises(WeightsError) as caught:
            store.path_of("model.safetensors")
        assert hub.requests == []
        text = str(caught.value)
        assert "For research only. Nothing may be sold." in text
        assert "lipsync-colab weights accept model.safetensors" in text
        assert "forbid commercial use" in text
        store.accept(["model.safetensors"])
        assert store.path_of("model.safetensors").read_bytes() == CONTENT
    record = json.loads((tmp_path / "own" / "accepted.json").read_text())["model.safetensors"]
    assert datetime.date.fromisoformat(record["date"]) <= datetime.datetime.now(datetime.UTC).date()
    assert record["licence"] == "Research only"


def test_a_file_that_is_here_is_not_used_without_acceptance_either(tmp_path: Path) -> None:
    store = store_of(tmp_path, None, ROW)
    path = store.inventory.cache.file("model.safetensors")
    path.parent.mkdir(parents=True)
    path.write_bytes(CONTENT)
    with pytest.raises(WeightsError, match="accept"):
        store.path_of("model.safetensors")
    assert store.path_of("model.safetensors", accept=["model.safetensors"]) == path
    assert store_of(tmp_path, None, ROW).path_of("model.safetensors") == path


def test_new_terms_have_to_be_accepted_anew(tmp_path: Path) -> None:
    store = store_of(tmp_path, None, ROW)
    row = store.manifest["model.safetensors"]
    assert store.accept(["engine"]) == [row]
    assert store.accept(["engine"]) == []
    licence = dataclasses.replace(row.licence, terms="Stricter now. Ask first.")
    assert store.acceptances.missing([dataclasses.replace(row, licence=licence)])


def test_terms_that_allow_everything_need_nothing(tmp_path: Path) -> None:
    store = store_of(tmp_path, None, {**ROW, "licence": "free"})
    assert store.accept(["all"]) == []
    store.acceptances.require(store.manifest.rows.values())


def test_a_torn_record_counts_as_none(tmp_path: Path) -> None:
    store = store_of(tmp_path, None, ROW)
    store.accept(["all"])
    (tmp_path / "own" / "accepted.json").write_text('{"model.saf')
    assert store.acceptances.date(store.manifest["model.safetensors"]) is None


def test_a_record_that_cannot_be_written_is_one_line(tmp_path: Path) -> None:
    (tmp_path / "own").write_text("a file where the folder should be")
    with pytest.raises(WeightsError, match=r"cannot be written .* LIPSYNC_COLAB_CACHE"):
        store_of(tmp_path, None, ROW).accept(["all"])
