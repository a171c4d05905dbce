"""Upscalers: names, weights, denoise strength, tiles, kept results."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from fill import fill_module
from portraits import textured

torch = pytest.importorskip("torch")

from lipsync_colab.errors import InputError, WeightsError  # noqa: E402
from lipsync_colab.finish.catalogue import UPSCALERS  # noqa: E402
from lipsync_colab.finish.checkpoint import interpolated, read_state  # noqa: E402
from lipsync_colab.finish.picture_store import PictureStore  # noqa: E402
from lipsync_colab.finish.resample import LanczosUpscaler  # noqa: E402
from lipsync_colab.finish.upscale import NetworkUpscaler, StoredUpscaler, network_upscaler, open_upscaler  # noqa: E402
from lipsync_colab.networks import build  # noqa: E402

FILES = {entry.weights: entry.network for entry in UPSCALERS.values()} | {
    entry.twin: entry.network for entry in UPSCALERS.values() if entry.twin
}
"""Released file to network."""


def released(folder: Path, name: str) -> Path:
    """Write a file in the released layout with rule-filled weights, the twin with others."""
    module = fill_module(build(FILES[name]), 1.0 if "wdn" in name else 1.4)
    path = folder / name
    torch.save({"params_ema" if "RRDB" in type(module).__name__ else "params": module.state_dict()}, path)
    return path


@pytest.fixture
def read(tmp_path: Path) -> Callable[[str], dict[str, torch.Tensor]]:
    return lambda name: read_state(released(tmp_path, name))


@pytest.mark.parametrize("name", list(UPSCALERS))
def test_the_released_layout_loads_and_enlarges(name: str, read: Callable) -> None:
    shares: list[int] = []
    upscaler = network_upscaler(name, progress=lambda stage, done, total: shares.append(done), read=read)
    image = textured(21, 17)
    assert upscaler.enlarge(image).shape == (17 * upscaler.scale, 21 * upscaler.scale, 3)
    assert shares == sorted(shares)
    assert shares[-1] == 1000
    assert upscaler(image, 1.5).shape == (26, 32, 3)


@pytest.mark.parametrize("name", list(UPSCALERS))
def test_the_cost_in_the_catalogue_is_the_counted_one(name: str) -> None:
    from torch.utils.flop_counter import FlopCounterMode

    with torch.device("meta"):
        network = build(UPSCALERS[name].network)
        with FlopCounterMode(display=False) as counter:
            network(torch.empty(1, 3, 32, 32))
    assert counter.get_total_flops() / 1024 == pytest.approx(UPSCALERS[name].flops, rel=0.01)


@pytest.mark.parametrize("name", ["realesrgan-x2plus", "realesr-animevideov3"])
def test_tiles_give_the_whole_picture(name: str, read: Callable) -> None:
    entry = UPSCALERS[name]
    network = build(entry.network)
    network.load_state_dict(read(entry.weights))
    image = textured(150, 142)
    whole = NetworkUpscaler(network, memory=1 << 40).enlarge(image)
    # Tails and SRVGGNet have an exact context; rule-filled trunks reach as far as real ones, not farther.
    tiled = NetworkUpscaler(network, memory=60_000_000).enlarge(image)
    assert np.abs(whole.astype(int) - tiled).max() <= 1


def test_half_of_the_denoise_strength_is_half_of_each_network(read: Callable) -> None:
    keeps, removes = read("realesr-general-wdn-x4v3.pth"), read("realesr-general-x4v3.pth")
    middle = interpolated(removes, keeps, 0.25)
    for key, value in middle.items():
        assert torch.allclose(value, 0.25 * removes[key] + 0.75 * keeps[key], atol=1e-6)
    image = textured(20, 20)
    outputs = [network_upscaler("realesr-general-x4v3", denoise=d, read=read).enlarge(image) for d in (0, 0.5, 1)]
    assert len({output.tobytes() for output in outputs}) == 3


def test_full_denoise_needs_no_twin(tmp_path: Path) -> None:
    asked: list[str] = []

    def read(name: str) -> dict[str, torch.Tensor]:
        asked.append(name)
        return read_state(released(tmp_path, name))

    network_upscaler("realesr-general-x4v3", denoise=1, read=read)
    assert asked == ["realesr-general-x4v3.pth"]


def test_wrong_names_and_strengths_are_refused(read: Callable) -> None:
    with pytest.raises(InputError, match="no upscaler is called 'esrgan'"):
        open_upscaler("esrgan")
    with pytest.raises(InputError, match="denoise 2"):
        network_upscaler("realesr-general-x4v3", denoise=2, read=read)


def test_another_networks_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(WeightsError, match=r"does not hold a \w+: missing: "):
        network_upscaler(
            "realesr-general-x4v3",
            denoise=1,
            read=lambda name: read_state(released(tmp_path, "realesr-animevideov3.pth")),
        )


@pytest.mark.parametrize("content", [b"", b"no checkpoint at all", b"PK\x03\x04 torn"])
def test_a_torn_file_is_refused(content: bytes, tmp_path: Path) -> None:
    path = tmp_path / "torn.pth"
    path.write_bytes(content)
    with pytest.raises(WeightsError, match=r"torn\.pth"):
        read_state(path)


def test_a_pickle_with_code_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "evil.pth"
    torch.save({"params": {"weight": Path("/")}}, path)
    with pytest.raises(WeightsError, match=r"evil\.pth"):
        read_state(path)


def test_the_second_render_computes_nothing(tmp_path: Path) -> None:
    calls: list[int] = []

    def double(image: np.ndarray) -> np.ndarray:
        calls.append(1)
        return np.repeat(np.repeat(image, 2, 0), 2, 1)

    store = PictureStore(tmp_path / "pictures")
    first, second = (StoredUpscaler(double, 2, "key", store) for _ in range(2))
    image = textured(30, 20)
    assert np.array_equal(first(image, 2), second(image, 2))
    assert (len(calls), first.found, second.found) == (1, False, True)
    assert second(image, 1.5).shape == (30, 45, 3)
    assert len(calls) == 1
    changed = image.copy()
    changed[0, 0, 0] ^= 1
    second(changed, 2)
    StoredUpscaler(double, 2, "another key", store)(image, 2)
    assert len(calls) == 3


def test_a_torn_kept_picture_is_made_again(tmp_path: Path) -> None:
    store = PictureStore(tmp_path)
    name = "0" * 64
    assert store.load(name) is None
    store.save(name, textured(8, 8))
    assert np.array_equal(store.load(name), textured(8, 8))
    store.path(name).write_bytes(store.path(name).read_bytes()[:40])
    assert store.load(name) is None
    assert not store.path(name).exists()


def test_kept_pictures_stay_below_their_limit(tmp_path: Path) -> None:
    store = PictureStore(tmp_path, limit=20_000)
    for index in range(6):
        store.save(f"{index:064x}", textured(50, 50, index))
    assert 0 < sum(path.stat().st_size for path in tmp_path.iterdir()) <= 20_000
    assert store.load(f"{5:064x}") is not None
    assert store.load(f"{0:064x}") is None


def test_a_disk_that_refuses_costs_only_the_keeping(tmp_path: Path) -> None:
    blocked = tmp_path / "file"
    blocked.write_text("in the way")
    store = PictureStore(blocked / "pictures")
    assert StoredUpscaler(lambda image: image, 1, "key", store)(textured(8, 8), 1).shape == (8, 8, 3)


def test_lanczos_keeps_size_and_detail() -> None:
    image = textured(40, 30)
    assert LanczosUpscaler()(image, 1.0) is image
    assert open_upscaler("none")(image, 2.7).shape == (81, 108, 3)
