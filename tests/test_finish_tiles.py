"""The tile loop: covers once, leaves no seam, goes on when memory runs out."""

from __future__ import annotations

import numpy as np
import pytest
from fill import fill_module
from hypothesis import given, settings
from hypothesis import strategies as st

torch = pytest.importorskip("torch")

from lipsync_colab.errors import MachineError  # noqa: E402
from lipsync_colab.finish.tiles import SMALLEST, Box, TileLoop, TileStage, apply_tiled, cores, window_of  # noqa: E402
from lipsync_colab.finish.upscale import srvgg_stage, tail_stage  # noqa: E402
from lipsync_colab.networks import build  # noqa: E402

sizes = st.tuples(st.integers(1, 300), st.integers(1, 300))


@given(size=sizes, side=st.integers(1, 120), context=st.integers(0, 40))
@settings(max_examples=60, deadline=None)
def test_cores_cover_once_and_windows_hold_their_context(size: tuple[int, int], side: int, context: int) -> None:
    counts = np.zeros((size[1], size[0]), int)
    windows = set()
    for core in cores(Box(0, 0, *size), side):
        assert max(core.size) <= side
        counts[core.top : core.bottom, core.left : core.right] += 1
        window = window_of(core, context, side, size)
        windows.add(window.size)
        assert window.left <= max(0, core.left - context)
        assert window.top <= max(0, core.top - context)
        assert min(size[0], core.right + context) <= window.right <= size[0]
        assert min(size[1], core.bottom + context) <= window.bottom <= size[1]
    assert (counts == 1).all()
    assert len(windows) == 1


def noise(channels: int, height: int, width: int) -> torch.Tensor:
    return torch.from_numpy(np.random.default_rng(3).random((1, channels, height, width), np.float32))


def test_a_network_with_exact_context_shows_no_seam() -> None:
    network = fill_module(build("srvgg-animevideov3"))
    stage = srvgg_stage(network)
    image = noise(3, 90, 70)
    with torch.inference_mode():
        whole = network(image)
        tiled = apply_tiled(stage, image, stage.floats * 4 * 56**2)
    assert float((whole - tiled).abs().max()) < 5e-5 * float(whole.abs().max())


def test_too_little_context_would_be_seen() -> None:
    network = fill_module(build("srvgg-animevideov3"))
    stage = TileStage(srvgg_stage(network).run, 4, 2, 256)
    image = noise(3, 60, 60)
    with torch.inference_mode():
        assert float((network(image) - apply_tiled(stage, image, stage.floats * 4 * 24**2)).abs().max()) > 1e-3


def test_the_tail_of_rrdbnet_shows_no_seam() -> None:
    network = fill_module(build("rrdbnet-x4"))
    stage = tail_stage(network)
    features = noise(64, 40, 33)
    with torch.inference_mode():
        whole = network.enlarge(features)
        tiled = apply_tiled(stage, features, stage.floats * 4 * 22**2)
    assert float((whole - tiled).abs().max()) < 5e-5 * float(whole.abs().max())


def blur_stage(fail: object) -> TileStage:
    kernel = torch.full((1, 1, 5, 5), 0.04)

    def run(batch: torch.Tensor, advance: object) -> torch.Tensor:
        fail(batch)
        return torch.nn.functional.conv2d(batch, kernel, padding=2)

    return TileStage(run, 1, 2, 1)


@pytest.mark.parametrize(
    "error",
    [
        torch.OutOfMemoryError("CUDA out of memory"),
        MemoryError(),
        RuntimeError("DefaultCPUAllocator: can't allocate memory"),
    ],
)
def test_running_out_of_memory_halves_and_goes_on(error: Exception) -> None:
    seen: list[int] = []

    def fail(batch: torch.Tensor) -> None:
        seen.append(batch.numel())
        if len(seen) > 2 and batch.numel() > 900:
            raise error

    stage, image = blur_stage(fail), noise(1, 150, 130)
    expected = torch.nn.functional.conv2d(image, torch.full((1, 1, 5, 5), 0.04), padding=2)
    stored = torch.zeros_like(image)
    counts = torch.zeros_like(image)
    shares: list[float] = []

    def store(box: Box, part: torch.Tensor) -> None:
        box.cut(stored).copy_(part)
        box.cut(counts).add_(1)

    loop = TileLoop(stage, image, 4 * 1600 * 2, shares.append)
    first = loop.side
    loop.run(store)
    assert loop.side < first
    assert torch.allclose(stored, expected, atol=1e-6)
    assert bool((counts == 1).all()), "a finished core was computed again"
    assert shares == sorted(shares)
    assert shares[-1] == pytest.approx(1.0)


def test_no_memory_at_all_is_said() -> None:
    def fail(batch: torch.Tensor) -> None:
        raise torch.OutOfMemoryError("CUDA out of memory")

    loop = TileLoop(blur_stage(fail), noise(1, 64, 64), 4 * 4096)
    with pytest.raises(MachineError, match=f"tile of {SMALLEST} pixels"):
        loop.run(lambda box, part: None)


def test_other_errors_are_not_swallowed() -> None:
    def fail(batch: torch.Tensor) -> None:
        raise RuntimeError("shape mismatch")

    with pytest.raises(RuntimeError, match="shape mismatch"):
        apply_tiled(blur_stage(fail), noise(1, 8, 8), 10_000)


def test_a_stop_passes_through() -> None:
    def stop(share: float) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        apply_tiled(blur_stage(lambda batch: None), noise(1, 8, 8), 10_000, stop)
