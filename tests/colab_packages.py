"""Colab's package list as an index of empty wheels: pip resolves against it without fetching what Colab has."""

from __future__ import annotations

import json
import re
import subprocess
import sys
import zipfile
from collections.abc import Collection
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[1]
FREEZE = ROOT / "tests" / "data" / "colab-pip-freeze.txt"
PYTHON = "3.13"


def canonical(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def frozen() -> dict[str, str]:
    """Return Colab's packages: canonical name to public version."""
    pairs = re.findall(r"^([\w.\-]+)==([\w.+!]+)", FREEZE.read_text(encoding="utf-8"), re.M)
    return {canonical(name): version.split("+")[0] for name, version in pairs}


def write_wheel(folder: Path, name: str, version: str) -> None:
    """Write a wheel with nothing in it. Its local version ranks it above the real wheel of the same release."""
    stem = f"{name.replace('-', '_')}-{version}+colab"
    metadata = f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}+colab\n"
    with zipfile.ZipFile(folder / f"{stem}-py3-none-any.whl", "w") as wheel:
        wheel.writestr(f"{stem}.dist-info/METADATA", metadata)
        wheel.writestr(f"{stem}.dist-info/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n")
        wheel.writestr(f"{stem}.dist-info/RECORD", "")


def resolve(folder: Path, requirements: Collection[str], movable: Collection[str] = ()) -> list[dict[str, Any]]:
    """Resolve requirements with their dependencies as a Colab runtime would; nothing is installed.

    Args:
        folder: an empty one.
        requirements: as pip takes them.
        movable: names on Colab's list that may move.

    Returns:
        pip's report of what would be installed, packages of Colab's that were needed included.

    Raises:
        AssertionError: one of Colab's packages would have to move; the message is pip's.
    """
    links, constraints, wanted, report = (folder / name for name in ("links", "constraints", "wanted", "report"))
    links.mkdir()
    held = {name: version for name, version in frozen().items() if name not in movable}
    for name, version in held.items():
        write_wheel(links, name, version)
    constraints.write_text("".join(f"{name}=={version}\n" for name, version in held.items()))
    wanted.write_text("".join(f"{line}\n" for line in requirements))
    words = [
        *(sys.executable, "-m", "pip", "install", "--dry-run", "--ignore-installed", "--quiet"),
        *("--disable-pip-version-check", "--python-version", PYTHON, "--only-binary=:all:"),
        *("--target", str(folder / "target"), "--find-links", str(links), "--report", str(report)),
        *("-r", str(wanted), "-c", str(constraints)),
    ]
    done = subprocess.run(words, capture_output=True, text=True, check=False, timeout=300)
    errors = [line for line in done.stderr.splitlines() if not line.startswith("WARNING: Location")]
    assert done.returncode == 0, "\n".join(errors)[-3000:]
    return list(json.loads(report.read_text())["install"])


def lines_of(name: str) -> list[str]:
    """Return the requirements of a file at the repository's root."""
    lines = (ROOT / name).read_text(encoding="utf-8").splitlines()
    return [line for line in lines if line and not line.startswith("#")]
