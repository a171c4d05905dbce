"""A Jupyter server of one of the two stacks, with folders of its own, that ends with the tests."""

from __future__ import annotations

import contextlib
import json
import os
import secrets
import signal
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[2]
PYTHON = {
    "notebook7": ROOT / ".venv-browser8" / "bin" / "python",
    "classic6": ROOT / ".venv-browser7" / "bin" / "python",
}
"""Notebook 7 with ipywidgets 8; classic Notebook 6.5 with Colab's ipywidgets 7.7.1, ipykernel and IPython."""
OPTIONS = {
    "notebook7": ("--IdentityProvider.token={token}", "--JupyterNotebookApp.expose_app_in_browser=True"),
    "classic6": ("--NotebookApp.token={token}",),
}
CELL = """from pathlib import Path
from lipsync_colab.panel import Studio
from lipsync_colab.panel.host import LocalHost

studio = Studio(LocalHost(Path("videos")))
studio.show()"""
PATIENCE = 120.0
"""Seconds to wait for a server or a kernel; a quiet machine needs three."""


@dataclass(frozen=True)
class NotebookServer:
    """A running server.

    Attributes:
        stack: ``"notebook7"`` or ``"classic6"``.
        address: ``http://127.0.0.1:PORT``.
        folder: what it serves.
        token: what it asks for.
    """

    stack: str
    address: str
    folder: Path
    token: str

    def add_notebook(self, name: str) -> str:
        """Write a notebook into a folder of its own whose one cell shows the panel, and return its address."""
        cell = {
            **{"cell_type": "code", "execution_count": None, "id": "studio", "metadata": {}, "outputs": []},
            "source": CELL,
        }
        kernel = {"kernelspec": {"name": "python3", "display_name": "Python 3", "language": "python"}}
        book = {"cells": [cell], "metadata": kernel, "nbformat": 4, "nbformat_minor": 5}
        (self.folder / name).mkdir()
        (self.folder / name / "studio.ipynb").write_text(json.dumps(book), encoding="utf-8")
        return f"{self.address}/notebooks/{name}/studio.ipynb?token={self.token}"

    def wait_for_kernel(self) -> None:
        """Return once the page is connected to a kernel: what it is asked from then on it hears, when it is ready.

        Jupyter's own word for the kernel's state is not asked: where the kernel was faster than the server that
        listens to it, that stays "starting" until something runs.

        Raises:
            TimeoutError: it never was.
        """
        wait_until(lambda: [k for k in self._kernels() if k.get("connections", 0) > 0], "a kernel with a page")

    def kill_kernel(self) -> None:
        """Kill the one kernel's process as a machine that takes the runtime away does: it cannot say goodbye."""
        (kernel,) = self._kernels()
        os.kill(_process_of(kernel["id"]), signal.SIGKILL)

    def end_kernels(self) -> None:
        """End every kernel, so that the next notebook has the machine for itself."""
        for kernel in self._kernels():
            self._ask(f"/{kernel['id']}", "DELETE")

    def _kernels(self) -> list[dict[str, Any]]:
        try:
            return list(json.loads(self._ask()))
        except urllib.error.HTTPError as error:
            if error.code < 500:
                raise
            return []  # Jupyter's own answer for a kernel that is just starting and has no state yet

    def _ask(self, what: str = "", method: str = "GET") -> bytes:
        address, headers = f"{self.address}/api/kernels{what}", {"Authorization": f"token {self.token}"}
        asked = urllib.request.Request(address, None, headers, method=method)
        with urllib.request.urlopen(asked, timeout=PATIENCE) as answer:
            return bytes(answer.read())


def _process_of(kernel: str) -> int:
    """Return the process that was started with a kernel's connection file."""
    for words in Path("/proc").glob("[0-9]*/cmdline"):
        with contextlib.suppress(OSError):
            if f"kernel-{kernel}.json".encode() in words.read_bytes():
                return int(words.parent.name)
    raise ProcessLookupError(f"no process of kernel {kernel}")


def wait_until(true: Callable[[], Any], what: str, seconds: float = PATIENCE) -> Any:
    """Return what ``true()`` gives as soon as that is truthy.

    Raises:
        TimeoutError: it never was.
    """
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        found = true()
        if found:
            return found
        time.sleep(0.05)
    raise TimeoutError(f"{what}: not within {seconds:.0f} s")


@contextlib.contextmanager
def serve(stack: str, folder: Path, log: Path, weights_cache: str) -> Iterator[NotebookServer]:
    """Run a server of a stack for the time of a block; it takes a free port itself.

    Args:
        stack: ``"notebook7"`` or ``"classic6"``.
        folder: its notebooks, its home and its Jupyter folders.
        log: what it prints.
        weights_cache: where package-carried weights are kept.
    """
    places = {name: str(folder / name.lower()) for name in ("JUPYTER_CONFIG_DIR", "JUPYTER_DATA_DIR", "IPYTHONDIR")}
    runtime = folder / "runtime"
    places |= {"JUPYTER_RUNTIME_DIR": str(runtime), "HOME": str(folder), "LIPSYNC_COLAB_CACHE": weights_cache}
    environment = {**os.environ, **places, "PYTHONPATH": str(ROOT)}
    books, token = folder / "books", secrets.token_hex(16)
    books.mkdir(parents=True)
    words = [str(PYTHON[stack]), "-m", "notebook", "--allow-root", "--no-browser", "--ip=127.0.0.1"]
    words += [option.format(token=token) for option in OPTIONS[stack]]
    with log.open("wb") as printed:
        process = subprocess.Popen(
            words,
            cwd=books,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=printed,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
        try:
            address = wait_until(lambda: _address(runtime, process), f"the server of {stack}")
            yield NotebookServer(stack, address, books, token)
        finally:
            _end(process)


def _address(runtime: Path, process: subprocess.Popen[bytes]) -> str:
    """Return the server's address once it answers; it writes its port into its runtime folder."""
    if process.poll() is not None:
        raise RuntimeError(f"the notebook server ended with {process.returncode}; its log is kept in artifacts/browser")
    for path in runtime.glob("*server-*.json"):
        with contextlib.suppress(ValueError, KeyError, OSError):
            address = f"http://127.0.0.1:{json.loads(path.read_text())['port']}"
            urllib.request.urlopen(f"{address}/api", timeout=5).close()
            return address
    return ""


def _end(process: subprocess.Popen[bytes]) -> None:
    """End the server, which ends its kernels; what is left of its process group after that is killed."""
    if process.poll() is None:
        process.send_signal(signal.SIGTERM)
    with contextlib.suppress(subprocess.TimeoutExpired):
        process.wait(20)
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()
