"""The machine: processor or GPU, number format, memory and disk. Torch is asked only when it is there."""

from __future__ import annotations

import contextlib
import ctypes
import importlib.util
import os
import platform
import resource
import shutil
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from lipsync_colab.errors import InputError, MachineError

DRIVER_DEVICES = (Path("/dev/nvidiactl"), Path("/dev/kfd"))
"""What NVIDIA's and AMD's kernel modules make."""


@dataclass(frozen=True)
class Pace:
    """How fast a machine is.

    Attributes:
        flops: floating-point operations of convolutions in a second, in the device's own number format.
        lay: seconds to lay a patch into a frame of a million pixels and to encode it.
        draw: seconds more where the embedded engine also moves the head, for a million pixels.
        probed: whether this machine was measured; otherwise the values are a table's.
    """

    flops: float
    lay: float
    draw: float
    probed: bool = False


@dataclass(frozen=True)
class Machine:
    """What a planner must know of the machine.

    Attributes:
        device: ``"cpu"`` or ``"cuda"``.
        name: of the processor or the GPU.
        cores: logical processors this process may use.
        memory: free host memory in bytes.
        device_memory: free memory of the GPU in bytes; 0 without one.
        disk: free bytes where the work folder lies.
        torch: whether torch is installed.
        pace: how fast it is; None before it was measured (then a table by device and cores holds).
    """

    device: str
    name: str
    cores: int
    memory: int
    device_memory: int
    disk: int
    torch: bool
    pace: Pace | None = None

    @property
    def dtype(self) -> str:
        """``"float16"`` on a GPU (a T4 has no bfloat16), ``"float32"`` on a CPU, where half precision is slower."""
        return "float16" if self.device == "cuda" else "float32"


@contextlib.contextmanager
def one_opencv_thread() -> Iterator[None]:
    """Keep OpenCV to the calling threads while frames are drawn.

    Its operations on a patch take a fraction of a millisecond: handing parts of them to other threads costs a fifth
    more processor time, and the renderer and the encoder keep two cores busy anyway.
    """
    import cv2

    before = cv2.getNumThreads()
    cv2.setNumThreads(1)
    try:
        yield
    finally:
        cv2.setNumThreads(before)


@contextlib.contextmanager
def one_blas_thread() -> Iterator[None]:
    """Keep numpy's and scipy's linear algebra to the calling thread while a portrait is measured.

    Its systems have a few hundred unknowns. Threads that wait for each other on two busy cores made the same work take
    seconds instead of a fifth of one.
    """
    from threadpoolctl import threadpool_limits

    with threadpool_limits(1, user_api="blas"):
        yield


def has_torch() -> bool:
    """Whether torch is installed; it is not imported."""
    return importlib.util.find_spec("torch") is not None


def inspect_machine(device: str = "auto", folder: Path | None = None) -> Machine:
    """Look at the machine.

    Args:
        device: ``"auto"``, ``"cpu"`` or ``"cuda"``.
        folder: where the work folder will lie; the working directory by default.

    Raises:
        InputError: no such device name.
        MachineError: CUDA was asked for and is not there.
    """
    if device not in ("auto", "cpu", "cuda"):
        raise InputError(f"--device {device}: choose auto, cpu or cuda")
    cuda = device != "cpu" and _cuda_ready()
    if device == "cuda" and not cuda:
        raise MachineError(
            "no CUDA device found; use --device cpu, or on Colab: Runtime → Change runtime type → T4 GPU"
        )
    return Machine(
        device="cuda" if cuda else "cpu",
        name=_cuda_name() if cuda else _processor_name(),
        cores=_cores(),
        memory=free_memory(),
        device_memory=_cuda_free() if cuda else 0,
        disk=free_disk(folder or Path.cwd()),
        torch=has_torch(),
    )


def free_memory() -> int:
    """Return the host memory in bytes that can be taken without swapping, within the container's limit."""
    try:
        lines = Path("/proc/meminfo").read_text(encoding="ascii").splitlines()
    except OSError:
        return int(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES"))
    values = {line.split(":")[0]: int(line.split()[1]) * 1024 for line in lines if line.split()[1:]}
    return min(values.get("MemAvailable", 0), _container_room())


def _container_room() -> int:
    """Bytes left below the cgroup's limit; very large when there is none."""
    folder = Path("/sys/fs/cgroup")
    try:
        limit = (folder / "memory.max").read_text(encoding="ascii").strip()
        used = int((folder / "memory.current").read_text(encoding="ascii"))
    except (OSError, ValueError):
        return sys.maxsize
    return sys.maxsize if limit == "max" else max(0, int(limit) - used)


def free_disk(folder: Path) -> int:
    """Return the free bytes where ``folder`` lies or would lie."""
    place = folder.absolute()
    while not place.exists() and place != place.parent:
        place = place.parent
    return shutil.disk_usage(place).free


def is_out_of_memory(error: BaseException) -> bool:
    """Whether an error means that a smaller tile or batch may succeed."""
    torch = sys.modules.get("torch")  # what was never imported cannot have raised
    kinds = (MemoryError,) if torch is None else (MemoryError, torch.OutOfMemoryError)
    words = str(error)
    return isinstance(error, kinds) or (
        isinstance(error, RuntimeError) and ("DefaultCPUAllocator" in words or "out of memory" in words)
    )


class Parts:
    """Draws batches, in smaller parts when memory runs out: once a part was too large, later ones are as small.

    Args:
        what: is drawn, for the message when not even one fits.

    Attributes:
        most: items in one call; None while whole batches fit.
    """

    def __init__(self, what: str) -> None:
        self._what = what
        self.most: int | None = None

    def draw(self, count: int, draw: Callable[[slice], Any]) -> Any:
        """Return an array of ``count`` items.

        Args:
            count: of the whole batch, at least 1.
            draw: gives the items of a slice as one array.

        Raises:
            MachineError: not even one item fits.
        """
        parts: list[Any] = []
        done = 0
        while done < count:
            size = min(self.most or count, count - done)
            part = _unless_full(draw, slice(done, done + size))
            if part is not None:
                parts.append(part)
                done += size
            elif size == 1:
                raise MachineError(
                    f"not enough memory for {self._what}; close other programs, or use --device cpu, --restore none "
                    f"or --engine viseme"
                )
            else:
                self.most = size // 2
        return parts[0] if len(parts) == 1 else np.concatenate(parts)


def _unless_full(draw: Callable[[slice], Any], part: slice) -> Any:
    """Return what was drawn, or None when memory ran out; the traceback, which holds tensors, is gone by then."""
    try:
        return draw(part)
    except (RuntimeError, MemoryError) as error:
        if not is_out_of_memory(error):
            raise
    empty_cuda_cache()
    return None


def empty_cuda_cache() -> None:
    """Give back the GPU memory that torch keeps for later; nothing without a GPU."""
    torch = sys.modules.get("torch")
    if torch is not None and torch.cuda.is_initialized():
        torch.cuda.empty_cache()


def peak_memory() -> int:
    """Return the highest resident memory of this process so far, in bytes."""
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak if sys.platform == "darwin" else peak * 1024


def program_peak() -> int:
    """Return the highest resident memory of this very program, in bytes.

    :func:`peak_memory` tells that of the process which started it too, where that was larger.
    """
    try:
        lines = Path("/proc/self/status").read_text(encoding="ascii").splitlines()
    except OSError:
        return peak_memory()
    found = [int(line.split()[1]) * 1024 for line in lines if line.startswith("VmHWM")]
    return found[0] if found else peak_memory()


def resident_memory() -> int:
    """Return the resident memory of this process now, in bytes; its peak where the system does not tell."""
    try:
        pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1])
    except (OSError, ValueError, IndexError):
        return peak_memory()
    return pages * int(os.sysconf("SC_PAGE_SIZE"))


def device_memory() -> int:
    """Return the bytes of the GPU that this process's tensors take; 0 without one, or before torch is loaded."""
    torch = sys.modules.get("torch")
    return int(torch.cuda.memory_allocated()) if torch is not None and torch.cuda.is_initialized() else 0


def release_device_peak() -> int:
    """Return the most bytes of the GPU that tensors took since the last call, and count anew; 0 without one."""
    torch = sys.modules.get("torch")
    if torch is None or not torch.cuda.is_initialized():
        return 0
    peak = int(torch.cuda.max_memory_allocated())
    torch.cuda.reset_peak_memory_stats()
    return peak


def _cores() -> int:
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def _processor_name() -> str:
    try:
        for line in Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines():
            if line.startswith("model name"):
                return line.split(":", 1)[1].strip()
    except OSError:
        pass
    return platform.processor() or platform.machine()


def _cuda_ready() -> bool:
    # Without the driver there is no device, and importing torch to hear that would cost seconds.
    if not has_torch() or not _cuda_driver():
        return False
    import torch

    return bool(torch.cuda.is_available())


def _cuda_driver() -> bool:
    """Whether NVIDIA's driver library can be loaded (or, with ROCm's torch, AMD's is there)."""
    for name in ("nvcuda.dll",) if sys.platform == "win32" else ("libcuda.so.1", "libamdhip64.so"):
        try:
            ctypes.CDLL(name)
        except OSError:
            continue
        return True
    return any(path.exists() for path in DRIVER_DEVICES)


def _cuda_name() -> str:
    import torch

    return str(torch.cuda.get_device_name())


def _cuda_free() -> int:
    import torch

    return int(torch.cuda.mem_get_info()[0])
