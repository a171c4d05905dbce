"""The machine as it is looked at, and the limits that are set while something small is computed."""

from __future__ import annotations

import ctypes
import sys
from typing import Any

import cv2
import numpy as np
import pytest
from threadpoolctl import threadpool_info

from lipsync_colab import device
from lipsync_colab.device import inspect_machine, one_blas_thread, one_opencv_thread
from lipsync_colab.errors import InputError, MachineError


def blas_threads() -> list[int]:
    np.linalg.inv(np.eye(3))
    return [pool["num_threads"] for pool in threadpool_info() if pool["user_api"] == "blas"]


def test_linear_algebra_keeps_to_one_thread_and_gets_its_threads_back() -> None:
    before = blas_threads()
    with one_blas_thread():
        assert set(blas_threads()) == {1}
    assert blas_threads() == before


def test_opencv_gets_its_threads_back() -> None:
    before = cv2.getNumThreads()
    with pytest.raises(ZeroDivisionError), one_opencv_thread():
        assert cv2.getNumThreads() == 1
        _ = 1 / 0
    assert cv2.getNumThreads() == before


def test_without_a_driver_no_cuda_is_found_and_torch_is_not_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    def missing(name: str) -> Any:
        raise OSError(name)

    monkeypatch.setattr(ctypes, "CDLL", missing)
    monkeypatch.setattr(device, "DRIVER_DEVICES", ())
    monkeypatch.setitem(sys.modules, "torch", None)  # importing it would raise
    assert inspect_machine().device == "cpu"
    with pytest.raises(MachineError, match="T4"):
        inspect_machine("cuda")


def test_with_a_driver_torch_is_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    class Torch:
        class cuda:  # noqa: N801 - torch's own spelling
            @staticmethod
            def is_available() -> bool:
                return True

            @staticmethod
            def get_device_name() -> str:
                return "Tesla T4"

            @staticmethod
            def mem_get_info() -> tuple[int, int]:
                return 15 << 30, 15 << 30

    monkeypatch.setattr(ctypes, "CDLL", lambda name: object())
    monkeypatch.setattr(device, "has_torch", lambda: True)
    monkeypatch.setitem(sys.modules, "torch", Torch)
    machine = inspect_machine()
    assert (machine.device, machine.name, machine.device_memory, machine.dtype) == (
        *("cuda", "Tesla T4", 15 << 30),
        "float16",
    )


def test_an_unknown_device_is_refused() -> None:
    with pytest.raises(InputError, match="auto, cpu or cuda"):
        inspect_machine("tpu")
