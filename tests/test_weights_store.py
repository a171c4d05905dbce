"""The store against a Hub on loopback: what goes right, and every way in which a download goes wrong."""

from __future__ import annotations

import dataclasses
import os
import shutil
from pathlib import Path

import pytest
from hub_server import COMMIT, PAGE, Entry, HubServer
from weights_fixtures import content_of, hub_home, row_of, store_of

from lipsync_colab.errors import WeightsError
from lipsync_colab.weights.cache import Environment
from lipsync_colab.weights.store import Store, path_of

CONTENT = content_of(1_300_001)
ROW = row_of("model.safetensors", CONTENT, [hub_home()])
KEY = "team/model/model.bin"


def serving(*faults: str, **values: object) -> HubServer:
    hub = HubServer()
    hub.entries[KEY] = Entry(CONTENT, list(faults), **values)  # type: ignore[arg-type]
    return hub


def files_under(folder: Path) -> list[str]:
    """Names of everything that could pass for a finished weight."""
    places = [folder / "own" / "files", *(folder / "hub").glob("*/snapshots"), *(folder / "hub").glob("*/blobs")]
    found = [path for place in places for path in place.rglob("*") if path.is_file()]
    return sorted(path.name for path in found if not path.name.endswith(".incomplete"))


def test_a_download_lands_in_the_hubs_own_layout(tmp_path: Path) -> None:
    with serving() as hub:
        store = store_of(tmp_path, hub, ROW)
        seen: list[tuple[str, int, int]] = []
        [fetched] = store.fetch(["engine"], progress=lambda *values: seen.append(values))
    assert fetched.path.read_bytes() == CONTENT
    assert fetched.path == tmp_path / "hub" / "models--team--model" / "snapshots" / COMMIT / "model.bin"
    assert str(fetched.source) == f"team/model@{COMMIT[:8]}"
    assert ("model.safetensors", len(CONTENT), len(CONTENT)) in seen
    assert [done for stage, done, _ in seen if stage == "model.safetensors"] == sorted(
        done for stage, done, _ in seen if stage == "model.safetensors"
    )


def test_the_hubs_own_client_finds_what_was_fetched(tmp_path: Path) -> None:
    from huggingface_hub import hf_hub_download, try_to_load_from_cache

    row = row_of("model.safetensors", CONTENT, [hub_home(revision="")])
    with serving() as hub:
        path = store_of(tmp_path, hub, row).path_of("model.safetensors")
    assert try_to_load_from_cache("team/model", "model.bin", cache_dir=tmp_path / "hub") == str(path)
    again = hf_hub_download("team/model", "model.bin", cache_dir=tmp_path / "hub", local_files_only=True)
    assert Path(again).read_bytes() == CONTENT


def test_what_the_hubs_own_client_fetched_is_used(tmp_path: Path) -> None:
    from huggingface_hub import hf_hub_download

    with serving() as hub:
        theirs = hf_hub_download(
            "team/model", "model.bin", revision=COMMIT, cache_dir=tmp_path / "hub", endpoint=hub.endpoint
        )
    assert str(store_of(tmp_path, None, ROW).path_of("model.safetensors")) == theirs


def test_a_present_file_costs_no_request_and_no_second_hash(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with serving() as hub:
        path = store_of(tmp_path, hub, ROW).path_of("model.safetensors")
        asked = len(hub.requests)
        monkeypatch.setattr("lipsync_colab.weights.cache.sha256_of", None)
        assert store_of(tmp_path, hub, ROW).path_of("model.safetensors") == path
        assert len(hub.requests) == asked


def test_a_changed_time_costs_a_hash_and_a_changed_byte_a_download(tmp_path: Path) -> None:
    with serving() as hub:
        store = store_of(tmp_path, hub, ROW)
        path = store.path_of("model.safetensors")
        asked = len(hub.gets())
        os.utime(path, ns=(1, 1))
        assert store.path_of("model.safetensors") == path
        assert len(hub.gets()) == asked
        path.write_bytes(b"x" + CONTENT[1:])
        assert store.inventory.state(store.manifest["model.safetensors"]) == "corrupt"
        assert store.path_of("model.safetensors").read_bytes() == CONTENT
    assert len(list((tmp_path / "own" / "quarantine").iterdir())) == 1


def test_verify_hashes_again_even_if_the_time_did_not_change(tmp_path: Path) -> None:
    with serving() as hub:
        store = store_of(tmp_path, hub, ROW)
        path = store.path_of("model.safetensors")
    assert [finding.right for finding in store.verify()] == [True]
    status = path.stat()
    path.write_bytes(CONTENT[:-1] + bytes([CONTENT[-1] ^ 1]))
    os.utime(path, ns=(status.st_atime_ns, status.st_mtime_ns))
    [finding] = store.verify()
    assert not finding.right
    assert finding.expected == ROW["sha256"]
    assert store.inventory.state(store.manifest["model.safetensors"]) == "corrupt"


def test_a_cut_is_resumed_within_one_run(tmp_path: Path) -> None:
    with serving("cut:600000", "") as hub:
        path = store_of(tmp_path, hub, ROW).path_of("model.safetensors")
        assert path.read_bytes() == CONTENT
        resumed = [wanted for wanted in hub.gets() if wanted]
        assert resumed
        assert resumed[-1] == "bytes=524288-"


def test_a_cut_is_resumed_by_the_next_run(tmp_path: Path) -> None:
    with serving("cut:600000", "cut:0", "cut:0", "") as hub:
        with pytest.raises(WeightsError, match=r"connection was lost .* goes on where it stopped"):
            store_of(tmp_path, hub, ROW).path_of("model.safetensors")
        assert files_under(tmp_path) == []
        hub.entries[KEY].faults = []
        asked = len(hub.gets())
        assert store_of(tmp_path, hub, ROW).path_of("model.safetensors").read_bytes() == CONTENT
        assert "bytes=524288-" in hub.gets()[asked:]


def test_a_server_that_cannot_resume_sends_all_of_it(tmp_path: Path) -> None:
    with serving("cut:600000", "norange") as hub:
        assert store_of(tmp_path, hub, ROW).path_of("model.safetensors").read_bytes() == CONTENT


def test_a_wrong_start_from_an_earlier_run_is_thrown_away(tmp_path: Path) -> None:
    blobs = tmp_path / "hub" / "models--team--model" / "blobs"
    blobs.mkdir(parents=True)
    (blobs / f"{ROW['sha256']}.lipsync-colab.incomplete").write_bytes(b"\0" * 500_000)
    with serving() as hub:
        assert store_of(tmp_path, hub, ROW).path_of("model.safetensors").read_bytes() == CONTENT
        assert hub.gets() == ["bytes=500000-"] * 2 + [""] * 2  # asked of the Hub, then of its storage


@pytest.mark.parametrize(
    ("fault", "told"),
    [
        ("wrong", r"sha256 is [0-9a-f]{64}, expected [0-9a-f]{64}; the file was moved to .*quarantine"),
        ("truncated", "has 1,300,000 bytes, expected 1,300,001"),
        ("html", "web page instead of the file"),
        ("404", "status 404"),
        ("503", "status 503"),
        ("stall:100000", r"connection was lost .*check the network"),
    ],
)
def test_a_bad_download_is_one_line_and_leaves_nothing(tmp_path: Path, fault: str, told: str) -> None:
    with serving(fault) as hub, pytest.raises(WeightsError, match=told) as caught:
        store_of(tmp_path, hub, ROW).path_of("model.safetensors")
    assert "\n" not in str(caught.value)
    assert "model.safetensors could not be fetched" in str(caught.value)
    assert files_under(tmp_path) == []


def test_a_truncated_file_whose_server_lies_about_its_size(tmp_path: Path) -> None:
    short = CONTENT[:-10]
    with serving() as hub:
        hub.entries[KEY] = Entry(short)
        with pytest.raises(WeightsError, match=r"has 1,299,991 bytes, expected 1,300,001; it was not fetched"):
            store_of(tmp_path, hub, ROW).path_of("model.safetensors")
        assert hub.gets() == []


def test_a_web_page_under_an_innocent_type_is_recognised(tmp_path: Path) -> None:
    row = {**ROW, "size": None}
    with serving() as hub:
        hub.entries[KEY] = Entry(PAGE)
        with pytest.raises(WeightsError, match="it is a web page, not a weight"):
            store_of(tmp_path, hub, row).path_of("model.safetensors")
    assert files_under(tmp_path) == []


def test_a_stall_is_given_up_and_resumed(tmp_path: Path) -> None:
    with serving("stall:600000", "") as hub:
        assert store_of(tmp_path, hub, ROW).path_of("model.safetensors").read_bytes() == CONTENT
        assert hub.gets()[-1] == "bytes=524288-"


def test_slow_is_not_stalled(tmp_path: Path) -> None:
    with serving("slow:0.05") as hub:  # 20 pieces: longer in all than the timeout of 0.5 s
        assert store_of(tmp_path, hub, ROW).path_of("model.safetensors").read_bytes() == CONTENT


def test_a_404_falls_through_to_the_second_home(tmp_path: Path) -> None:
    row = row_of("model.safetensors", CONTENT, [hub_home("gone/model"), hub_home()])
    with serving() as hub:
        [fetched] = store_of(tmp_path, hub, row).fetch(["model.safetensors"])
    assert str(fetched.source).startswith("team/model@")


def test_a_wrong_byte_falls_through_to_the_second_home(tmp_path: Path) -> None:
    row = row_of("model.safetensors", CONTENT, [hub_home("bad/model"), hub_home()])
    with serving() as hub:
        hub.entries["bad/model/model.bin"] = Entry(CONTENT, ["wrong"])
        [fetched] = store_of(tmp_path, hub, row).fetch(["all"])
        assert fetched.path.read_bytes() == CONTENT
        assert str(fetched.source).startswith("team/model@")


@pytest.mark.parametrize(
    ("refusal", "told"),
    [
        ((403, "GatedRepo"), "gated .* HF_TOKEN"),
        ((401, "RepoNotFound"), "no such repository, or it is private"),
        ((404, "EntryNotFound"), "no such file"),
        ((404, "RevisionNotFound"), "no longer has that revision"),
        ((500, ""), "status 500"),
    ],
)
def test_refusals_say_what_to_do(tmp_path: Path, refusal: tuple[int, str], told: str) -> None:
    with serving(refusal=refusal) as hub, pytest.raises(WeightsError, match=told):
        store_of(tmp_path, hub, ROW).path_of("model.safetensors")


def test_the_token_reaches_the_hub_and_not_the_storage(tmp_path: Path) -> None:
    with serving() as hub:
        store_of(tmp_path, hub, ROW, token="hf_secret").path_of("model.safetensors")
        assert "Bearer hf_secret" in hub.tokens
        assert hub.storage_tokens == {None}


def test_no_network_is_one_line(tmp_path: Path) -> None:
    with pytest.raises(WeightsError, match=r"cannot be reached .* check the network"):
        store_of(tmp_path, None, ROW).path_of("model.safetensors")


def test_offline_asks_nobody(tmp_path: Path) -> None:
    with serving() as hub:
        with pytest.raises(WeightsError, match="HF_HUB_OFFLINE is set"):
            store_of(tmp_path, hub, ROW, offline=True).path_of("model.safetensors")
        assert hub.requests == []


def test_another_commit_than_the_pinned_one_is_not_taken(tmp_path: Path) -> None:
    other = "ab" * 20
    with serving() as hub:
        row = row_of("model.safetensors", CONTENT, [hub_home(revision=other)])
        with pytest.raises(WeightsError, match="could not be fetched"):
            store_of(tmp_path, hub, row).path_of("model.safetensors")


def test_a_folder_that_cannot_be_written(tmp_path: Path) -> None:
    (tmp_path / "own").write_text("a file where the folder should be")
    with serving() as hub, pytest.raises(WeightsError, match="set LIPSYNC_COLAB_CACHE"):
        store_of(tmp_path, hub, ROW).path_of("model.safetensors")


def test_files_of_a_model_come_together_in_one_folder(tmp_path: Path) -> None:
    config = b'{"model_type": "tiny"}'
    rows = [
        row_of("tiny/model.safetensors", CONTENT, [hub_home()]),
        row_of("tiny/config.json", config, [hub_home("else/where", "config.json")]),
    ]
    with serving() as hub:
        hub.entries["else/where/config.json"] = Entry(config, plain=True)
        store = store_of(tmp_path, hub, *rows)
        folder = store.folder_of("tiny")
        assert store.folder_of("tiny") == folder
    assert (folder / "config.json").read_bytes() == config
    assert (folder / "model.safetensors").read_bytes() == CONTENT
    with pytest.raises(WeightsError, match="no weight is called"):
        store.folder_of("huge")


def test_names_are_rows_engines_or_all(tmp_path: Path) -> None:
    store = store_of(tmp_path, None, ROW, row_of("b.onnx", b"b", [], engines=["other"]))
    assert [row.name for row in store.manifest.select(["other", "model.safetensors", "other"])] == [
        "b.onnx",
        "model.safetensors",
    ]
    assert len(store.manifest.select(["all"])) == 2
    assert store.manifest["b"].name == "b.onnx"
    with pytest.raises(WeightsError, match="no weight is called 'c'"):
        store.manifest.select(["c"])


def test_face_landmarker_comes_out_of_a_package() -> None:
    path = path_of("face_landmarker.task")
    assert path.stat().st_size == 3758596
    assert Store().path_of("face_landmarker.task") == path


def test_the_environment_names_the_folders(tmp_path: Path) -> None:
    read = Environment.read
    home = str(tmp_path)
    assert read({"HF_HOME": home}).root == tmp_path / "lipsync-colab"
    assert read({"HF_HOME": home}).hub == tmp_path / "hub"
    assert read({"HF_HOME": home, "HF_HUB_CACHE": "/elsewhere"}).hub == Path("/elsewhere")
    assert read({"XDG_CACHE_HOME": home}).root == tmp_path / "huggingface" / "lipsync-colab"
    assert read({"HF_HOME": home, "LIPSYNC_COLAB_CACHE": "/own"}).root == Path("/own")
    assert read({"HF_HUB_OFFLINE": "yes"}).offline
    assert not read({"HF_HUB_OFFLINE": "0"}).offline
    assert read({"HF_ENDPOINT": "http://h/"}).endpoint == "http://h"


def test_a_cache_that_was_moved_still_serves(tmp_path: Path) -> None:
    with serving() as hub:
        store_of(tmp_path / "a", hub, ROW).path_of("model.safetensors")
    shutil.move(tmp_path / "a", tmp_path / "b")
    store = store_of(tmp_path / "b", None, ROW)
    assert store.path_of("model.safetensors").read_bytes() == CONTENT
    assert dataclasses.asdict(store.environment)["root"] == tmp_path / "b" / "own"
