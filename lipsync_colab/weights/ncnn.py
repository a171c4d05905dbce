"""Real-ESRGAN's networks out of ncnn files, as state dicts of the official checkpoints.

The format (Tencent/ncnn, ``modelbin.cpp``): the ``.param`` text lists layers in order; the ``.bin`` holds their
weights in that order. A convolution's weights start with a tag word: 0x01306B47 for half precision (padded to four
bytes), 0 for single precision; its bias, and the slopes of a PReLU, are raw single precision.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from lipsync_colab.errors import WeightsError

Tensors = dict[str, NDArray[np.float32]]

MAGIC = "7767517"
HALF, SINGLE = 0x01306B47, 0
OUTPUTS, KERNEL_WIDTH, KERNEL_HEIGHT, HAS_BIAS, WEIGHTS, SLOPES = 0, 1, 11, 5, 6, 0
"""Numbers of the parameters of ncnn's Convolution, and of PReLU's only one."""
WEIGHTLESS = {"Input", "Split", "Concat", "BinaryOp", "Eltwise", "Interp", "PixelShuffle", "ReLU", "Crop", "Noop"}
DENSE_BLOCKS, DENSE_CONVOLUTIONS = 3, 5
"""Of one residual-in-residual dense block (Wang et al. 2018)."""
ENDS = ("conv_body", "conv_up1", "conv_up2", "conv_hr", "conv_last")


@dataclass(frozen=True)
class Layer:
    """One layer of a ``.param`` file.

    Attributes:
        kind: ``"Convolution"``, ``"PReLU"`` …
        name: of the layer.
        values: its parameters by number, as text.
    """

    kind: str
    name: str
    values: dict[int, str]

    def integer(self, number: int, default: int = 0) -> int:
        """Return a parameter as an integer."""
        return int(self.values.get(number, default))


def read_layers(param: Path) -> list[Layer]:
    """Return the layers of a ``.param`` file in order.

    Raises:
        WeightsError: it is no ncnn text file.
    """
    lines = [line.split() for line in param.read_text(encoding="utf-8", errors="replace").splitlines() if line.strip()]
    if not lines or lines[0] != [MAGIC]:
        raise WeightsError(f"{param.name} is no ncnn .param file; fetch it again")
    try:
        return [_layer(words) for words in lines[2:]]
    except (IndexError, ValueError) as error:
        raise WeightsError(f"{param.name} is damaged ({error}); fetch it again") from error


def _layer(words: list[str]) -> Layer:
    kind, name, inputs, outputs = words[0], words[1], int(words[2]), int(words[3])
    pairs = [word.split("=", 1) for word in words[4 + inputs + outputs :]]
    return Layer(kind, name, {int(number): value for number, value in pairs})


class Reader:
    """Takes arrays from a ``.bin`` file in order."""

    def __init__(self, path: Path) -> None:
        self._name = path.name
        self._data = memoryview(path.read_bytes())
        self._place = 0

    def _take(self, count: int, kind: str) -> NDArray[np.generic]:
        size = count * np.dtype(kind).itemsize
        if self._place + size > len(self._data):
            raise WeightsError(f"{self._name} ends too early: it does not belong to its .param; fetch both again")
        values = np.frombuffer(self._data, kind, count, self._place)
        self._place += (size + 3) // 4 * 4
        return values

    def floats(self, count: int) -> NDArray[np.float32]:
        """Return raw single-precision values."""
        return self._take(count, "<f4").astype(np.float32)

    def tagged(self, count: int) -> NDArray[np.float32]:
        """Return values behind a tag word.

        Raises:
            WeightsError: they are quantised in a way that loses what a checkpoint holds.
        """
        tag = int(self._take(1, "<u4")[0])
        if tag not in (HALF, SINGLE):
            raise WeightsError(f"{self._name} holds weights of kind {tag:#010x}, neither half nor single precision")
        return self._take(count, "<f2" if tag == HALF else "<f4").astype(np.float32)

    def finish(self) -> None:
        """Make sure that nothing is left.

        Raises:
            WeightsError: there is more in the file than its layers hold.
        """
        if self._place != len(self._data):
            left = len(self._data) - self._place
            raise WeightsError(f"{self._name} holds {left} bytes too many: it does not belong to its .param")


def _convolution(layer: Layer, reader: Reader) -> Tensors:
    outputs, width = layer.integer(OUTPUTS), layer.integer(KERNEL_WIDTH)
    height, count = layer.integer(KERNEL_HEIGHT, width), layer.integer(WEIGHTS)
    tensors = {"weight": reader.tagged(count).reshape(outputs, -1, height, width)}
    if layer.integer(HAS_BIAS):
        tensors["bias"] = reader.floats(outputs)
    return tensors


def read_tensors(param: Path, binary: Path) -> list[tuple[str, Tensors]]:
    """Return kind and tensors of each layer that has any, in order.

    Raises:
        WeightsError: the files do not belong together, or hold layers that Real-ESRGAN's networks do not have.
    """
    reader, found = Reader(binary), []
    for layer in read_layers(param):
        if layer.kind == "Convolution":
            found.append(("convolution", _convolution(layer, reader)))
        elif layer.kind == "PReLU":
            found.append(("prelu", {"weight": reader.floats(layer.integer(SLOPES))}))
        elif layer.kind not in WEIGHTLESS:
            raise WeightsError(f"{param.name} has a layer {layer.kind}, which no Real-ESRGAN network has")
    reader.finish()
    return found


def state_of(param: Path, binary: Path) -> Tensors:
    """Return the state dict that the official checkpoint of the same network has.

    A network with PReLU layers is an SRVGGNetCompact (``body.N``), one without is an RRDBNet.

    Args:
        param: the ``.param`` file.
        binary: the ``.bin`` file.

    Raises:
        WeightsError: the files do not belong together, or are of another network.
    """
    layers = read_tensors(param, binary)
    compact = any(kind == "prelu" for kind, _ in layers)
    names = [f"body.{number}" for number in range(len(layers))] if compact else _rrdbnet_names(len(layers), param.name)
    return {
        f"{name}.{key}": array for name, (_, part) in zip(names, layers, strict=True) for key, array in part.items()
    }


def _rrdbnet_names(count: int, name: str) -> list[str]:
    blocks, rest = divmod(count - 1 - len(ENDS), DENSE_BLOCKS * DENSE_CONVOLUTIONS)
    if rest or blocks < 1:
        raise WeightsError(f"{name} has {count} convolutions, which is no RRDBNet")
    body = [
        f"body.{block}.rdb{dense}.conv{number}"
        for block in range(blocks)
        for dense in range(1, DENSE_BLOCKS + 1)
        for number in range(1, DENSE_CONVOLUTIONS + 1)
    ]
    return ["conv_first", *body, *ENDS]
