"""Reading a speech model's graph without the ``onnx`` package: which tensor holds the phoneme durations?

A text-to-speech network predicts how many frames each phoneme lasts, rounds that to whole frames, sums it up and
spreads the phonemes over time. So the durations are the rounded tensor that a ``CumSum`` reads. Naming it among the
graph's outputs makes the runtime return it, and changes nothing else.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from lipsync_colab.errors import WeightsError

MODEL_GRAPH, GRAPH_NODE, GRAPH_OUTPUT, VALUE_NAME = 7, 1, 12, 1
NODE_INPUT, NODE_OUTPUT, NODE_OPERATION = 1, 2, 4
"""Field numbers of ONNX's protobuf messages."""

ROUNDING = frozenset(["Round", "Ceil", "Floor"])
PASSING = frozenset(["Cast", "Clip", "Squeeze", "Unsqueeze", "Reshape", "Identity", "Mul", "Max"])
"""What may stand between the rounding and the sum."""
FARTHEST = 5


@dataclass(frozen=True)
class Node:
    """One operation of a graph: its kind, and the names of what it reads and writes."""

    operation: str
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]


def with_durations(model: bytes) -> tuple[bytes, str]:
    """Return a speech model that also puts out its durations, and that output's name.

    Args:
        model: the ONNX file.

    Raises:
        WeightsError: no tensor of the graph looks like durations.
    """
    name = duration_tensor(list(graph_nodes(model)))
    return add_output(model, name), name


def duration_tensor(nodes: list[Node]) -> str:
    """Return the name of the rounded tensor that a cumulative sum reads.

    Raises:
        WeightsError: there is none, or more than one.
    """
    makers = {name: node for node in nodes for name in node.outputs}
    sums = [node.inputs[0] for node in nodes if node.operation == "CumSum"]
    found = sorted({name for name in sums if _is_rounded(name, makers, FARTHEST)})
    if len(found) != 1:
        raise WeightsError(
            f"this speech model tells no phoneme times ({len(found)} candidates in its graph): "
            "install the pinned version (pip install hibari-tts==0.2.1)"
        )
    return found[0]


def _is_rounded(name: str, makers: dict[str, Node], steps: int) -> bool:
    node = makers.get(name)
    if node is None or steps == 0:
        return False
    if node.operation in ROUNDING:
        return True
    return node.operation in PASSING and any(_is_rounded(source, makers, steps - 1) for source in node.inputs[:1])


def graph_nodes(model: bytes) -> Iterator[Node]:
    """Yield the operations of an ONNX model's main graph."""
    for field, graph in _fields(memoryview(model)):
        if field != MODEL_GRAPH or not isinstance(graph, memoryview):
            continue
        for inner, message in _fields(graph):
            if inner == GRAPH_NODE and isinstance(message, memoryview):
                yield _node(message)


def _node(message: memoryview) -> Node:
    texts: dict[int, list[str]] = {NODE_INPUT: [], NODE_OUTPUT: [], NODE_OPERATION: [""]}
    for field, value in _fields(message):
        if field in texts and isinstance(value, memoryview):
            texts[field].append(bytes(value).decode("utf-8"))
    return Node(texts[NODE_OPERATION][-1], tuple(texts[NODE_INPUT]), tuple(texts[NODE_OUTPUT]))


def add_output(model: bytes, name: str) -> bytes:
    """Return the model with one more graph output.

    Protobuf merges a message field that comes twice, so a second graph that holds only the output's name is appended.
    """
    value = _message(VALUE_NAME, name.encode("utf-8"))
    return model + _message(MODEL_GRAPH, _message(GRAPH_OUTPUT, value))


def _message(field: int, payload: bytes) -> bytes:
    return _varint(field << 3 | 2) + _varint(len(payload)) + payload


def _varint(number: int) -> bytes:
    encoded = bytearray()
    while number >= 0x80:
        encoded.append(number & 0x7F | 0x80)
        number >>= 7
    return bytes([*encoded, number])


def _fields(message: memoryview) -> Iterator[tuple[int, memoryview | int]]:
    """Yield ``(field number, value)``: sub-messages and strings as views, numbers as themselves."""
    position = 0
    while position < len(message):
        key, position = _read_varint(message, position)
        wire = key & 7
        if wire == 0:
            number, position = _read_varint(message, position)
            yield key >> 3, number
            continue
        if wire == 2:
            length, position = _read_varint(message, position)
        else:
            length = {1: 8, 5: 4}[wire]
        yield key >> 3, message[position : position + length]
        position += length


def _read_varint(message: memoryview, position: int) -> tuple[int, int]:
    number = shift = 0
    while True:
        byte = message[position]
        position += 1
        number |= (byte & 0x7F) << shift
        if byte < 0x80:
            return number, position
        shift += 7
