"""Checkpoints of every layout, into networks, strictly."""

from __future__ import annotations

import tracemalloc
from pathlib import Path
from typing import Any

import pytest
from weights_fixtures import row_of, store_of

from lipsync_colab.errors import WeightsError
from lipsync_colab.weights.load import load_into, load_state_dict

torch = pytest.importorskip("torch")
safetensors = pytest.importorskip("safetensors.torch")


def network() -> Any:
    torch.manual_seed(3)
    return torch.nn.Sequential(torch.nn.Conv2d(3, 4, 3), torch.nn.BatchNorm2d(4), torch.nn.Linear(4, 2))


STATE = {key: value.clone() for key, value in network().state_dict().items()}
OTHER = {key: value + 1 for key, value in STATE.items()}


def parallel(state: dict[str, Any]) -> dict[str, Any]:
    return {f"module.{key}": value for key, value in state.items()}


def under(prefix: str, state: dict[str, Any]) -> dict[str, Any]:
    return {f"{prefix}.{key}": value for key, value in state.items()}


def same(found: dict[str, Any], wanted: dict[str, Any]) -> bool:
    return found.keys() == wanted.keys() and all(torch.equal(found[key], wanted[key]) for key in wanted)


@pytest.mark.parametrize(
    ("checkpoint", "prefix"),
    [
        (STATE, ""),
        (parallel(STATE), ""),
        ({"state_dict": STATE, "epoch": 3}, ""),
        ({"state_dict": parallel(STATE), "optimizer": {"lr": 0.1}}, ""),
        ({"params": OTHER, "params_ema": STATE}, ""),
        ({"params": STATE}, ""),
        ({"net_G_ema": STATE, "net_G": OTHER, "current_epoch": 190}, ""),
        ({"mapping": STATE, "optimizer_mapping": {}, "epoch": 1}, "mapping"),
        ({"generator": OTHER, "kp_detector": parallel(STATE)}, "kp_detector"),
        ({**under("generator", OTHER), **under("audio2exp", STATE)}, "audio2exp"),
        ({"state_dict": {**under("module.a", STATE), **under("module.b", OTHER)}}, "a"),
    ],
)
def test_every_layout_gives_the_networks_own_keys(tmp_path: Path, checkpoint: dict[str, Any], prefix: str) -> None:
    path = tmp_path / "model.pth"
    torch.save(checkpoint, path)
    assert same(load_state_dict(path, prefix), STATE)


def test_the_older_file_format_is_read_too(tmp_path: Path) -> None:
    path = tmp_path / "model.pth.tar"
    torch.save({"state_dict": STATE}, path, _use_new_zipfile_serialization=False)
    assert same(load_state_dict(path), STATE)


@pytest.mark.parametrize("prefix", ["generator", "generator."])
def test_one_network_of_a_safetensors_file(tmp_path: Path, prefix: str) -> None:
    path = tmp_path / "all.safetensors"
    safetensors.save_file({**under("generator", STATE), **under("generator2", OTHER)}, path)
    assert same(load_state_dict(path, prefix), STATE)


def test_only_what_lies_under_the_prefix_is_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import safetensors as package

    path = tmp_path / "all.safetensors"
    safetensors.save_file({**under("wanted", STATE), **under("other", OTHER)}, path)
    taken: list[str] = []
    opened = package.safe_open

    class Watched:
        def __init__(self, *values: Any, **named: Any) -> None:
            self.file = opened(*values, **named)

        def __enter__(self) -> Watched:
            self.file.__enter__()
            return self

        def __exit__(self, *values: Any) -> None:
            self.file.__exit__(*values)

        def keys(self) -> list[str]:
            return list(self.file.keys())

        def get_tensor(self, key: str) -> Any:
            taken.append(key)
            return self.file.get_tensor(key)

    monkeypatch.setattr(package, "safe_open", Watched)
    load_state_dict(path, "wanted")
    assert sorted(taken) == sorted(under("wanted", STATE))


def test_load_into_is_strict_and_names_the_keys(tmp_path: Path) -> None:
    path = tmp_path / "model.pth"
    wrong = dict(STATE)
    wrong["9.weight"] = wrong.pop("2.bias")
    wrong["0.bias"] = torch.zeros(5)
    torch.save(wrong, path)
    with pytest.raises(
        WeightsError, match=r"missing: 2\.bias; unexpected: 9\.weight; of another shape: 0\.bias \(5,\)"
    ):
        load_into(network(), path)
    torch.save(STATE, path)
    assert same(load_into(network(), path).state_dict(), STATE)


def test_a_network_that_was_not_loaded_keeps_its_values(tmp_path: Path) -> None:
    path = tmp_path / "model.pth"
    torch.save({**OTHER, "more": torch.zeros(1)}, path)
    module = network()
    with pytest.raises(WeightsError, match="unexpected: more"):
        load_into(module, path)
    assert same(module.state_dict(), STATE)


@pytest.mark.parametrize(
    ("checkpoint", "prefix", "told"),
    [
        ({"generator": STATE, "kp": OTHER}, "", "several things and no network of its own; there are generator, kp"),
        ({"generator": STATE}, "mapping", "no network under 'mapping'; there are generator"),
        (under("a", STATE), "b", "no network under 'b'; there are a"),
        ([1, 2], "", "no table of tensors but a list"),
        ({}, "", "no table of tensors"),
    ],
)
def test_what_is_not_there_is_said(tmp_path: Path, checkpoint: Any, prefix: str, told: str) -> None:
    path = tmp_path / "model.pth"
    torch.save(checkpoint, path)
    with pytest.raises(WeightsError, match=told):
        load_state_dict(path, prefix)


@pytest.mark.parametrize("name", ["model.pth", "model.safetensors"])
@pytest.mark.parametrize("content", [b"", b"<html>", b"\x80\x02", b"PK\x03\x04 broken", b"\0" * 100])
def test_a_damaged_file_is_one_line(tmp_path: Path, name: str, content: bytes) -> None:
    path = tmp_path / name
    path.write_bytes(content)
    with pytest.raises(WeightsError, match=name) as caught:
        load_state_dict(path)
    assert "\n" not in str(caught.value)


def test_a_missing_network_in_safetensors_is_said(tmp_path: Path) -> None:
    path = tmp_path / "all.safetensors"
    safetensors.save_file(under("a", STATE), path)
    with pytest.raises(WeightsError, match="no network under 'b'; there are a"):
        load_state_dict(path, "b")
    with pytest.raises(WeightsError, match="there is no file"):
        load_state_dict(tmp_path / "nothing.pth")


def test_a_name_of_the_manifest_is_fetched_and_its_format_believed(tmp_path: Path) -> None:
    path = tmp_path / "state.bin"
    torch.save({"params_ema": STATE}, path)
    row = row_of("tiny.bin", path.read_bytes(), [], format="pickle", licence="closed")
    store = store_of(tmp_path, None, row)
    with pytest.raises(WeightsError, match="To accept"):
        load_state_dict("tiny.bin", store=store)
    store.accept(["tiny.bin"])
    store.adopt("tiny.bin", path)
    assert same(load_state_dict("tiny", store=store), STATE)


def test_one_network_costs_no_more_memory_than_itself(tmp_path: Path) -> None:
    path = tmp_path / "all.safetensors"
    big = {"big.weight": torch.zeros(2_000_000), "small.weight": torch.zeros(10)}
    safetensors.save_file(big, path)
    tracemalloc.start()
    load_state_dict(path, "small")
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 2_000_000


def anonymous_memory() -> int:
    """Bytes of this process that no file stands behind."""
    lines = Path("/proc/self/status").read_text(encoding="ascii").splitlines()
    return next(int(line.split()[1]) * 1024 for line in lines if line.startswith("RssAnon"))


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="told by Linux alone")
def test_a_network_of_shapes_takes_a_mapped_files_tensors(tmp_path: Path) -> None:
    with torch.device("meta"):
        module = torch.nn.Sequential(torch.nn.Linear(8000, 8000), torch.nn.Linear(8000, 2))
    state = {key: torch.full(value.shape, 0.5, dtype=torch.float16) for key, value in module.state_dict().items()}
    path = tmp_path / "large.pth"
    torch.save(state, path)
    del state
    before = anonymous_memory()
    load_into(module, path)
    size = path.stat().st_size
    assert size > 128_000_000 and anonymous_memory() - before < size / 4
    module.half()
    assert all(value.dtype == torch.float16 and (value == 0.5).all() for value in module.state_dict().values())
    small = {"0.weight": torch.zeros(3, 3)}
    torch.save(small, path.with_name("other.pth"))
    with pytest.raises(WeightsError, match="missing"):
        load_into(module, path.with_name("other.pth"))
