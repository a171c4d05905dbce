"""Which bytes are trusted, and on whose word."""

from __future__ import annotations

import json
import os
import pickle
import shutil
from pathlib import Path

import pytest
from hub_server import COMMIT, Entry, HubServer
from weights_fixtures import content_of, document_of, hub_home, manifest_of, row_of, store_of

from lipsync_colab.errors import WeightsError
from lipsync_colab.weights.cache import Cache
from lipsync_colab.weights.manifest import parse

CONTENT = content_of(300_000)
OTHER = content_of(300_000, seed=2)
KEY = "team/model/model.bin"
UNKNOWN = row_of("model.safetensors", None, [hub_home()])


def test_a_pickle_with_no_known_hash_is_refused(tmp_path: Path) -> None:
    row = {**UNKNOWN, "format": "pickle"}
    with HubServer() as hub:
        hub.entries[KEY] = Entry(CONTENT)
        store = store_of(tmp_path, hub, row)
        assert store.inventory.state(store.manifest["model"]) == "refused"
        with pytest.raises(WeightsError, match=r"pickle with no known sha256 .* --file PATH --sha256 HEX"):
            store.path_of("model.safetensors")
        assert hub.requests == []


def test_a_file_without_code_is_recorded_at_its_first_fetch_and_held_to_it(tmp_path: Path) -> None:
    with HubServer() as hub:
        hub.entries[KEY] = Entry(CONTENT)
        store = store_of(tmp_path, hub, UNKNOWN)
        path = store.path_of("model.safetensors")
        entry = json.loads((tmp_path / "own" / "lock.json").read_text())["model.safetensors"]
        assert entry["sha256"] == hub.entries[KEY].sha256
        assert entry["origin"] == f"team/model@{COMMIT}/model.bin"
        shutil.rmtree(tmp_path / "hub")
        hub.entries[KEY] = Entry(OTHER)
        with pytest.raises(WeightsError, match=rf"expected {entry['sha256']}"):
            store.path_of("model.safetensors")
    assert not path.exists()


def test_a_first_fetch_must_match_the_hubs_own_hash(tmp_path: Path) -> None:
    with HubServer() as hub:
        hub.entries[KEY] = Entry(CONTENT, ["wrong"])
        with pytest.raises(WeightsError, match="sha256 is"):
            store_of(tmp_path, hub, UNKNOWN).path_of("model.safetensors")
    assert not (tmp_path / "own" / "lock.json").exists()


def test_a_moving_revision_is_not_trusted(tmp_path: Path) -> None:
    with HubServer() as hub:
        hub.entries[KEY] = Entry(CONTENT)
        store = store_of(tmp_path, hub, row_of("model.safetensors", None, [hub_home(revision="")]))
        with pytest.raises(WeightsError, match="no home at a fixed commit"):
            store.path_of("model.safetensors")
        assert hub.requests == []


def test_a_person_brings_a_pickle_and_its_hash(tmp_path: Path) -> None:
    brought = tmp_path / "brought.pt"
    brought.write_bytes(CONTENT)
    store = store_of(tmp_path, None, {**UNKNOWN, "format": "pickle"})
    right = Entry(CONTENT).sha256
    with pytest.raises(WeightsError, match="say it with --sha256"):
        store.adopt("model.safetensors", brought)
    with pytest.raises(WeightsError, match=rf"is not model.safetensors: its sha256 is {right}"):
        store.adopt("model.safetensors", brought, "0" * 64)
    path = store.adopt("model.safetensors", brought, right.upper())
    assert store.path_of("model.safetensors") == path
    assert path.read_bytes() == CONTENT
    path.write_bytes(OTHER)
    assert store.inventory.state(store.manifest["model"]) == "corrupt"


def test_what_a_person_brings_is_held_to_the_manifest(tmp_path: Path) -> None:
    brought = tmp_path / "brought.pt"
    brought.write_bytes(OTHER)
    store = store_of(tmp_path, None, row_of("model.safetensors", CONTENT, []))
    with pytest.raises(WeightsError, match="expected"):
        store.adopt("model.safetensors", brought, Entry(OTHER).sha256)
    with pytest.raises(WeightsError, match="there is no file"):
        store.adopt("model.safetensors", tmp_path / "nothing")
    assert store.inventory.find(store.manifest["model"]) is None


class Trap:
    """Writes a file when it is unpickled without care."""

    def __init__(self, marker: Path) -> None:
        self.marker = marker

    def __reduce__(self) -> tuple[object, tuple[str]]:
        return os.mkdir, (str(self.marker),)


def test_a_malicious_pickle_does_not_run(tmp_path: Path) -> None:
    pytest.importorskip("torch")
    from lipsync_colab.weights.load import load_state_dict

    marker = tmp_path / "it-ran"
    trap = pickle.dumps({"state_dict": Trap(marker)}, protocol=2)
    row = row_of("model.pth", trap, [hub_home()], format="pickle")
    with HubServer() as hub:
        hub.entries[KEY] = Entry(trap)
        store = store_of(tmp_path, hub, row)
        with pytest.raises(WeightsError, match="was not loaded, because that could run code"):
            load_state_dict("model.pth", store=store)
    assert not marker.exists()
    pickle.loads(trap)
    assert marker.exists()  # the trap is real: only the loader's care kept it shut


@pytest.mark.parametrize("name", ["../evil", "/etc/passwd", "a/../../b", "C:\\x", ".hidden", "a//b", ""])
def test_names_that_leave_the_cache_are_refused(tmp_path: Path, name: str) -> None:
    with pytest.raises(WeightsError, match="refused"):
        manifest_of(row_of(name, CONTENT, []))
    with pytest.raises(WeightsError, match="refused"):
        manifest_of(row_of("model", CONTENT, [hub_home(filename=name)]))
    with pytest.raises(WeightsError, match="would leave the cache"):
        Cache(tmp_path).file(name)


def test_a_servers_etag_cannot_leave_the_cache(tmp_path: Path) -> None:
    with HubServer() as hub:
        hub.entries[KEY] = Entry(CONTENT, etag="../../../../evil")
        with pytest.raises(WeightsError, match="no Hub's answer"):
            store_of(tmp_path, hub, row_of("model.bin", CONTENT, [hub_home()])).path_of("model.bin")
    assert not list(tmp_path.rglob("evil*"))


def test_only_https_and_full_commits(tmp_path: Path) -> None:
    with pytest.raises(WeightsError, match="no https address"):
        manifest_of(row_of("model", CONTENT, [{"kind": "link", "url": "http://example.org/model"}]))
    with pytest.raises(WeightsError, match="no full commit hash"):
        manifest_of(row_of("model", CONTENT, [hub_home(revision="main")]))
    with pytest.raises(WeightsError, match="twice"):
        parse(document_of(row_of("model", CONTENT, []), row_of("model", CONTENT, [])))
