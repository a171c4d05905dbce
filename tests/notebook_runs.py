"""Runs a notebook in a kernel of its own, at a small size, on this machine or with a stand-in for Colab."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[1]
NOTEBOOKS = sorted((ROOT / "notebooks").glob("*.ipynb"))
PLACES = ("local", "colab", "colab with Drive", "colab, Drive refused")
"""Where a notebook runs; none of them has a GPU."""

STAND_IN = {
    "__init__.py": "",
    "drive.py": """
from pathlib import Path
def mount(place):
    if {refuse}:
        raise ValueError("mount failed")
    (Path(place) / "MyDrive").mkdir(parents=True, exist_ok=True)
def flush_and_unmount():
    print("flushed")
""",
    "files.py": "def download(path):\n    pass\ndef upload():\n    return {}\n",
    "output.py": "def clear():\n    pass\n",
    "userdata.py": "class SecretNotFoundError(Exception):\n    pass\ndef get(name):\n    raise SecretNotFoundError\n",
}


@dataclass
class Ran:
    """What a run left.

    Attributes:
        said: every text output, by the cell's id.
        kinds: the MIME types of every cell's displays, by the cell's id.
        folder: where files should be.
        book: the executed notebook.
    """

    folder: Path
    book: Any
    said: dict[str, str] = field(default_factory=dict)
    kinds: dict[str, set[str]] = field(default_factory=dict)

    @property
    def files(self) -> list[str]:
        """Names in the folder, hidden ones too."""
        return sorted(path.name for path in self.folder.iterdir())


def write_stand_in(folder: Path, refuse: bool) -> None:
    """Write a package ``google.colab``."""
    package = folder / "google" / "colab"
    package.mkdir(parents=True, exist_ok=True)
    (folder / "google" / "__init__.py").write_text("")
    for name, text in STAND_IN.items():
        (package / name).write_text(text.replace("{refuse}", str(refuse)))


def run_notebook(
    name: str,
    place: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    changes: dict[str, str],
    source: str = "",
    person: Mapping[str, str] | None = None,
) -> Ran:
    """Run all cells; an error in one fails the test.

    Args:
        name: of the notebook.
        place: one of :data:`PLACES`.
        tmp_path: an empty folder.
        monkeypatch: for the kernel's environment.
        changes: assignments of the forms to replace, by name, with their new values as Python.
        source: where the install cell gets the package from; empty where it is installed already.
        person: what a person does after the cells of these ids, as Python; its output is that of ``person-after-ID``.
    """
    nbclient, nbformat = pytest.importorskip("nbclient"), pytest.importorskip("nbformat")
    book = nbformat.read(ROOT / "notebooks" / f"{name}.ipynb", as_version=4)
    wanted = {**changes, **({} if place in ("local", "colab") else {"DRIVE": "True"})}
    if source:
        wanted["SOURCE"] = repr(source)
    replace_forms(book, wanted)
    for cell, code in (person or {}).items():
        at = next(index for index, each in enumerate(book.cells) if each.id == cell) + 1
        book.cells.insert(at, nbformat.v4.new_code_cell(code, id=f"person-after-{cell}"))
    paths = [str(tmp_path / "site")] if source else [str(tmp_path / "site"), str(ROOT), *sys.path]
    home = Path(os.environ["HOME"])
    if place != "local":
        write_stand_in(tmp_path / "site", "refused" in place)
        book.cells.insert(0, nbformat.v4.new_code_cell("import google.colab"))
        at = next(index for index, cell in enumerate(book.cells) if cell.id == "install") + 1
        drive, content = (repr(str(tmp_path / each)) for each in ("drive", "content"))
        moved = "import pathlib, lipsync_colab.colab as c; "
        moved += f"c.ColabHost.__init__.__defaults__ = (pathlib.Path({drive}), pathlib.Path({content}))"
        book.cells.insert(at, nbformat.v4.new_code_cell(moved))
        if not source:
            from lipsync_colab.version import __version__

            (home / f".lipsync-colab-{__version__}").touch()
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join(paths))
    resources = {"metadata": {"path": str(tmp_path)}}
    nbclient.NotebookClient(book, timeout=600, kernel_name="python3", resources=resources).execute()
    folder = {"local": "lipsync", "colab with Drive": "drive/MyDrive/LipSync"}.get(place, "content/LipSync")
    ran = Ran(tmp_path / folder, book)
    for cell in book.cells:
        outputs = cell.get("outputs", [])
        ran.said[cell.id] = "".join(
            [*(out.get("text", "") for out in outputs), *(out.get("data", {}).get("text/html", "") for out in outputs)]
        )
        ran.kinds[cell.id] = {kind for out in outputs for kind in out.get("data", {})}
    return ran


def replace_forms(book: Any, wanted: dict[str, str]) -> None:
    """Replace the values of a notebook's form fields; each must be there once."""
    left = dict(wanted)
    for cell in book.cells:
        lines = cell.source.split("\n")
        for index, line in enumerate(lines):
            field_name = line.partition(" = ")[0]
            if field_name in left and "# @param" in line:
                lines[index] = f"{field_name} = {left.pop(field_name)}"
        cell.source = "\n".join(lines)
    assert not left, f"the notebook has no field {', '.join(left)}"
