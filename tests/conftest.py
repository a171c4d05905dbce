"""What every test shares: a home and caches of its own."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

sys.path.insert(0, str(Path(__file__).parent))
# How long an example takes is the machine's business; the same examples every time make a failure repeatable.
settings.register_profile("steady", deadline=None, derandomize=True, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("steady")
DATA = Path(__file__).parent / "data"


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add the flag without which no golden file is written."""
    parser.addoption("--update-golden", action="store_true", help="write golden files anew, then look at the diff")


@pytest.fixture(scope="session")
def weights_cache(tmp_path_factory: pytest.TempPathFactory) -> str:
    """Return the folder where package-carried weights are kept for the whole session."""
    return os.environ.get("LIPSYNC_COLAB_CACHE") or str(tmp_path_factory.mktemp("weights"))


@pytest.fixture(autouse=True)
def own_home(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch, weights_cache: str) -> Path:
    """Give the test a home and no tokens; package-carried weights stay in the session's shared cache."""
    home = tmp_path_factory.mktemp("home")
    monkeypatch.setenv("HOME", str(home))
    monkeypatch.setenv("HF_HOME", str(home / "hf"))
    monkeypatch.setenv("LIPSYNC_COLAB_CACHE", weights_cache)
    for name in ("HF_TOKEN", "HF_ENDPOINT", "HF_HUB_OFFLINE"):
        monkeypatch.delenv(name, raising=False)
    return home


@pytest.fixture(autouse=True)
def words_only_where_asked(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let nobody make out words but in tests marked ``recogniser``: it costs seconds for each recording."""
    if request.node.get_closest_marker("recogniser") is None:
        for module in ("phonemes.recogniser", "phonemes.source", "pipeline.captioning"):
            monkeypatch.setattr(f"lipsync_colab.{module}.recogniser_available", lambda: False)


@pytest.fixture()
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A disk of 200 kB; skipped where it cannot be mounted."""
    folder = tmp_path / "small disk"
    folder.mkdir()
    words = ["mount", "-t", "tmpfs", "-o", "size=200k", "tmpfs", str(folder)]
    if os.geteuid() != 0 or subprocess.run(words, capture_output=True, check=False).returncode != 0:
        pytest.skip("this machine lets nobody mount a small disk")
    try:
        yield folder
    finally:
        subprocess.run(["umount", "-l", str(folder)], check=True)


from human_speech import human_speech  # noqa: E402, F401 - a fixture for every test that needs a human voice
