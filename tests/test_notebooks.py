"""The notebooks: their form, and whole runs on this machine and with a stand-in for Colab, at small sizes."""

from __future__ import annotations

import json
import re
import shutil
from pathlib import Path
from typing import Any

import pytest
from material import hopper
from notebook_runs import NOTEBOOKS, PLACES, ROOT, Ran, run_notebook
from PIL import Image as Picture

from lipsync_colab.version import __version__

NAMES = [path.stem for path in NOTEBOOKS]


@pytest.fixture()
def small_portrait(tmp_path: Path) -> str:
    """A portrait that super-resolution is soon through with; as Python, for a form's field."""
    path = tmp_path / "hopper.png"
    with Picture.open(hopper()) as picture:
        picture.resize((128, 150), Picture.Resampling.LANCZOS).save(path)
    return repr(str(path))


def cell_of(name: str, cell: str) -> str:
    book = json.loads((ROOT / "notebooks" / f"{name}.ipynb").read_text(encoding="utf-8"))
    return "".join(next(each["source"] for each in book["cells"] if each["id"] == cell))


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_notebooks_are_clean_and_open_on_colab(path: Path) -> None:
    book: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    assert book["metadata"]["accelerator"] == "GPU" and book["metadata"]["colab"]["gpuType"] == "T4"
    assert book["metadata"]["colab"]["provenance"] == [] and book["metadata"]["colab"]["include_colab_link"]
    first = book["cells"][0]
    assert f"notebooks/{path.name}" in "".join(first["source"])
    assert first["metadata"] == {"id": "view-in-github", "colab_type": "text"}
    ids = [cell["id"] for cell in book["cells"]]
    assert len(set(ids)) == len(ids)
    for cell in book["cells"]:
        if cell["cell_type"] == "code":
            assert cell["outputs"] == [] and cell["execution_count"] is None
            assert len(cell["source"]) <= 25
            assert cell["source"][0].startswith("# @title ")
    help_text = "".join(book["cells"][-1]["source"])
    assert "runtime_version" in help_text and "Drive" in help_text


def test_every_notebook_installs_alike() -> None:
    cells = {cell_of(name, "install") for name in NAMES}
    assert len(cells) == 1
    assert f'VERSION = "{__version__}"' in cells.pop()


def check_place(ran: Ran, place: str) -> None:
    """A refused Drive says its line and nothing else happens; leaving flushes a mounted one; nothing is left half."""
    said = "".join(ran.said.values())
    assert ("was not mounted (mount failed)" in said) is ("refused" in place)
    assert ("flushed" in ran.said["leave"]) is (place == "colab with Drive")
    assert not [name for name in ran.files if name.startswith(".") or name.endswith(".part") or name == "work"]


def everywhere(*quick: str) -> pytest.MarkDecorator:
    """Every place; those that are not named here only with ``-m slow``."""
    slow = [pytest.param(place, marks=pytest.mark.slow) for place in PLACES if place not in quick]
    return pytest.mark.parametrize("place", [*quick, *slow])


@everywhere()
def test_quickstart_ends_with_a_finished_video(place: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    check_quickstart(run_notebook("quickstart", place, tmp_path, monkeypatch, SMALL_DEMO), place)


SMALL_DEMO = {"DEMO_SIZE": '"240x240"'}
SHORT_SEGMENTS = "import lipsync_colab.plan as plan; plan.SEGMENT_SECONDS = 1"
ORDERED = """
from pathlib import Path
from lipsync_colab.cli.demo import portrait_path
studio.settings._apply('{"size": "240x280", "upscale": "none"}')
studio.portrait.take(portrait_path())
studio.voice.mode.value = "text"
studio.voice.text.value = "This is a long sentence that nobody wants to hear to its end. " * 4
studio.consent.value = True
studio.generate_button.click()
"""
LOST = f"""{ORDERED}
import os, signal, time
while len(list(here.output_folder.glob("work/*/0*.json"))) < 3:
    assert studio.worker.busy, studio.status.value
    time.sleep(0.02)
os.kill(os.getpid(), signal.SIGKILL)
"""
FOUND = """
print(studio.waiting.value)
studio.generate_button.click()
studio.worker.wait()
print(studio.status.value)
"""


def check_quickstart(ran: Ran, place: str) -> None:
    assert (ran.folder / "demo.mp4").stat().st_size > 1000
    assert "240×240" in ran.said["demo"]
    assert "<video" in ran.said["show"]
    assert "No GPU" in ran.said["settings"]
    check_place(ran, place)


def test_after_a_lost_runtime_the_cells_go_on_from_the_segments_on_drive(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    exceptions = pytest.importorskip("nbclient.exceptions")
    place, folder = "colab with Drive", tmp_path / "drive" / "MyDrive" / "LipSync"
    with pytest.raises(exceptions.DeadKernelError):
        run_notebook(
            "quickstart", place, tmp_path, monkeypatch, SMALL_DEMO, person={"install": SHORT_SEGMENTS, "studio": LOST}
        )
    assert len(list(folder.glob("work/*/0*.mp4"))) >= 3
    # A new runtime: nothing of the old one is left but Drive.
    shutil.rmtree(tmp_path / "content", ignore_errors=True)
    ran = run_notebook(
        "quickstart", place, tmp_path, monkeypatch, SMALL_DEMO, person={"install": SHORT_SEGMENTS, "studio": FOUND}
    )
    said = ran.said["person-after-studio"]
    assert "An unfinished video" in said and "are already there; Generate goes on" in said
    assert int(re.search(r"(\d+) of \d+ frames were there already", said)[1]) >= 75  # type: ignore[index]
    assert (folder / "grace_hopper-talking.mp4").stat().st_size > 1000
    check_quickstart(ran, place)


@everywhere("local")
def test_the_walkthrough_shows_each_stage(
    place: str, tmp_path: Path, small_portrait: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    changes = {"SIZE": '"240x280"', "PORTRAIT": small_portrait, "TEXT": '"Look."'}
    ran = run_notebook("studio_walkthrough", place, tmp_path, monkeypatch, changes)
    for stage in ("generate", "enhance", "upscale"):
        assert "application/vnd.jupyter.widget-view+json" in ran.kinds[stage]
        assert stage in ran.said[stage] and "memory" in ran.said[stage]
    # The restorer's weights are nowhere to be had in a test: one line, and the next stage goes on.
    assert "Without gfpgan" in ran.said["enhance"] and "enhance (none)" in ran.said["enhance"]
    assert (ran.folder / "walkthrough.mp4").stat().st_size > 1000
    check_place(ran, place)


@everywhere("colab, Drive refused")
def test_narration_makes_two_scenes_with_captions_and_says_who_wrote_them(
    place: str, tmp_path: Path, small_portrait: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("xllamacpp")
    changes = {"SIZE": '"240x280"', "PORTRAIT": small_portrait, "SECONDS": "4", "FETCH_MISTRAL": "True"}
    ran = run_notebook("narration", place, tmp_path, monkeypatch, changes)
    assert "there is no GPU to run it on" in ran.said["model"]
    assert "smollm2-135m-gguf: no larger model is on this machine" in ran.said["model"]
    assert {"scene-1.json", "scene-2.wav", "storyboard.json", "narration.mp4", "narration.srt"} <= set(ran.files)
    scripts = [json.loads((ran.folder / f"scene-{number}.json").read_text(encoding="utf-8")) for number in (1, 2)]
    assert all(script["writer"].startswith("smollm2") for script in scripts)
    words = [word for script in scripts for word in script["scenes"][0]["text"].split()]
    captions = (ran.folder / "narration.srt").read_text(encoding="utf-8")
    assert all(word in captions for word in words)
    assert f"scene 2, written by {scripts[1]['writer']}" in ran.said["write"]
    assert "<video" in ran.said["video"]
    check_place(ran, place)


@everywhere("colab with Drive")
def test_weights_go_to_the_mirror_and_back(place: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    ran = run_notebook("weights", place, tmp_path, monkeypatch, {"SHOW": '"viseme wav2lip"'})
    assert "face_landmarker.task" in ran.said["table"] and "to be accepted" in ran.said["table"]
    assert "0 wrong" in ran.said["verify"]
    assert (ran.folder / "weights" / "mirror.json").is_file()
    assert "face_landmarker.task" in ran.said["back"]
    check_place(ran, place)


@everywhere("colab")
def test_the_benchmark_runs_what_is_here_and_names_what_is_not(
    place: str, tmp_path: Path, small_portrait: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("torch")
    changes = {"PORTRAIT": small_portrait, "FACTOR": "2", "NETWORKS": '"lanczos realesr-animevideov3 gfpgan"'}
    ran = run_notebook("benchmark", place, tmp_path, monkeypatch, changes)
    assert "realesr-animevideov3</td>" in ran.said["run"]
    assert "weights fetch GFPGANv1.4.pth" in ran.said["run"] and "gfpgan</td>" not in ran.said["run"]
    assert ran.kinds["pictures"] & ran.kinds["plots"] >= {"image/png"}
    assert {"restorers.png", "restorers-figures.png"} <= set(ran.files)
    check_place(ran, place)
