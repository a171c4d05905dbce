"""What must be installed for a choice: every choice is known, and the extras exist."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from lipsync_colab.engines.registry import ENGINES
from lipsync_colab.pipeline import needed_packages
from lipsync_colab.pipeline.needed_packages import PACKAGES, install_command, lacking_packages
from lipsync_colab.plan import RESTORERS, UPSCALERS

SETUP = Path(__file__).parents[1] / "setup.py"


def test_every_choice_with_a_network_is_known() -> None:
    networks = {*RESTORERS, *UPSCALERS, *(name for name, info in ENGINES.items() if info.needs_torch)}
    assert networks - {"none", "auto"} == set(PACKAGES)


def test_the_extras_are_in_setup() -> None:
    known = set(re.findall(r'^    "(\w+)": ', SETUP.read_text(encoding="utf-8"), re.M))
    assert {extra for _, extras in PACKAGES.values() for extra in extras.split(",")} <= known


def test_only_what_is_missing_is_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(
        needed_packages.importlib.util, "find_spec", lambda name: None if name == "spandrel" else object()
    )
    assert lacking_packages("gfpgan") == ["spandrel"]
    assert install_command("gfpgan") == "pip install 'lipsync-colab[enhance]'"
    assert install_command("realesrgan-x4plus") == install_command("viseme") == install_command("none") == ""
