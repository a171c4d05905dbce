"""The ncnn reader, on files that the tests write and on the real Real-ESRGAN weights."""

from __future__ import annotations

import struct
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lipsync_colab.errors import WeightsError
from lipsync_colab.weights.ncnn import HALF, SINGLE, Tensors, read_tensors, state_of


def written(folder: Path, layers: list[tuple[str, Tensors]], tag: int = HALF) -> tuple[Path, Path]:
    """Write layers as ncnn does."""
    lines, data = ["7767517", f"{len(layers) + 1} 2", "Input data 0 1 data"], b""
    for number, (kind, tensors) in enumerate(layers):
        weight = tensors["weight"]
        if kind == "prelu":
            lines.append(f"PReLU act{number} 1 1 a b 0={len(weight)}")
            data += weight.astype("<f4").tobytes()
            continue
        outputs, _, height, width = weight.shape
        bias = "bias" in tensors
        lines.append(
            f"Convolution conv{number} 1 1 a b 0={outputs} 1={width} 11={height} 4=1 5={int(bias)} 6={weight.size} "
            "-23310=1,2.0e-01"
        )
        raw = weight.astype("<f2" if tag == HALF else "<f4").tobytes()
        data += struct.pack("<I", tag) + raw + b"\0" * (-len(raw) % 4)
        if bias:
            data += tensors["bias"].astype("<f4").tobytes()
    param, binary = folder / "net.param", folder / "net.bin"
    param.write_text("\n".join(lines) + "\n")
    binary.write_bytes(data)
    return param, binary


def convolution(rng: np.random.Generator, outputs: int, inputs: int, size: int = 3, bias: bool = True) -> Tensors:
    tensors = {"weight": rng.standard_normal((outputs, inputs, size, size)).astype(np.float16).astype(np.float32)}
    if bias:
        tensors["bias"] = rng.standard_normal(outputs).astype(np.float32)
    return tensors


@given(
    sizes=st.lists(st.tuples(st.integers(1, 5), st.integers(1, 5), st.integers(1, 3), st.booleans()), min_size=1),
    tag=st.sampled_from([HALF, SINGLE]),
)
def test_what_was_written_is_read(tmp_path_factory: pytest.TempPathFactory, sizes: list, tag: int) -> None:
    rng = np.random.default_rng(0)
    layers = [("convolution", convolution(rng, *size)) for size in sizes]
    layers.append(("prelu", {"weight": rng.standard_normal(3).astype(np.float32)}))
    found = read_tensors(*written(tmp_path_factory.mktemp("ncnn"), layers, tag))
    assert [kind for kind, _ in found] == [kind for kind, _ in layers]
    for (_, ours), (_, theirs) in zip(found, layers, strict=True):
        assert ours.keys() == theirs.keys()
        for key in ours:
            np.testing.assert_array_equal(ours[key], theirs[key])


def small_network(blocks: int) -> list[tuple[str, Tensors]]:
    rng = np.random.default_rng(1)
    return [("convolution", convolution(rng, 2, 2)) for _ in range(6 + 15 * blocks)]


def test_keys_are_those_of_the_official_checkpoint(tmp_path: Path) -> None:
    state = state_of(*written(tmp_path, small_network(2)))
    keys = list(state)
    assert keys[:2] == ["conv_first.weight", "conv_first.bias"]
    assert keys[2] == "body.0.rdb1.conv1.weight"
    assert "body.1.rdb3.conv5.bias" in keys
    assert keys[-1] == "conv_last.bias"
    assert len(keys) == 2 * (6 + 30)


@pytest.mark.parametrize("change", [-4, 4])
def test_a_binary_of_another_length_is_refused(tmp_path: Path, change: int) -> None:
    param, binary = written(tmp_path, small_network(1))
    data = binary.read_bytes()
    binary.write_bytes(data[:change] if change < 0 else data + b"\0" * change)
    with pytest.raises(WeightsError, match=r"ends too early|bytes too many"):
        state_of(param, binary)


def test_other_networks_and_files_are_refused(tmp_path: Path) -> None:
    param, binary = written(tmp_path, small_network(1)[:-1])
    with pytest.raises(WeightsError, match="20 convolutions, which is no RRDBNet"):
        state_of(param, binary)
    param.write_text(param.read_text() + "LSTM l 1 1 a b 0=1\n")
    with pytest.raises(WeightsError, match="a layer LSTM"):
        state_of(param, binary)
    param.write_text("<html>")
    with pytest.raises(WeightsError, match=r"no ncnn .param file"):
        state_of(param, binary)
    param.write_text("7767517\n1 1\nConvolution c x 1\n")
    with pytest.raises(WeightsError, match="damaged"):
        state_of(param, binary)


def test_quantised_weights_are_refused(tmp_path: Path) -> None:
    param, binary = written(tmp_path, small_network(1))
    binary.write_bytes(struct.pack("<I", 0x000D4B38) + binary.read_bytes()[4:])
    with pytest.raises(WeightsError, match="neither half nor single"):
        state_of(param, binary)


def test_real_weights_enlarge_a_real_picture() -> None:
    torch = pytest.importorskip("torch")
    from lipsync_colab.networks.registry import build
    from lipsync_colab.weights.load import load_into

    network = load_into(build("srvgg-animevideov3"), "realesr-animevideov3.bin")
    large = stripes(96)
    small = large.reshape(3, 24, 4, 24, 4).mean(axis=(2, 4))
    with torch.no_grad():
        found = network(torch.from_numpy(small)[None])[0].numpy()
    assert found.shape == (3, 96, 96)
    again = found.reshape(3, 24, 4, 24, 4).mean(axis=(2, 4))
    # Weights in a wrong place give noise; the right ones give back the picture that they enlarge.
    assert np.sqrt(np.mean((again - small)[:, 2:-2, 2:-2] ** 2)) < 0.05


def stripes(size: int) -> np.ndarray:
    """Soft diagonal edges, float32 (3, size, size) in [0, 1]: what an enlarger should draw sharply."""
    y, x = np.mgrid[:size, :size] / size
    return np.stack([1 / (1 + np.exp(-60 * (np.sin(4 * x + 3 * y + shift) - 0.2))) for shift in range(3)]).astype("f4")


def test_the_real_x4plus_fills_its_network() -> None:
    pytest.importorskip("torch")
    from lipsync_colab.networks.registry import build
    from lipsync_colab.weights.load import load_into

    network = load_into(build("rrdbnet-x4"), "RealESRGAN_x4plus.bin")
    assert sum(parameter.numel() for parameter in network.parameters()) == 16_697_987
