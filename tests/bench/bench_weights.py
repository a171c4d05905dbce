"""Figures of the weights store: hashing against sha256sum, memory while verifying 1 GB, the second fetch.

    PYTHONPATH=.:tests python tests/bench/bench_weights.py [--size BYTES]

Each figure is a ratio or a peak of one run, so that a busy machine disturbs it little; nothing is asserted.
"""

from __future__ import annotations

import argparse
import json
import resource
import shutil
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from weights_fixtures import row_of, store_of

from lipsync_colab.weights.digest import sha256_of
from lipsync_colab.weights.store import Store

ROUNDS = 5


def seconds(work: Callable[[], object]) -> float:
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


def hashing(path: Path) -> dict[str, float]:
    """Both ways in turn, so that whatever else runs slows both."""
    ours, theirs = [], []
    for _ in range(ROUNDS):
        ours.append(seconds(lambda: sha256_of(path)))
        theirs.append(seconds(lambda: subprocess.run(["sha256sum", str(path)], check=True, capture_output=True)))
    return {
        "our MB/s": path.stat().st_size / min(ours) / 1e6,
        "sha256sum MB/s": path.stat().st_size / min(theirs) / 1e6,
        "speed against sha256sum": statistics.median(theirs) / statistics.median(ours),
    }


def verified(path: Path, folder: Path) -> dict[str, float]:
    """Peak memory of this process, which did nothing but import and verify."""
    store = with_file(path, folder)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    [finding] = store.verify()
    after = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    assert finding.right
    return {"peak MB while verifying": after / 1024, "of which by verifying": (after - before) / 1024}


def with_file(path: Path, folder: Path) -> Store:
    """A store that holds the file."""
    row = {**row_of("big.bin", b"", []), "size": path.stat().st_size, "sha256": sha256_of(path)}
    store = store_of(folder, None, row)
    place = store.inventory.cache.file("big.bin")
    place.parent.mkdir(parents=True, exist_ok=True)
    if not place.exists():
        place.hardlink_to(path)
    return store


def second_fetch(path: Path, folder: Path) -> dict[str, float]:
    """The fetch of a file that is here, in a store made anew, with a socket that nobody may open."""
    with_file(path, folder).fetch(["all"])
    row = {**row_of("big.bin", b"", []), "size": path.stat().st_size, "sha256": sha256_of(path)}

    def forbidden(*values: object) -> None:
        raise AssertionError("the network was used")

    socket.socket.connect = forbidden  # type: ignore[method-assign,assignment]
    times = [seconds(lambda: store_of(folder, None, row).fetch(["all"])) for _ in range(ROUNDS)]
    return {"second fetch ms": 1000 * statistics.median(times)}


def one(figure: str, size: int, folder: Path) -> dict[str, float]:
    path = folder / "big"
    if not path.exists():
        write(path, size)
    if figure == "hashing":
        return hashing(path)
    return (verified if figure == "memory" else second_fetch)(path, folder)


def write(path: Path, size: int) -> None:
    """Bytes that do not compress."""
    with path.open("wb") as file, Path("/dev/urandom").open("rb") as noise:
        block = noise.read(1 << 20)
        for start in range(0, size, len(block)):
            file.write(block[: size - start])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--size", type=int, default=1_000_000_000)
    parser.add_argument("--figure", choices=("hashing", "memory", "fetch"), help=argparse.SUPPRESS)
    parser.add_argument("--folder", type=Path, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.figure:
        print(json.dumps(one(options.figure, options.size, options.folder)))
        return
    folder = Path(tempfile.mkdtemp())
    try:
        for figure in ("hashing", "memory", "fetch"):  # a process for each: memory peaks last for ever
            command = [sys.executable, __file__, "--size", str(options.size), "--figure", figure]
            done = subprocess.run([*command, "--folder", str(folder)], check=True, stdout=subprocess.PIPE, text=True)
            for name, value in json.loads(done.stdout).items():
                print(f"{name:26} {value:10.2f}")
    finally:
        shutil.rmtree(folder)


if __name__ == "__main__":
    main()
