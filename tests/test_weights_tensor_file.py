"""Reading and writing safetensors by hand: the same as the package does, and no damaged file gets in."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from lipsync_colab.errors import WeightsError
from lipsync_colab.weights.tensor_file import read_tensors, write_tensors

TENSORS = {
    "b.weight": np.arange(6, dtype=np.float32).reshape(2, 3),
    "a.bias": np.array([0.5, -2], np.float16),
    "c.weight": np.array([[-127], [4]], np.int8),
    "none": np.zeros((0, 4), np.float32),
}


def test_what_is_written_is_read(tmp_path: Path) -> None:
    path = tmp_path / "one.safetensors"
    write_tensors(path, TENSORS, {"seed": "7"})
    found, metadata = read_tensors(path)
    assert metadata == {"seed": "7"} and set(found) == set(TENSORS)
    for name, tensor in TENSORS.items():
        assert found[name].dtype == tensor.dtype
        np.testing.assert_array_equal(found[name], tensor)
    write_tensors(tmp_path / "two.safetensors", dict(reversed(TENSORS.items())), {"seed": "7"})
    assert (tmp_path / "two.safetensors").read_bytes() == path.read_bytes()


def test_the_package_agrees(tmp_path: Path) -> None:
    package = pytest.importorskip("safetensors.numpy")
    ours, theirs = tmp_path / "ours.safetensors", tmp_path / "theirs.safetensors"
    write_tensors(ours, TENSORS, {})
    package.save_file(TENSORS, theirs)
    for name, tensor in package.load_file(ours).items():
        np.testing.assert_array_equal(tensor, TENSORS[name])
    for name, tensor in read_tensors(theirs)[0].items():
        np.testing.assert_array_equal(tensor, TENSORS[name])


@pytest.mark.parametrize("keep", [0, 5, 40, -3])
def test_a_cut_file_is_refused(tmp_path: Path, keep: int) -> None:
    path = tmp_path / "cut.safetensors"
    write_tensors(path, TENSORS, {})
    path.write_bytes(path.read_bytes()[:keep])
    with pytest.raises(WeightsError, match="install the package again"):
        read_tensors(path)


def test_other_files_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "x.safetensors"
    with pytest.raises(WeightsError, match="cannot be read"):
        read_tensors(path)
    for content in (b"[1, 2]", b'{"a": 1}', b'{"a": {"dtype": "I64", "shape": [1], "data_offsets": [0, 8]}}'):
        path.write_bytes(len(content).to_bytes(8, "little") + content + bytes(8))
        with pytest.raises(WeightsError):
            read_tensors(path)
