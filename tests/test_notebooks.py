"""The notebooks: their form, a whole run with a stand-in for Colab, and what they install against what Colab has."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[1]
NOTEBOOKS = sorted((ROOT / "notebooks").glob("*.ipynb"))
FREEZE = ROOT / "tests" / "data" / "colab-pip-freeze.txt"
PRELOADED = (
    *("numpy", "scipy", "pillow", "opencv-python-headless", "soundfile", "imageio-ffmpeg", "tqdm", "huggingface-hub"),
    *("matplotlib", "protobuf", "flatbuffers", "torch", "torchvision", "safetensors", "ipywidgets", "transformers"),
)
"""What Colab has loaded before the first cell: none of it may be moved."""

STAND_IN = {
    "__init__.py": "",
    "drive.py": """
from pathlib import Path
def mount(place):
    if {refuse}:
        raise ValueError("mount failed")
    (Path(place) / "MyDrive").mkdir(parents=True, exist_ok=True)
def flush_and_unmount():
    pass
""",
    "files.py": "def download(path):\n    pass\ndef upload():\n    return {}\n",
}


def cells(path: Path) -> list[dict[str, Any]]:
    return list(json.loads(path.read_text(encoding="utf-8"))["cells"])


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_notebooks_are_clean_and_open_on_colab(path: Path) -> None:
    book = json.loads(path.read_text(encoding="utf-8"))
    assert book["metadata"]["accelerator"] == "GPU" and book["metadata"]["colab"]["gpuType"] == "T4"
    assert f"notebooks/{path.name}" in "".join(book["cells"][0]["source"])
    ids = [cell["id"] for cell in book["cells"]]
    assert len(set(ids)) == len(ids)
    for cell in book["cells"]:
        if cell["cell_type"] == "code":
            assert cell["outputs"] == [] and cell["execution_count"] is None
            assert len(cell["source"]) <= 25


def stand_in(folder: Path, refuse: bool) -> None:
    """Write a package ``google.colab`` that a notebook's kernel finds already imported."""
    package = folder / "google" / "colab"
    package.mkdir(parents=True)
    (folder / "google" / "__init__.py").write_text("")
    for name, text in STAND_IN.items():
        (package / name).write_text(text.replace("{refuse}", str(refuse)))


@pytest.mark.parametrize("case", ["local", "colab with Drive", "colab, Drive refused"])
def test_quickstart_runs_to_a_finished_video(case: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    nbclient, nbformat = pytest.importorskip("nbclient"), pytest.importorskip("nbformat")
    book = nbformat.read(ROOT / "notebooks" / "quickstart.ipynb", as_version=4)
    for cell in book.cells:
        cell.source = cell.source.replace('DEMO_SIZE = "1080p"', 'DEMO_SIZE = "240x240"')
        if case != "local":
            cell.source = cell.source.replace("DRIVE = False", "DRIVE = True")
    if case != "local":
        stand_in(tmp_path / "site", "refused" in case)
        start = (
            "import sys, pathlib, google.colab, lipsync_colab.colab as c\n"
            f"c.DRIVE = pathlib.Path({str(tmp_path / 'drive')!r})\n"
            f"c.ColabHost.__init__.__defaults__ = (c.DRIVE, pathlib.Path({str(tmp_path / 'content')!r}))"
        )
        book.cells.insert(0, nbformat.v4.new_code_cell(start))
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join([str(tmp_path / "site"), str(ROOT), *sys.path]))
    client = nbclient.NotebookClient(
        book, timeout=300, kernel_name="python3", resources={"metadata": {"path": tmp_path}}
    )
    client.execute()
    said = json.dumps([cell.get("outputs", []) for cell in book.cells])
    folder = {"local": "lipsync", "colab with Drive": "drive/MyDrive/LipSync"}.get(case, "content/LipSync")
    assert (tmp_path / folder / "demo.mp4").stat().st_size > 1000
    assert "240\\u00d7240" in said
    assert ("was not mounted" in said) is ("refused" in case)


def frozen() -> dict[str, str]:
    pairs = re.findall(r"^([\w.\-]+)==([\w.+!]+)", FREEZE.read_text(encoding="utf-8"), re.M)
    return {re.sub(r"[-_.]+", "-", name).lower(): version.split("+")[0] for name, version in pairs}


def test_installing_moves_nothing_that_colab_has_loaded(tmp_path: Path) -> None:
    versions = frozen()
    held = [name for name in PRELOADED if name in versions and name not in ("torch", "torchvision")]
    constraints = tmp_path / "constraints.txt"
    constraints.write_text("".join(f"{name}=={versions[name]}\n" for name in held))
    report = tmp_path / "report.json"
    words = [
        *(sys.executable, "-m", "pip", "install", "--dry-run", "--ignore-installed", "--quiet", "--no-deps"),
        *("--python-version", "3.13", "--only-binary=:all:", "--target", str(tmp_path / "target")),
        *("-r", str(ROOT / "requirements-colab.txt"), "-c", str(constraints), "--report", str(report)),
    ]
    done = subprocess.run(words, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-2000:]
    packages = json.loads(report.read_text())["install"]
    moved = []
    for package in packages:
        for requirement in package["metadata"].get("requires_dist", []):
            moved += broken(requirement, versions)
    assert not moved


def broken(requirement: str, versions: dict[str, str]) -> list[str]:
    """The requirement, when a preloaded package of Colab's does not meet it."""
    packaging = pytest.importorskip("packaging.requirements")
    wanted = packaging.Requirement(requirement)
    name = re.sub(r"[-_.]+", "-", wanted.name).lower()
    surroundings = {"python_version": "3.13", "python_full_version": "3.13.15", "sys_platform": "linux", "extra": ""}
    if name not in PRELOADED or (wanted.marker and not wanted.marker.evaluate(surroundings)):
        return []
    return [] if wanted.specifier.contains(versions[name], prereleases=True) else [requirement]


def test_the_base_accepts_what_colab_has_loaded() -> None:
    text = (ROOT / "setup.py").read_text(encoding="utf-8")
    wanted = re.findall(r'^    "([A-Za-z][\w.\-]*[<>=!~][^"]*)",', text.split("EXTRAS")[0], re.M)
    assert len(wanted) > 8
    assert [line for requirement in wanted for line in broken(requirement, frozen())] == []
