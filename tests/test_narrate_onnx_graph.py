"""Finding the durations in a speech model's graph."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from lipsync_colab.errors import WeightsError
from lipsync_colab.narrate.hibari_voice import one_thread
from lipsync_colab.narrate.onnx_graph import Node, add_output, duration_tensor, graph_nodes, with_durations

ROUNDED = [Node("Exp", ("x",), ("e",)), Node("Round", ("e",), ("r",)), Node("Cast", ("r",), ("c",))]


def hibari_model() -> bytes:
    import hibari

    return (Path(hibari.__file__).parent / "assets" / "hibari.onnx").read_bytes()


def test_structure_decides_not_names() -> None:
    spline = [Node("Softmax", ("x",), ("s",)), Node("CumSum", ("s", "axis"), ("t",))]
    assert duration_tensor([*spline, *ROUNDED, Node("CumSum", ("c", "axis"), ("total",))]) == "c"


@pytest.mark.parametrize("count", [0, 2])
def test_none_or_many_are_refused(count: int) -> None:
    rounded = [Node("Ceil", (f"x{at}",), (f"c{at}",)) for at in range(count)]
    sums = [Node("CumSum", (f"c{at}", "axis"), (f"s{at}",)) for at in range(count)]
    with pytest.raises(WeightsError, match=f"{count} candidates"):
        duration_tensor([*rounded, *sums])


def test_a_loop_in_the_graph_ends() -> None:
    with pytest.raises(WeightsError):
        duration_tensor([Node("Cast", ("a",), ("a",)), Node("CumSum", ("a", "axis"), ("s",))])


def test_the_embedded_voice_tells_durations_and_sounds_the_same() -> None:
    import onnxruntime

    model = hibari_model()
    told, name = with_durations(model)
    assert len(told) - len(model) < 60 and any(name in node.outputs for node in graph_nodes(told))
    inputs = {"ids": np.array([[0, 50, 86, 54, 31, 0]], np.int64), "speed": np.ones(1, np.float32)}
    plain = onnxruntime.InferenceSession(model, one_thread()).run(None, inputs)
    *same, durations = onnxruntime.InferenceSession(told, one_thread()).run(None, inputs)
    for before, after in zip(plain, same, strict=True):
        np.testing.assert_array_equal(before, after)
    assert durations.size == 6 and durations.sum() * 2 == plain[0].shape[2]


def test_long_names_are_encoded() -> None:
    model = add_output(b"", "n" * 300)
    assert model.endswith(b"n" * 300) and model[:1] == b"\x3a"
