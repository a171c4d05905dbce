"""Mirrors: out to a folder, back from it, and folders that lie."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hub_server import Entry, HubServer
from weights_fixtures import content_of, hub_home, row_of, store_of

from lipsync_colab.errors import WeightsError
from lipsync_colab.weights.mirror import Mirror

CONTENT = content_of(400_000)
ROW = row_of("part/model.safetensors", CONTENT, [hub_home()])
KEY = "team/model/model.bin"


def mirrored(folder: Path, row: dict[str, object] = ROW, content: bytes = CONTENT) -> Path:
    """A mirror that was made from a store that had the file."""
    with HubServer() as hub:
        hub.entries[KEY] = Entry(content)
        store = store_of(folder / "first", hub, row)
        store.fetch(["all"])
        assert [one.name for one in store.mirror(folder / "drive", ["all"])] == ["part/model.safetensors"]
        assert store.mirror(folder / "drive", ["all"]) == []
    return folder / "drive"


def test_there_and_back_with_no_network(tmp_path: Path) -> None:
    drive = mirrored(tmp_path)
    assert json.loads((drive / "mirror.json").read_text())["part/model.safetensors"]["sha256"] == ROW["sha256"]
    store = store_of(tmp_path / "second", None, ROW, offline=True)
    [fetched] = store.fetch(["all"], mirror=drive)
    assert fetched.source == Mirror(drive)
    assert fetched.path.read_bytes() == CONTENT
    assert not list(drive.rglob("*.part"))


def test_a_wrong_byte_in_the_mirror_is_told_and_passed_over(tmp_path: Path) -> None:
    drive = mirrored(tmp_path)
    wrong = b"x" + CONTENT[1:]
    (drive / "part" / "model.safetensors").write_bytes(wrong)
    with pytest.raises(WeightsError, match=r"mirror .*drive: sha256 is .* could not|mirror .*drive: sha256 is"):
        store_of(tmp_path / "second", None, ROW).fetch(["all"], mirror=drive)
    with HubServer() as hub:
        hub.entries[KEY] = Entry(CONTENT)
        [fetched] = store_of(tmp_path / "third", hub, ROW).fetch(["all"], mirror=drive)
    assert str(fetched.source).startswith("team/model@")
    assert (drive / "part" / "model.safetensors").read_bytes() == wrong  # not ours to move


def test_a_damaged_mirror_is_repaired_by_the_next_copy(tmp_path: Path) -> None:
    drive = mirrored(tmp_path)
    (drive / "part" / "model.safetensors").write_bytes(CONTENT[:-1])
    store = store_of(tmp_path / "first", None, ROW)
    assert len(store.mirror(drive, ["all"])) == 1
    assert (drive / "part" / "model.safetensors").read_bytes() == CONTENT


def test_an_empty_mirror_is_no_harm(tmp_path: Path) -> None:
    with HubServer() as hub:
        hub.entries[KEY] = Entry(CONTENT)
        [fetched] = store_of(tmp_path, hub, ROW).fetch(["all"], mirror=tmp_path / "nothing")
    assert fetched.path.read_bytes() == CONTENT


@pytest.mark.parametrize("name", ["../../evil", "/etc/passwd", "a/../../b"])
def test_a_mirror_that_names_other_places_is_refused(tmp_path: Path, name: str) -> None:
    drive = mirrored(tmp_path)
    (drive / "mirror.json").write_text(json.dumps({name: {"sha256": "0" * 64, "size": 1}}))
    with pytest.raises(WeightsError, match="which is no weight; make the mirror anew"):
        store_of(tmp_path / "second", None, ROW).fetch(["all"], mirror=drive)
    with pytest.raises(WeightsError, match="no weight"):
        store_of(tmp_path / "first", None, ROW).mirror(drive, ["all"])


def test_a_link_out_of_the_mirror_is_refused(tmp_path: Path) -> None:
    drive = mirrored(tmp_path)
    secret = tmp_path / "secret"
    secret.write_bytes(CONTENT)
    file = drive / "part" / "model.safetensors"
    file.unlink()
    file.symlink_to(secret)
    with pytest.raises(WeightsError, match="leads out of the mirror"):
        store_of(tmp_path / "second", None, ROW).fetch(["all"], mirror=drive)


def test_a_hash_recorded_at_the_first_fetch_travels_with_the_mirror(tmp_path: Path) -> None:
    row = row_of("part/model.safetensors", None, [hub_home()])
    drive = mirrored(tmp_path, row)
    store = store_of(tmp_path / "second", None, row, offline=True)
    [fetched] = store.fetch(["all"], mirror=drive)
    assert fetched.path.read_bytes() == CONTENT
    assert store.inventory.lock.entry(fetched.row)["sha256"] == ROW["sha256"]
    (drive / "part" / "model.safetensors").write_bytes(b"x" + CONTENT[1:])
    with pytest.raises(WeightsError, match="sha256 is"):
        store_of(tmp_path / "third", None, row, offline=True).fetch(["all"], mirror=drive)


def test_a_pickle_with_no_hash_does_not_come_in_by_a_mirror(tmp_path: Path) -> None:
    row = row_of("part/model.safetensors", None, [hub_home()])
    drive = mirrored(tmp_path, row)
    with pytest.raises(WeightsError, match="pickle with no known sha256"):
        store_of(tmp_path / "second", None, {**row, "format": "pickle"}).fetch(["all"], mirror=drive)


def test_only_what_is_right_is_mirrored(tmp_path: Path) -> None:
    with HubServer() as hub:
        hub.entries[KEY] = Entry(CONTENT)
        store = store_of(tmp_path, hub, ROW)
        path = store.path_of("part/model.safetensors")
    path.write_bytes(b"x" + CONTENT[1:])
    assert store.mirror(tmp_path / "drive", ["all"]) == []
    assert not (tmp_path / "drive").exists()


def test_a_mirror_that_cannot_be_written_is_one_line(tmp_path: Path) -> None:
    mirrored(tmp_path)
    (tmp_path / "file").write_text("no folder")
    with pytest.raises(WeightsError, match="cannot be written"):
        store_of(tmp_path / "first", None, ROW).mirror(tmp_path / "file", ["all"])
