"""The import direction of ``lipsync_colab``, and what importing it costs."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parents[1] / "lipsync_colab"
LAYERS = (
    ("types", "errors", "version", "network_costs"),
    ("weights", "device", "stream", "moods", "frame_rate"),
    ("audio", "portrait"),
    ("networks", "phonemes"),
    ("engines", "narrate", "finish", "encode", "marks"),
    ("report",),
    ("estimate",),
    ("plan", "probe"),
    ("pipeline",),
    ("batch",),
    ("bench",),
    ("cli", "panel", "training"),
    ("colab",),
)
LEVEL = {name: level for level, names in enumerate(LAYERS) for name in names}
HEAVY = ("torch", "cv2", "scipy", "mediapipe", "onnxruntime", "pocketsphinx", "matplotlib", "google")


def modules() -> list[Path]:
    return sorted(PACKAGE.rglob("*.py"))


def imported(path: Path) -> set[str]:
    """Full names of the package's own modules that a file imports, anywhere in it."""
    names: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: relative import"
            names |= {f"{node.module}.{alias.name}" for alias in node.names}
    return {name for name in names if name.startswith("lipsync_colab.")}


@pytest.mark.parametrize("path", modules(), ids=lambda path: str(path.relative_to(PACKAGE)))
def test_imports_point_down(path: Path) -> None:
    place = path.relative_to(PACKAGE).parts[0].removesuffix(".py")
    if place in ("__init__", "__main__"):
        return
    assert place in LEVEL, f"{place} has no layer"
    for name in imported(path):
        target = name.split(".")[1]
        if target in ("__version__",):
            continue
        assert target in LEVEL, f"{path.name} imports {name}, which has no layer"
        assert target == place or LEVEL[target] < LEVEL[place], f"{path.name} imports {name} against the direction"


@pytest.mark.parametrize("path", modules(), ids=lambda path: str(path.relative_to(PACKAGE)))
def test_only_colab_knows_colab(path: Path) -> None:
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import | ast.ImportFrom):
            names = [alias.name for alias in node.names] + [getattr(node, "module", None) or ""]
            if any(name.startswith("google.colab") for name in names):
                assert path.name == "colab.py"


def test_engines_do_not_import_each_other() -> None:
    engines = PACKAGE / "engines"
    # headmotion holds what both engines that redraw a moving head are built on; it is no engine itself.
    shared = {"registry", "headmotion"}
    for path in engines.rglob("*.py"):
        place = path.relative_to(engines).parts[0].removesuffix(".py")
        for name in imported(path):
            parts = name.split(".")
            if place not in shared | {"__init__"} and parts[1] == "engines" and len(parts) > 2:
                assert parts[2] in shared | {place}, f"{path} imports {name}"


def test_import_is_light() -> None:
    code = (
        "import sys, lipsync_colab, lipsync_colab.types, lipsync_colab.cli.main\n"
        f"print(sorted(set(sys.modules) & set({HEAVY!r})))"
    )
    out = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True)
    assert out.stdout.strip() == "[]"
