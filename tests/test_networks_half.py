"""Renderers in half precision and at other sizes: types and shapes, without arithmetic (the GPU's form)."""

from __future__ import annotations

from typing import Any

import pytest

torch = pytest.importorskip("torch")

from lipsync_colab import networks  # noqa: E402
from lipsync_colab.networks.folding import fold  # noqa: E402


@pytest.fixture(autouse=True)
def no_gradients() -> object:
    with torch.inference_mode():
        yield


def half(name: str) -> Any:
    with torch.device("meta"):
        return fold(networks.build(name)).to(torch.float16)


def empty(*shape: int, dtype: torch.dtype = torch.float16) -> torch.Tensor:
    return torch.empty(*shape, dtype=dtype, device="meta")


@pytest.mark.parametrize("size", [256, 512])
def test_facevid2vid(size: int) -> None:
    generator = half("sadtalker.generator")
    still = generator.encode(empty(1, 3, size, size))
    assert still.volume.shape == (1, 32, 16, size // 4, size // 4)
    keypoints = empty(2, 15, 3, dtype=torch.float32)
    frames = generator.render(still, keypoints, keypoints)
    assert frames.shape == (2, 3, size, size) and frames.dtype == torch.float16


def test_pirender() -> None:
    made = half("pirender")(empty(1, 3, 256, 256), empty(2, 73, 27))
    assert made["fake_image"].shape == (2, 3, 256, 256) and made["fake_image"].dtype == torch.float16


def test_fomm() -> None:
    generator = half("audio2head.generator")
    kinds = {"value": (10, 2), "jacobian": (10, 2, 2)}
    source, driving = (
        {name: empty(count, *shape, dtype=torch.float32) for name, shape in kinds.items()} for count in (1, 2)
    )
    frames = generator.render(generator.encode(empty(1, 3, 256, 256)), source, driving)
    assert frames.shape == (2, 3, 256, 256) and frames.dtype == torch.float16
