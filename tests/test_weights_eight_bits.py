"""Weights in eight bits: small, near what they were, and the same each time."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from lipsync_colab.weights.eight_bits import in_eight_bits, of_eight_bits
from lipsync_colab.weights.tensor_file import read_tensors, write_tensors


def test_every_channel_comes_back_to_half_a_step(tmp_path: Path) -> None:
    random = np.random.default_rng(0)
    scales = 10.0 ** random.uniform(-3, 1, (6, 1, 1))
    tensors = {"a.weight": random.normal(0, 1, (6, 5, 3)) * scales, "a.bias": random.normal(0, 1, 6)}
    path = tmp_path / "some.safetensors"
    write_tensors(path, in_eight_bits(tensors), {})
    stored, _ = read_tensors(path)
    assert stored["a.weight"].dtype == np.int8
    found = of_eight_bits(stored)
    assert sorted(found) == sorted(tensors) and all(tensor.dtype == np.float32 for tensor in found.values())
    steps = np.abs(tensors["a.weight"]).max(axis=(1, 2), keepdims=True) / 127
    assert (np.abs(found["a.weight"] - tensors["a.weight"]) <= 0.501 * steps).all()
    np.testing.assert_allclose(found["a.bias"], tensors["a.bias"], rtol=1e-3)


def test_what_was_stored_once_is_stored_alike_again() -> None:
    random = np.random.default_rng(1)
    once = in_eight_bits({"a": random.normal(0, 1, (4, 9)).astype(np.float32)})
    again = in_eight_bits(of_eight_bits(once))
    assert all(np.array_equal(once[name], again[name]) for name in once)


def test_a_channel_of_nothing_stays_nothing() -> None:
    tensors = {"a": np.array([[0.0, 0.0], [1.0, -2.0]])}
    np.testing.assert_allclose(of_eight_bits(in_eight_bits(tensors))["a"], tensors["a"], atol=0.01)
