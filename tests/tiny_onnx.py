"""ONNX files of a few operations, written byte by byte: the ``onnx`` package is not needed to run a graph."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

FLOAT = 1


def _number(value: int) -> bytes:
    parts = bytearray()
    while value > 0x7F:
        parts.append(value & 0x7F | 0x80)
        value >>= 7
    return bytes([*parts, value])


def _field(number: int, value: bytes | str | int) -> bytes:
    if isinstance(value, int):
        return _number(number << 3) + _number(value)
    value = value.encode() if isinstance(value, str) else value
    return _number(number << 3 | 2) + _number(len(value)) + value


def _value(name: str, shape: Sequence[int]) -> bytes:
    dimensions = b"".join(_field(1, _field(1, length)) for length in shape)
    return _field(1, name) + _field(2, _field(1, _field(1, FLOAT) + _field(2, dimensions)))


def _tensor(name: str, values: np.ndarray) -> bytes:
    dimensions = b"".join(_field(1, length) for length in values.shape)
    return dimensions + _field(2, FLOAT) + _field(8, name) + _field(9, values.astype("<f4").tobytes())


def recogniser(length: int = 512) -> bytes:
    """A face recogniser that knows a face by its mean colour: (1, 3, 112, 112) to (1, length)."""
    weights = np.random.default_rng(8).standard_normal((3, length))
    steps = (
        ("GlobalAveragePool", ("input.1",), "mean"),
        ("Flatten", ("mean",), "flat"),
        ("MatMul", ("flat", "w"), "683"),
    )
    graph = b"".join(
        _field(1, b"".join(_field(1, name) for name in names) + _field(2, output) + _field(4, operation))
        for operation, names, output in steps
    )
    graph += _field(2, "recogniser") + _field(5, _tensor("w", weights))
    graph += _field(11, _value("input.1", (1, 3, 112, 112))) + _field(12, _value("683", (1, length)))
    return _field(1, 8) + _field(7, graph) + _field(8, _field(1, "") + _field(2, 13))
