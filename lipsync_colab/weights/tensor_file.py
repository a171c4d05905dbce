"""Safetensors files without torch and without a package: a JSON header, then the numbers."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from lipsync_colab.errors import WeightsError

TYPES: dict[str, np.dtype[Any]] = {"I8": np.dtype("i1"), "F16": np.dtype("<f2"), "F32": np.dtype("<f4")}
LONGEST_HEADER = 1 << 20


def read_tensors(path: Path) -> tuple[dict[str, np.ndarray], dict[str, str]]:
    """Return a file's tensors (int8, float16 or float32) by name, and its metadata.

    Raises:
        WeightsError: the file is missing or is not what it should be.
    """
    try:
        data = path.read_bytes()
    except OSError as error:
        raise WeightsError(f"{path.name} cannot be read ({error.strerror}): install the package again") from error
    try:
        length = int.from_bytes(data[:8], "little")
        if not 0 < length <= min(LONGEST_HEADER, len(data) - 8):
            raise ValueError("no header")
        header: dict[str, Any] = json.loads(data[8 : 8 + length])
        metadata = header.pop("__metadata__", {})
        body = memoryview(data)[8 + length :]
        return {name: _tensor(body, entry) for name, entry in header.items()}, metadata
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise WeightsError(f"{path.name} is no safetensors file: install the package again") from error


def _tensor(body: memoryview, entry: Mapping[str, Any]) -> np.ndarray:
    start, end = entry["data_offsets"]
    if not 0 <= start <= end <= len(body):
        raise ValueError("a tensor lies outside the file")
    dtype: np.dtype[Any] = TYPES[entry["dtype"]]
    return np.frombuffer(body[start:end], dtype).reshape(entry["shape"])


def write_tensors(path: Path, tensors: Mapping[str, np.ndarray], metadata: Mapping[str, str]) -> None:
    """Write tensors in the order of their names, the same bytes for the same tensors."""
    names = {dtype: name for name, dtype in TYPES.items()}
    header: dict[str, Any] = {"__metadata__": dict(sorted(metadata.items()))}
    chunks = []
    offset = 0
    for name, tensor in sorted(tensors.items()):
        chunk = np.ascontiguousarray(tensor).tobytes()
        span = [offset, offset + len(chunk)]
        header[name] = {"dtype": names[tensor.dtype], "shape": list(tensor.shape), "data_offsets": span}
        chunks.append(chunk)
        offset += len(chunk)
    text = json.dumps(header, separators=(",", ":")).encode()
    text += b" " * (-len(text) % 8)
    path.write_bytes(len(text).to_bytes(8, "little") + text + b"".join(chunks))
