"""The public names: a golden list of signatures, and the examples that they carry."""

from __future__ import annotations

import doctest
import inspect
import json
import re
import shutil
from pathlib import Path

import pytest
from material import hopper

import lipsync_colab

GOLDEN = Path(__file__).parent / "data" / "api.json"


def signatures() -> dict[str, str]:
    """Every public name with how it is called."""
    found = {}
    for name in lipsync_colab.__all__:
        value = getattr(lipsync_colab, name)
        call = str(inspect.signature(value)) if callable(value) else type(value).__name__
        found[name] = re.sub(r"<function (\w+) at 0x[0-9a-f]+>", r"\1", call)
    return found


def test_public_names_are_the_recorded_ones(request: pytest.FixtureRequest) -> None:
    if request.config.getoption("--update-golden"):
        GOLDEN.write_text(json.dumps(signatures(), indent=1) + "\n", encoding="utf-8")
    assert signatures() == json.loads(GOLDEN.read_text(encoding="utf-8"))


EXAMPLES = ("", "load_portrait", "load_speech", "prepare", "preview", "render_storyboard", "speak")


@pytest.mark.parametrize("name", EXAMPLES)
def test_examples_run(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    shutil.copy(hopper(), tmp_path / "portrait.jpg")
    lipsync_colab.speak("Hello there.", path=tmp_path / "voice.wav")
    value = getattr(lipsync_colab, name) if name else lipsync_colab
    tests = doctest.DocTestFinder(recurse=False).find(value, name or "lipsync_colab")
    assert tests and tests[0].examples
    runner = doctest.DocTestRunner(optionflags=doctest.ELLIPSIS)
    for test in tests:
        assert runner.run(test).failed == 0


def test_every_public_name_is_described() -> None:
    for name in lipsync_colab.__all__:
        if name != "__version__":
            assert (getattr(lipsync_colab, name).__doc__ or "").strip()
    assert set(lipsync_colab.__all__) <= set(dir(lipsync_colab))


def test_an_unknown_name_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="magic"):
        lipsync_colab.magic  # noqa: B018
