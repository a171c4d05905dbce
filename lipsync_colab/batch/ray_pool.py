"""Tasks on a Ray cluster: one of this machine, or the user's by its address."""

from __future__ import annotations

import contextlib
import os
import re
import socket
import tempfile
from collections.abc import Iterator
from pathlib import Path
from types import TracebackType
from typing import Any

from lipsync_colab.batch.pool import Lost, Need
from lipsync_colab.batch.tasks import Outcome, Task, run_task
from lipsync_colab.errors import InputError, MachineError

SHORT_FOLDER = Path("/tmp")
"""Ray keeps sockets in its folder, and a socket's path has at most 107 bytes."""
LONGEST_FOLDER = 30
KNOCK_SECONDS = 10.0
"""How long a cluster's door may take to open; Ray itself would wait for minutes where nobody is."""


class RayPool:
    """Runs tasks on Ray.

    Args:
        address: ``"auto"``, ``"host:port"`` or ``"ray://host:port"``; empty starts Ray on this machine, on loopback
            only, and ends it afterwards.
        workers: processors that a local Ray offers; 0 for all.

    Raises:
        MachineError: Ray is not installed.
    """

    def __init__(self, address: str = "", workers: int = 0) -> None:
        self._ray = import_ray()
        self._address, self._workers = address, workers
        self._running: dict[Any, Task] = {}
        self._stack = contextlib.ExitStack()
        self._remote: Any = None

    def __enter__(self) -> RayPool:
        with contextlib.ExitStack() as stack:
            stack.enter_context(_quiet())
            self._start(stack)
            self._stack = stack.pop_all()
        # Lost tasks are given out again by the schedule, which counts them; Ray itself must not.
        self._remote = self._ray.remote(max_retries=0)(run_task)
        return self

    def _start(self, stack: contextlib.ExitStack) -> None:
        common = {"logging_level": "ERROR", "log_to_driver": False}
        try:
            if self._address:
                _knock(self._address)
                self._ray.init(address=self._address, **common)
            else:
                folder = stack.enter_context(_private_folder())
                self._ray.init(
                    num_cpus=self._workers or None,
                    include_dashboard=False,
                    _node_ip_address="127.0.0.1",
                    _temp_dir=str(folder),
                    **common,
                )
        except Exception as error:  # a node that starts too slowly is a plain Exception of Ray's
            said = (str(error).splitlines() or [""])[0]
            where = f"at {self._address} " if self._address else ""
            raise MachineError(
                f"no Ray cluster {where}could be joined or started ({said}); "
                "see 'ray status' there, or run here without Ray: --workers 1"
            ) from error
        stack.callback(self._ray.shutdown)

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for reference in self._running:
            with contextlib.suppress(Exception):  # a cluster that is gone has nothing left to stop
                self._ray.cancel(reference)
        if self._running:
            with contextlib.suppress(Exception):
                self._ray.wait(list(self._running), num_returns=len(self._running), timeout=10)
        self._running = {}
        self._stack.close()

    def slots(self, need: Need) -> int:
        """Return how many tasks run at once on the nodes that are alive now."""
        return sum(_fits(node["Resources"], need) for node in self._ray.nodes() if node["Alive"])

    def has_gpu(self) -> bool:
        """Whether a node of the cluster has a GPU."""
        return any(node["Alive"] and node["Resources"].get("GPU", 0) for node in self._ray.nodes())

    def submit(self, task: Task, need: Need) -> None:
        """Give out a task."""
        remote = self._remote.options(
            num_cpus=need.cpus, num_gpus=need.gpu, memory=need.memory, name=f"lipsync-colab {task.kind}"
        )
        self._running[remote.remote(task)] = task

    def wait(self) -> list[tuple[Task, Outcome | Lost]]:
        """Wait until at least one task has ended, and return those that have."""
        ready, _ = self._ray.wait(list(self._running), num_returns=1)
        return [(self._running.pop(reference), self._result(reference)) for reference in ready]

    def _result(self, reference: Any) -> Outcome | Lost:
        errors = self._ray.exceptions
        try:
            outcome: Outcome = self._ray.get(reference)
        except errors.RayTaskError as error:
            # Not of the task itself, whose errors are outcomes: the node could not even read it.
            if isinstance(error.cause, ImportError):
                raise InputError("a node of the cluster lacks lipsync-colab: pip install it on every node") from error
            return Lost(_first_line(error.cause or error))
        except errors.RayError as error:
            return Lost(_first_line(error))
        return outcome


def import_ray() -> Any:
    """Return the ray module.

    Raises:
        MachineError: it is not installed; names the extra.
    """
    try:
        import ray
        import ray.exceptions
    except ImportError as error:
        raise MachineError(
            "batch runs on Ray, which is not installed: pip install 'lipsync-colab[batch]', "
            "or run it in processes of this machine with --workers N"
        ) from error
    return ray


def _fits(resources: dict[str, float], need: Need) -> int:
    """Return how many tasks a node holds at once."""
    kinds = (("CPU", need.cpus), ("memory", need.memory), ("GPU", need.gpu))
    return min(int(resources.get(name, 0.0) / amount + 1e-9) for name, amount in kinds if amount)


def _first_line(error: BaseException) -> str:
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    return f"{type(error).__name__}: {lines[0]}"[:300] if lines else type(error).__name__


@contextlib.contextmanager
def _private_folder() -> Iterator[Path]:
    """Yield a folder for Ray's sockets and logs that only this user can read; it is removed afterwards."""
    place = Path(tempfile.gettempdir())
    if len(os.fsencode(place)) > LONGEST_FOLDER and SHORT_FOLDER.is_dir():
        place = SHORT_FOLDER
    # Ray's processes write their last log lines while the folder is removed.
    with tempfile.TemporaryDirectory(prefix="lipsync-ray-", dir=place, ignore_cleanup_errors=True) as folder:
        yield Path(folder)


@contextlib.contextmanager
def _quiet() -> Iterator[None]:
    """Let Ray report nothing to its makers: it reads this choice only from the environment."""
    name = "RAY_USAGE_STATS_ENABLED"
    before = os.environ.get(name)
    os.environ[name] = before or "0"
    try:
        yield
    finally:
        if before is None:
            del os.environ[name]


def _knock(address: str) -> None:
    """Open and close a connection to ``host:port`` or ``ray://host:port``; other addresses are Ray's to find.

    Raises:
        OSError: nobody answers.
    """
    place = re.fullmatch(r"(?:ray://)?\[?([^/\[\]]+?)\]?:(\d+)", address)
    if place:
        socket.create_connection((place[1], int(place[2])), KNOCK_SECONDS).close()
