"""The registry of engines: what it tells without importing any."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from lipsync_colab.engines import registry
from lipsync_colab.engines.registry import ENGINES, EngineInfo, get_engine
from lipsync_colab.errors import InputError, MachineError
from lipsync_colab.types import RenderSettings
from lipsync_colab.weights.manifest import manifest

ROOT = Path(__file__).parents[1]


def test_names_are_their_own() -> None:
    assert all(name == info.name for name, info in ENGINES.items())
    assert next(iter(ENGINES)) == "viseme", "the embedded engine comes first"


def test_the_registry_loads_nothing_heavy() -> None:
    code = "import sys, lipsync_colab.engines.registry\nprint(sorted({'torch', 'cv2', 'scipy'} & set(sys.modules)))"
    out = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True, cwd=ROOT)
    assert out.stdout.strip() == "[]"


def test_unknown_engine_names_the_known() -> None:
    with pytest.raises(InputError, match="viseme"):
        get_engine("lipgan")


def test_rows_follow_the_options() -> None:
    info = ENGINES["wav2lip"]
    assert info.rows(RenderSettings()) == ("wav2lip.pth",)
    settings = RenderSettings(options=(("checkpoint", "wav2lip_gan"), ("detector", "s3fd")))
    assert info.rows(settings) == ("wav2lip_gan.pth", "s3fd.pth")
    with pytest.raises(InputError, match="wav2lip or wav2lip_gan"):
        info.rows(RenderSettings(options=(("checkpoint", "other"),)))


@pytest.mark.parametrize("option", [("lag", "soon"), ("pads", "1"), ("detector", "eyes")])
def test_wrong_options_are_refused_without_the_engine(option: tuple[str, str]) -> None:
    pytest.importorskip("torch")
    ENGINES["wav2lip"].check(RenderSettings())
    with pytest.raises(InputError, match=option[0]):
        ENGINES["wav2lip"].check(RenderSettings(options=(option,)))


def test_every_row_is_in_the_weights_table() -> None:
    known = manifest().rows
    for info in ENGINES.values():
        rows = {row for values in info.variants.values() for chosen in values.values() for row in chosen}
        assert {*info.weights, *rows} <= set(known), info.name
        if info.commercial:
            assert all(known[row].licence.commercial == "yes" for row in (*info.weights, *rows)), info.name


def test_missing_torch_is_told(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "engine_without_torch.py").write_text("raise ModuleNotFoundError('no torch', name='torch')")
    monkeypatch.syspath_prepend(str(tmp_path))
    info = EngineInfo("bare", "", "engine_without_torch:Engine", None, (), "", True, 0, True)
    monkeypatch.setitem(registry.ENGINES, "bare", info)
    with pytest.raises(MachineError, match="neural"):
        get_engine("bare")
